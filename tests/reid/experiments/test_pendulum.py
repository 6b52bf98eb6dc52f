from __future__ import annotations

import csv
from pathlib import Path

import pytest

from reid.experiments.cli import EXPERIMENTS
from reid.experiments.pendulum import run
from reid.experiments.report import Report
from reid.experiments.request import Request
from reid.experiments.variants import VARIANTS
from tests.reid.commands import fails, reid


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments")


@pytest.fixture(scope="module")
def quick(output: Path) -> str:
    """What a quick run says."""
    outcome = reid("experiment", "pendulum", "--quick", "--seeds", 1, "--output", output)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_a_quick_run_leaves_figures_and_numbers_of_every_model(quick: str, output: Path) -> None:
    assert "report.html" in quick
    folder = output / "pendulum-quick"
    for figure in ("figure-1", "figure-2", "figure-4", "figure-7"):
        for suffix in ("png", "pdf"):
            assert (folder / f"{figure}.{suffix}").stat().st_size > 5000
    rows = list(csv.DictReader((folder / "numbers.csv").open(encoding="utf-8")))
    assert {row["model"] for row in rows} == set(VARIANTS)
    assert {"Figure 2", "as Figure 7a", "as Figure 7b", "Table 4"} <= {row["figure"] for row in rows}


def test_a_second_run_trains_nothing(quick: str, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its pictures would be those of the first run.
    monkeypatch.setattr(Report, "add_picture", lambda *_: None)
    told: list[str] = []
    before = (output / "pendulum-quick" / "numbers.csv").read_text(encoding="utf-8")
    report = run(Request(output / "pendulum-quick", quick=True, seeds=(0,), done=told.append))
    assert told == []
    assert (output / "pendulum-quick" / "numbers.csv").read_text(encoding="utf-8") == before
    assert report.facts["seeds"] == "0"


def test_an_unknown_experiment_is_named() -> None:
    known = ", ".join(EXPERIMENTS)
    assert fails(reid("experiment", "pendulums"), f"unknown experiment 'pendulums'; known: {known}, all")


@pytest.mark.slow
def test_the_paper_s_claims_hold(tmp_path: Path) -> None:
    report = run(Request(tmp_path))
    assert report.missed == []
    bounded = [number for number in report.numbers if number.expected]
    assert len(bounded) == 9
    assert all(len(number.values) == 3 for number in bounded)
