from __future__ import annotations

import csv
import json
from pathlib import Path
from types import ModuleType

import pytest

from reid.experiments import mnist, mnist_2018, pendulum_2018, robot_arm
from reid.experiments.request import Request
from reid.experiments.variants import FM, VHP
from tests.reid.commands import fails, reid

FIGURES = {
    mnist: (8, 9),
    pendulum_2018: (1, 2, 3, 4),
    mnist_2018: (5, 6, 7),
    robot_arm: (8, 9, 10),
}


@pytest.mark.slow
@pytest.mark.parametrize("module", FIGURES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_quick_run_needs_no_data_and_leaves_every_figure(module: ModuleType, tmp_path: Path) -> None:
    told: list[str] = []
    asked = Request(tmp_path, tmp_path / "no data", quick=True, seeds=(0,), done=told.append)
    report = module.run(asked)
    assert told
    for figure in FIGURES[module]:
        for suffix in ("png", "pdf"):
            assert (tmp_path / f"figure-{figure}.{suffix}").stat().st_size > 5000
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open(encoding="utf-8")))
    assert len(rows) == len(report.numbers)
    stored = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert stored["facts"]["seeds"] == "0"
    if "mnist" in module.__name__:
        assert "not MNIST" in stored["facts"]["digits"]
        assert "drawn digits" in report.title

    told.clear()
    again = module.run(asked)
    assert told == []
    assert [number.values for number in again.numbers] == [number.values for number in report.numbers]


@pytest.mark.slow
def test_flatness_of_digits_stands_beside_their_reconstruction(tmp_path: Path) -> None:
    report = mnist.run(Request(tmp_path, quick=True, seeds=(0,)))
    for name in (FM, VHP):
        assert any(row.model == name and "beside κ" in row.quantity for row in report.numbers)
        assert any(row.model == name and "ceiling of this graph" in row.quantity for row in report.numbers)


@pytest.mark.parametrize("name", ["mnist", "mnist-2018"])
def test_missing_digits_are_said_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision.datasets

    def no_network(*arguments: object, **more: object) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(torchvision.datasets, "MNIST", no_network)
    outcome = reid("experiment", name, "--data-root", tmp_path, "--output", tmp_path / "out")
    assert fails(outcome, "no MNIST there, and it cannot be downloaded")
