from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reid.experiments.trainings import TrainingData, train_all
from reid.training.settings import TrainingSettings, load_training

NOISE = 0.1


def line(count: int = 600) -> np.ndarray:
    """A noisy line in six dimensions."""
    rng = np.random.default_rng(0)
    along = rng.uniform(-1.0, 1.0, (count, 1)) * np.array([[1.0, -0.5, 0.3, 0.0, 0.8, -1.0]])
    return (along + rng.normal(0.0, NOISE, (count, 6))).astype(np.float32)


def settings(*changes: str) -> TrainingSettings:
    small = [
        "method.model.encoder.hidden=[32]",
        "method.model.observation.joints.decoder.hidden=[32]",
        "optimiser.batch=50",
        "optimiser.learning_rate=1e-2",
        "method.noise=0.2",
    ]
    return load_training("robot-arm", [*small, *changes])


def test_it_learns_the_data_and_their_noise(tmp_path: Path) -> None:
    (trained,) = train_all(
        [("IWAE", settings("optimiser.steps=400"))], TrainingData(line(), 0.0, "joints"), tmp_path, workers=1
    )
    first, last = trained.log[0], trained.log[-1]
    assert last["log_likelihood_bound"] > first["log_likelihood_bound"] + 1.0
    assert last["noise"] == pytest.approx(NOISE, rel=0.25)
    assert NOISE < last["rmse"] < 2.0 * NOISE < first["rmse"]
    assert 1.0 <= last["effective_samples"] <= 15.0


def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reid.training.loop import Loop

    job = [("IWAE", settings("optimiser.steps=8"))]
    data = TrainingData(line(), 0.0, "joints")
    (whole,) = train_all(job, data, tmp_path / "whole", workers=1)
    run = Loop.run

    def stop_early(loop: Loop) -> bool:
        return run(loop, lambda progress: setattr(loop, "_stop", progress.step == 4))

    monkeypatch.setattr(Loop, "run", stop_early)
    with pytest.raises(KeyboardInterrupt):
        train_all(job, data, tmp_path / "parts", workers=1)
    monkeypatch.undo()
    (resumed,) = train_all(job, data, tmp_path / "parts", workers=1)
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, rtol=0, atol=0)
