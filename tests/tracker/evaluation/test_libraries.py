"""The project's figures equal those that motmetrics and trackeval find in the same files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.tracker.evaluation.oracles import TRACKEVAL_COUNTS, motmetrics_figures, trackeval_figures
from tests.tracker.evaluation.scenes import crowded_scene
from tracker.evaluation import evaluate

SEEDS = range(4)
TRACKEVAL_IN_EITHER_MODE = ("IDF1", "IDP", "IDR", "HOTA", "DetA", "AssA")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("benchmark", ["MOT15", "MOT16", "MOT17"])
def test_default_figures_are_those_of_motmetrics(
    benchmark: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, results = tmp_path / benchmark / "train" / "Square", tmp_path / "results" / "Square.txt"
    sequence = crowded_scene(folder, results, seed, classes=benchmark != "MOT15")

    ours = evaluate(results.parent, tmp_path, jobs=1).rows["Square"]

    theirs = motmetrics_figures(sequence, results, monkeypatch)
    assert ours["IDs"] > 0
    assert {column: ours[column] for column in theirs} == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("benchmark", ["MOT15", "MOT16", "MOT17", "MOT20"])
def test_official_figures_are_those_of_trackeval(benchmark: str, tmp_path: Path) -> None:
    data, results = tmp_path / "data", tmp_path / "results"
    sequences = [
        crowded_scene(
            data / benchmark / "train" / f"S{seed}", results / f"S{seed}.txt", seed, benchmark != "MOT15"
        )
        for seed in SEEDS
    ]

    official = evaluate(results, data, official=True, jobs=1).to_dict()
    default = evaluate(results, data, jobs=1).to_dict()

    files = {sequence.name: results / f"{sequence.name}.txt" for sequence in sequences}
    theirs = trackeval_figures(sequences, files, tmp_path / "trackeval")
    assert set(theirs) == set(official)
    for name, figures in theirs.items():
        assert official[name] == pytest.approx(figures, abs=1e-9)
        assert {column: default[name][column] for column in TRACKEVAL_IN_EITHER_MODE} == pytest.approx(
            {column: figures[column] for column in TRACKEVAL_IN_EITHER_MODE}, abs=1e-6
        )


def test_the_two_libraries_do_not_agree(tmp_path: Path) -> None:
    """Otherwise the tests above could not tell one mode from the other."""
    crowded_scene(tmp_path / "MOT16" / "train" / "Square", tmp_path / "results" / "Square.txt", seed=0)
    default = evaluate(tmp_path / "results", tmp_path, jobs=1).overall
    official = evaluate(tmp_path / "results", tmp_path, official=True, jobs=1).overall
    assert any(default[column] != official[column] for column in TRACKEVAL_COUNTS)


def test_empty_results_have_no_precision_and_in_official_mode_one_of_zero(tmp_path: Path) -> None:
    results = tmp_path / "results" / "Square.txt"
    sequence = crowded_scene(tmp_path / "data" / "MOT16" / "train" / "Square", results, seed=0)
    results.write_text("")

    default = evaluate(results.parent, tmp_path / "data", jobs=1).overall
    official = evaluate(results.parent, tmp_path / "data", official=True, jobs=1).overall

    assert math.isnan(default["Precision"])
    assert default["MOTA"] == default["Recall"] == default["IDP"] == default["HOTA"] == 0.0
    theirs = trackeval_figures([sequence], {"Square": results}, tmp_path / "trackeval")["Square"]
    assert official == pytest.approx(theirs)


def test_a_sequence_where_nothing_counts(tmp_path: Path) -> None:
    results = tmp_path / "results" / "Square.txt"
    crowded_scene(tmp_path / "data" / "MOT16" / "train" / "Square", results, seed=0)
    (tmp_path / "data" / "MOT16" / "train" / "Square" / "gt" / "gt.txt").write_text("")
    default = evaluate(results.parent, tmp_path / "data", jobs=1).overall
    official = evaluate(results.parent, tmp_path / "data", official=True, jobs=1).overall
    assert default["FP"] == official["FP"] > 0
    assert default["FN"] == default["MT"] == default["IDs"] == 0
    assert math.isnan(default["MOTA"])
    assert official["MOTA"] == 0.0
