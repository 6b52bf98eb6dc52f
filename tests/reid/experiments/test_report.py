from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from reid.experiments.report import Number, Picture, Report


@pytest.mark.parametrize(
    "values, at_least, at_most, met, words",
    [
        ([1.0, 2.0], None, None, True, ""),
        ([1.0, 2.0], 1.0, 2.0, True, "≥ 1 and ≤ 2"),
        ([1.0, 2.0], None, 1.5, False, "≤ 1.5"),
        ([1.0, 2.0], 1.5, None, False, "≥ 1.5"),
        ([float("nan")], 0.0, None, False, "≥ 0"),
        ([float("nan")], None, None, True, ""),
    ],
)
def test_every_seed_must_keep_the_bounds(
    values: list[float], at_least: float | None, at_most: float | None, met: bool, words: str
) -> None:
    number = Number("Figure 1", "q", "m", "-", values, at_least, at_most)
    assert number.met is met
    assert number.expected == words


def test_mean_and_deviation_over_the_seeds() -> None:
    assert Number("", "", "", "", [1.0, 3.0]).ours == "2 ± 1.4"
    assert Number("", "", "", "", [1.25]).ours == "1.25"


def test_everything_is_in_the_files(tmp_path: Path) -> None:
    report = Report("A <title>", "Some paper", tmp_path, facts={"seeds": "0, 1"}, notes=["a & b"])
    report.numbers = [
        Number("Figure 2", "condition number", "VHP-FMVAE", "close to 1", [1.02, 1.04], at_most=1.1),
        Number("Table 1", "ratio", "VHP-VAE", "1.23", [0.5], at_least=1.0),
    ]
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    report.add_picture(figure, Picture("figure-1", "Figure 1", "A line."))
    report.write()
    assert [number.model for number in report.missed] == ["VHP-VAE"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.html",
        "numbers.csv",
        "numbers.json",
        "figure-1.png",
        "figure-1.pdf",
    }
    page = report.page.read_text(encoding="utf-8")
    for text in (
        "A &lt;title&gt;",
        "close to 1",
        "1.03 ± 0.014",
        "figure-1.png",
        "A line.",
        "a &amp; b",
        "0, 1",
    ):
        assert text in page
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open(encoding="utf-8")))
    assert [(row["model"], row["run"], row["value"]) for row in rows] == [
        ("VHP-FMVAE", "0", "1.02"),
        ("VHP-FMVAE", "1", "1.04"),
        ("VHP-VAE", "0", "0.5"),
    ]
    stored = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert stored["facts"]["seeds"] == "0, 1"
    assert [number["met"] for number in stored["numbers"]] == [True, False]


def test_a_trial_says_that_it_is_one(tmp_path: Path) -> None:
    for quick in (False, True):
        report = Report("A title", "Some paper", tmp_path, notes=["a note"], quick=quick)
        report.write()
        page = report.page.read_text(encoding="utf-8")
        assert ("mean nothing" in page) is quick
        assert len(json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))["notes"]) == 1 + quick


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        figure = Figure(figsize=(1, 1))
        figure.subplots().plot([0, 1])
        Report("", "", tmp_path).add_picture(figure, Picture(name, "", ""))
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_numbers_that_are_none_leave_a_file_that_every_program_reads(tmp_path: Path) -> None:
    report = Report("A title", "Some paper", tmp_path)
    report.numbers = [Number("Figure 1", "q", "m", "-", [1.0, float("nan"), float("inf")])]
    report.write()
    text = (tmp_path / "numbers.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    (stored,) = json.loads(text)["numbers"]
    assert stored["values"] == [1.0, None, None]
    assert stored["mean"] is None
