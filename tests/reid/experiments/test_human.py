from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.datasets.gait import synthetic_motion
from reid.experiments import human, human_5d
from reid.experiments.motion_figures import draw_interpolations, draw_smoothness, jumps
from reid.experiments.request import Request
from reid.experiments.variants import FM, VARIANTS, VHP
from reid.files import FileError
from tests.reid.commands import fails, reid


@pytest.mark.slow
def test_a_quick_run_needs_no_data_and_leaves_every_figure(tmp_path: Path) -> None:
    told: list[str] = []
    asked = Request(tmp_path, tmp_path / "no data", quick=True, seeds=(0,), done=told.append)
    report = human.run(asked)
    assert told
    for figure in (3, 4, 5, 6, 7, 11):
        for suffix in ("png", "pdf"):
            assert (tmp_path / f"figure-{figure}.{suffix}").stat().st_size > 5000
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open(encoding="utf-8")))
    assert {row["model"] for row in rows} == set(VARIANTS)
    assert {"Figure 4", "Figure 5", "Figure 7a", "Figure 7b", "Table 1"} <= {row["figure"] for row in rows}
    assert (
        "no measurement"
        in json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))["facts"]["data"]
    )
    # Flatness is never printed without the reconstruction it was reached at, nor a ratio without its ceiling.
    for name in VARIANTS:
        assert any(number.model == name and "beside κ" in number.quantity for number in report.numbers)
    for name in (FM, VHP):
        assert any(
            number.model == name and "ceiling of this graph" in number.quantity for number in report.numbers
        )

    told.clear()
    human.run(asked)
    assert told == []


@pytest.mark.slow
def test_a_quick_run_in_five_dimensions(tmp_path: Path) -> None:
    report = human_5d.run(Request(tmp_path, tmp_path / "no data", quick=True, seeds=(0,)))
    assert (tmp_path / "figure-13.png").stat().st_size > 5000
    assert {number.figure for number in report.numbers} >= {"Figure 13", "Table 3", "as Table 3"}
    (free,) = [row for row in report.numbers if row.figure == "as Table 3" and row.model == FM]
    assert min(free.values) >= 1.0


@pytest.mark.parametrize("name", ["human", "human-5d"])
def test_missing_data_are_said_in_one_line(name: str, tmp_path: Path) -> None:
    outcome = reid("experiment", name, "--data-root", tmp_path / "none", "--output", tmp_path / "out")
    assert fails(outcome, "35.asf: missing")
    assert not (tmp_path / "out").exists()


def test_without_motion_nothing_is_trained(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="missing"):
        human.run(Request(tmp_path / "out", tmp_path))
    assert not (tmp_path / "out").exists()


def test_a_jump_is_a_step_of_more_than_its_share() -> None:
    steady = np.linspace(0.0, 1.0, 11)[:, None] * np.ones(4)
    assert not jumps(steady).any()
    sudden = np.where(np.arange(11)[:, None] < 4, 0.0, 1.0) * np.ones(4)
    np.testing.assert_array_equal(np.flatnonzero(jumps(sudden)), [3])


def test_joints_that_move_evenly_have_no_bars() -> None:
    values = np.zeros((6, 3))
    values[:, 2] = 2.0
    figure = draw_smoothness({"A": values, "B": 2.0 * values}, ["lfemur rx", "lfemur ry", "ltibia rx"])
    (axes,) = figure.axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers if len(bars) == 2]
    assert [height for height in heights if any(height)] == [[0.0, 2.0], [0.0, 4.0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["lfemur", "ltibia"]


def test_each_pair_has_a_strip_for_each_model() -> None:
    motion = synthetic_motion(30)
    weights = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    latents = np.random.default_rng(0).normal(size=(30, 2))
    figure = draw_interpolations(
        {"A": lambda z: 0.1 * z @ weights, "B": lambda z: torch.sign(z) @ weights},
        {"A": latents, "B": latents},
        np.array([[0, 1], [2, 3], [4, 5]]),
        motion,
    )
    assert len(figure.axes) == 6
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["(a) A", "(b) B"]
    # A straight line through a linear decoder does not jump, one through a step does.
    boxes = [len(axes.patches) for axes in figure.axes]
    assert boxes[::2] == [0, 0, 0]
    assert sum(boxes[1::2]) > 0
