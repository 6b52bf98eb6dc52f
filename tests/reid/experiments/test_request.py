"""What is asked of an experiment is what is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reid.experiments.request import Request
from reid.experiments.trainings import Trained, TrainingData
from reid.experiments.variants import FM, VHP
from reid.training.settings import TrainingSettings, load_training

DATA = TrainingData(np.zeros((4, 2), dtype=np.float32), 0.0, "image")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the trainings were asked for, none of which is done."""
    asked: dict[str, Any] = {}

    def train_all(settings: Any, data: Any, folder: Path, done: Any, workers: int | None) -> list[Trained]:
        asked.update(settings=settings, folder=folder, workers=workers)
        return [Trained(name, one, None, [], 2.0) for name, one in settings]  # type: ignore[arg-type]

    monkeypatch.setattr("reid.experiments.request.train_all", train_all)
    return asked


def settings_of(*changes: str) -> TrainingSettings:
    return load_training("pendulum", list(changes))


def test_each_model_is_trained_with_each_seed_as_configured(trained: dict[str, Any], tmp_path: Path) -> None:
    found = Request(tmp_path, seeds=(0, 7)).train("pendulum", [FM, VHP], DATA)
    assert [(one.name, one.seed) for one in found] == [(FM, 0), (FM, 7), (VHP, 0), (VHP, 7)]
    assert found[1].settings == settings_of("seed=7")
    assert (trained["folder"], trained["workers"]) == (tmp_path / "models", None)


def test_a_quick_training_is_the_same_with_fewer_steps(trained: dict[str, Any], tmp_path: Path) -> None:
    change = "method.objective.importance_samples=2"
    (found,) = Request(tmp_path, quick=True, seeds=(0,)).train("pendulum", [FM], DATA, [change])
    assert found.settings == settings_of("optimiser.steps=60", change)
    assert trained["workers"] == 1


def test_the_facts_are_of_all_trainings(trained: dict[str, Any], tmp_path: Path) -> None:
    asked = Request(tmp_path, quick=True, seeds=(3, 5))
    facts = asked.facts(asked.train("pendulum", [FM], DATA), "images")
    assert facts["seeds"] == "3, 5"
    assert facts["trainings"] == "2, 4 s of processor time"
    assert facts["steps"].startswith("60 of ")
    assert facts["time"] == "0 s in this run"
