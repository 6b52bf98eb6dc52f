from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from reid.evaluation.report import EvaluationReport, TestData, distinct_names, evaluate_descriptors


@pytest.mark.parametrize(
    "choices, names",
    [
        (["histogram", "runs/mine", "runs/mine.onnx"], ["histogram", "runs/mine", "runs/mine.onnx"]),
        (["histogram", "runs/mine", "other.onnx"], ["histogram", "mine", "other"]),
        (["a/tall.safetensors", "b/tall.safetensors"], ["a/tall.safetensors", "b/tall.safetensors"]),
        # A dot in the name of a training's folder begins no suffix.
        (["runs/kappa0.45", "runs/kappa0.5"], ["kappa0.45", "kappa0.5"]),
        (["runs/kappa0.45.safetensors", "runs/v1.2.onnx"], ["kappa0.45", "v1.2"]),
    ],
)
def test_descriptors_have_short_names_that_are_still_their_own(choices: list[str], names: list[str]) -> None:
    assert distinct_names(choices) == names


@pytest.mark.parametrize(
    "sequences, names",
    [
        (["day1/cam"], ["cam"]),
        (["day1/cam", "day2/cam"], ["day1/cam", "day2/cam"]),
        (["day1/cam", "day1/door", "day2/cam"], ["day1/cam", "door", "day2/cam"]),
        (["a/day1/cam", "b/day1/cam", "b/day2/cam"], ["a/day1/cam", "b/day1/cam", "day2/cam"]),
        (["cam", "day2/cam"], ["here/cam", "day2/cam"]),
        # The same folder twice is still one test set.
        (["day1/cam", "day1/../day1/cam", "day1/cam"], ["cam"]),
    ],
)
def test_sets_are_called_by_as_much_of_their_paths_as_tells_them_apart(
    sequences: list[str], names: list[str], street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for place in map(Path, sequences):
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(street)
    sets = TestData(None, [Path(place) for place in sequences]).sets()
    assert [test.name for test in sets] == names


def test_a_folder_that_is_where_one_stands_has_its_own_name(
    street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(street)
    assert [test.name for test in TestData(None, [Path()]).sets()] == ["STREET"]


def test_sequences_with_one_folder_name_are_all_scored(street: Path) -> None:
    other = street.parent / "other" / street.name
    shutil.copytree(street, other)
    report = evaluate_descriptors(["histogram"], TestData(None, [street, other]), flatness_points=0)
    rows = csv.DictReader(io.StringIO(report.text("csv")))
    assert {row["test"] for row in rows} == {f"{street.parent.name}/STREET", "other/STREET", ""}


@pytest.mark.parametrize("order", [("small", "large"), ("large", "small")])
def test_every_figure_has_its_column_whichever_network_has_more_latents(order: tuple[str, str]) -> None:
    # A network of few latents has no condition number of many leading directions.
    small = {"latents": 8, "condition_of_leading_5": [1.0, 2.0, 3.0]}
    large = {"latents": 32, "condition_of_leading_5": [4.0, 5.0, 6.0], "condition_of_leading_10": [7.0] * 3}
    figures = {"small": {"data": small}, "large": {"data": large}}
    text = EvaluationReport([], {name: figures[name] for name in order}).text("markdown")
    titles, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    found = {row[0]: dict(zip(titles, row, strict=True)) for row in rows}
    assert found["large"]["condition of leading 10"] == "7 (7 – 7)"
    assert found["small"]["condition of leading 5"] == "2 (1 – 3)"
    assert found["small"]["condition of leading 10"] == ""
