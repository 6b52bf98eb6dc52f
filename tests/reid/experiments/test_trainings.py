from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reid.datasets.pendulum import pendulum
from reid.experiments.trainings import Trained, TrainingData, train_all
from reid.training.loop import CHECKPOINT
from reid.training.settings import TrainingSettings, load_training

SMALL = ["optimiser.steps=6", "optimiser.batch=16", "method.objective.importance_samples=2"]


def settings(*changes: str) -> TrainingSettings:
    return load_training("pendulum", [*SMALL, *changes])


def data(count: int = 64) -> TrainingData:
    return TrainingData(pendulum(count).images, 0.05, "image")


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return dict(trained.model.state_dict())


def assert_equal_weights(one: Trained, other: Trained) -> None:
    for name, value in weights(one).items():
        torch.testing.assert_close(weights(other)[name], value, rtol=0, atol=0)


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    told: list[str] = []
    (first,) = train_all([("A", settings())], data(), tmp_path, told.append, workers=1)
    assert len(told) == 1
    assert told[0].startswith("a-seed0-")
    assert first.seconds > 0
    (again,) = train_all([("A", settings())], data(), tmp_path, told.append, workers=1)
    assert len(told) == 1
    assert again.seconds == first.seconds
    assert_equal_weights(first, again)
    assert not any(parameter.requires_grad for parameter in again.model.parameters())


def test_other_settings_seeds_and_data_are_other_trainings(tmp_path: Path) -> None:
    told: list[str] = []
    jobs = [("A", settings()), ("A", settings("seed=1")), ("A", settings("optimiser.learning_rate=1e-3"))]
    train_all(jobs, data(), tmp_path, told.append, workers=1)
    train_all(jobs[:1], data(65), tmp_path, told.append, workers=1)
    assert len(set(told)) == 4


def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = train_all([("A", settings())], data(), tmp_path / "whole", workers=1)

    from reid.training.loop import Loop

    run = Loop.run

    def stop_early(loop: Loop) -> bool:
        return run(loop, lambda progress: setattr(loop, "_stop", progress.step == 3))

    monkeypatch.setattr(Loop, "run", stop_early)
    with pytest.raises(KeyboardInterrupt):
        train_all([("A", settings())], data(), tmp_path / "parts", workers=1)
    (folder,) = (tmp_path / "parts").iterdir()
    assert (folder / CHECKPOINT).is_file()
    assert not (folder / "model.safetensors").exists()
    monkeypatch.undo()
    (resumed,) = train_all([("A", settings())], data(), tmp_path / "parts", workers=1)
    assert_equal_weights(whole, resumed)


@pytest.mark.slow
def test_several_processes_train_the_same_as_one(tmp_path: Path) -> None:
    jobs = [("A", settings()), ("B", settings("seed=1"))]
    alone = train_all(jobs, data(), tmp_path / "one", workers=1)
    together = train_all(jobs, data(), tmp_path / "two", workers=2)
    for one, other in zip(alone, together, strict=True):
        assert one.name == other.name
        assert_equal_weights(one, other)


def test_a_log_of_lost_steps_is_forgotten(tmp_path: Path) -> None:
    steps = ["optimiser.steps=50"]
    (trained,) = train_all([("A", settings(*steps))], data(), tmp_path, workers=1)
    (folder,) = tmp_path.iterdir()
    # As after a power cut before the first checkpoint.
    (folder / CHECKPOINT).unlink()
    (folder / "model.safetensors").unlink()
    (again,) = train_all([("A", settings(*steps))], data(), tmp_path, workers=1)
    assert len(trained.log) == 1
    assert again.log == trained.log


def test_only_auto_encoders_are_trained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="auto-encoders, not 'supervised'"):
        train_all([("A", load_training("supervised"))], data(), tmp_path, workers=1)


def test_the_same_data_have_the_same_digest() -> None:
    assert data().digest() == data().digest()
    assert data().digest() != TrainingData(data().clean, 0.1, "image").digest()
    assert data().digest() != TrainingData(np.flip(data().clean, 0).copy(), 0.05, "image").digest()
