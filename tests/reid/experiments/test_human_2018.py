from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from reid.datasets.gait import synthetic_motion
from reid.experiments import human_2018, human_c2
from reid.experiments.human_2018 import steps_walked
from reid.experiments.human_c2 import draw_convergence, steps_until
from reid.experiments.motion_figures import draw_poses
from reid.experiments.request import Request
from reid.experiments.variants import BATCH_C, UNIT_C, trainings_of
from reid.files import FileError
from reid.training.settings import FlatVAE


@pytest.mark.slow
@pytest.mark.parametrize("module, figures", [(human_2018, (11, 12, 13)), (human_c2, (12,))])
def test_a_quick_run_needs_no_data_and_leaves_every_figure(
    module: ModuleType, figures: tuple[int, ...], tmp_path: Path
) -> None:
    told: list[str] = []
    asked = Request(tmp_path, tmp_path / "no data", quick=True, seeds=(0,), done=told.append)
    report = module.run(asked)
    assert told
    for figure in figures:
        for suffix in ("png", "pdf"):
            assert (tmp_path / f"figure-{figure}.{suffix}").stat().st_size > 5000
    stored = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert "no measurement" in stored["facts"]["data"]
    assert "nothing" in stored["notes"][0]
    assert len(stored["numbers"]) == len(report.numbers)

    told.clear()
    module.run(asked)
    assert told == []


@pytest.mark.parametrize("module", [human_2018, human_c2])
def test_without_motion_nothing_is_trained(module: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="missing"):
        module.run(Request(tmp_path / "out", tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("cycles", [1, 3])
def test_a_cycle_of_the_gait_is_two_steps(cycles: int) -> None:
    motion = synthetic_motion(10)
    swing = np.sin(cycles * np.linspace(0.0, 2.0 * np.pi, 90, endpoint=False) + 0.3)
    poses = np.zeros((90, len(motion.channels)))
    poses[:, motion.channels.index("lfemur rx")] = swing
    poses[:, motion.channels.index("rfemur rx")] = -swing
    assert steps_walked(poses, motion) == 2 * cycles
    assert steps_walked(np.zeros_like(poses), motion) == 0


def test_every_pose_is_drawn_beside_the_last() -> None:
    motion = synthetic_motion(10)
    (axes,) = draw_poses(motion.angles[:5].astype(np.float64), motion).axes
    segments = np.concatenate([np.concatenate(lines.get_segments()) for lines in axes.collections])
    low, high = axes.get_xlim()
    assert low < segments[:, 0].min() < segments[:, 0].max() < high
    # Five bodies side by side are wider than they are tall.
    assert np.ptp(segments[:, 0]) > np.ptp(segments[:, 1])


def test_one_setting_tells_the_two_models_of_c2_apart() -> None:
    found: dict[str, Any] = {}
    for name, settings in trainings_of("human", [BATCH_C, UNIT_C], [0]):
        assert isinstance(settings.method, FlatVAE)
        found[name] = settings.method.objective.flatness
    assert found[BATCH_C].c2 is None
    assert found[UNIT_C].c2 == 1.0
    assert found[UNIT_C].model_copy(update={"c2": None}) == found[BATCH_C]


def log(*errors: float) -> list[dict[str, float]]:
    return [
        {"step": 50.0 * place, "average_rmse": error, "relative_deviation": 0.1 / place}
        for place, error in enumerate(errors, start=1)
    ]


def test_convergence_is_the_first_step_at_the_error_allowed() -> None:
    assert steps_until(log(0.3, 0.1, 0.04, 0.06), 0.05) == 150
    assert steps_until(log(0.3, 0.1), 0.05) == 100


def test_each_seed_has_a_line_and_each_model_one_name() -> None:
    from types import SimpleNamespace

    models: Any = {"A": [SimpleNamespace(log=log(0.3, 0.1))] * 3, "B": [SimpleNamespace(log=log(0.2, 0.2))]}
    left, right = draw_convergence(models, 0.05).axes
    assert len(right.lines) == 4
    assert len(left.lines) == 5
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["A", "B"]
