"""The figures of the original trackers' outputs equal those of motmetrics, trackeval and the publications."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tracker.evaluation.oracles import motmetrics_figures, trackeval_figures
from tracker.evaluation import COLUMNS, EvaluationError, evaluate
from tracker.motchallenge import find_sequences

MOT15 = ["TUD-Campus", "ETH-Sunnyday", "KITTI-17"]
MOT17 = ["MOT17-02-FRCNN", "MOT17-04-FRCNN", "MOT17-05-FRCNN", "MOT17-09-FRCNN"]
SLOW_FOR_MOTMETRICS = {"MOT17-02-FRCNN", "MOT17-04-FRCNN"}


@pytest.mark.parametrize(
    "tracker, name",
    [
        *(
            pytest.param("sort", name, marks=pytest.mark.slow if name in SLOW_FOR_MOTMETRICS else ())
            for name in MOT15 + MOT17
        ),
        ("deepsort", "MOT17-05-FRCNN"),
        ("deepsort", "MOT17-09-FRCNN"),
    ],
)
def test_default_figures_are_those_of_motmetrics(
    tracker: str, name: str, data_root: Path, golden_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = golden_root / tracker / f"{name}.txt"
    (sequence,) = find_sequences([name], data_root)
    ours = evaluate({name: results}, data_root, sequences=[name], jobs=1).rows[name]
    theirs = motmetrics_figures(sequence, results, monkeypatch)
    assert {column: ours[column] for column in theirs} == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    "tracker, names", [("sort", MOT15), ("sort", MOT17), ("deepsort", ["MOT17-05-FRCNN", "MOT17-09-FRCNN"])]
)
def test_official_figures_are_those_of_trackeval(
    tracker: str, names: list[str], data_root: Path, golden_root: Path, tmp_path: Path
) -> None:
    files = {name: golden_root / tracker / f"{name}.txt" for name in names}
    ours = evaluate(files, data_root, sequences=names, official=True, jobs=1).to_dict()
    theirs = trackeval_figures(find_sequences(names, data_root), files, tmp_path)
    assert {name: list(row) for name, row in ours.items()} == {name: list(COLUMNS) for name in ours}
    assert set(ours) == set(theirs)
    for name, figures in theirs.items():
        assert ours[name] == pytest.approx(figures, abs=1e-9), name


def test_mot17_results_can_be_scored_on_the_ground_truth_of_mot16(
    data_root: Path, golden_root: Path, tmp_path: Path
) -> None:
    """The frames are the same, the annotations are not: other identities, other distractors."""
    names = [re.sub(r"MOT17-(\d+)-FRCNN", r"MOT16-\1", name) for name in MOT17]
    files = {name: golden_root / "sort" / f"{source}.txt" for name, source in zip(names, MOT17, strict=True)}
    ours = evaluate(files, data_root, official=True, jobs=1).to_dict()
    theirs = trackeval_figures(find_sequences(names, data_root), files, tmp_path)
    for name, figures in theirs.items():
        assert ours[name] == pytest.approx(figures, abs=1e-9), name


def test_sort_has_its_published_accuracy(data_root: Path, golden_root: Path) -> None:
    rows = evaluate(golden_root / "sort", data_root, sequences=MOT15, official=True, jobs=1).rows
    assert {name: round(row["MOTA"], 1) for name, row in rows.items()} == {
        "TUD-Campus": 62.7,
        "ETH-Sunnyday": 59.1,
        "KITTI-17": 60.2,
    }


def test_a_missing_sequence_of_the_benchmark_is_named(data_root: Path, golden_root: Path) -> None:
    with pytest.raises(EvaluationError, match="no result file for ADL-Rundle-6"):
        evaluate(golden_root / "sort", data_root)
