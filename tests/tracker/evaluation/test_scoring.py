from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.tracker.evaluation.scenes import crowded_scene, write_sequence
from tracker.evaluation import COLUMNS, OVERALL, EvaluationError, evaluate, unique_names
from tracker.evaluation.figures import Counts, Hota, figures
from tracker.motchallenge import FileError

TRUTH = "1,1,100,100,50,100,1,1,1"
HIT = "1,1,100,100,50,100,1,-1,-1,-1\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two sequences of MOT17 with two detectors each, and one without ground truth."""
    for name in ("MOT17-02-FRCNN", "MOT17-04-FRCNN", "MOT17-02-SDP", "MOT17-04-SDP"):
        write_sequence(tmp_path / "data" / "MOT17" / "train" / name, [TRUTH])
    hidden = write_sequence(tmp_path / "data" / "MOT17" / "test" / "MOT17-01-FRCNN", [])
    hidden.ground_truth.unlink()
    return tmp_path / "data"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("MOT17-02-FRCNN", "MOT17-04-FRCNN"):
        (folder / f"{name}.txt").write_text(HIT)
    return folder


def test_the_overall_figures_are_of_the_sums(tmp_path: Path) -> None:
    for seed in range(3):
        crowded_scene(
            tmp_path / "data" / "MOT16" / "train" / f"S{seed}", tmp_path / "r" / f"S{seed}.txt", seed
        )
    result = evaluate(tmp_path / "r", tmp_path / "data", jobs=1)
    for column in ("MT", "PT", "ML", "FP", "FN", "IDs", "FM"):
        assert result.overall[column] == sum(row[column] for row in result.rows.values())
    counts = [sequence.counts for sequence in result.sequences]
    hits = sum(c.true_positives for c in counts)
    assert result.overall["Recall"] == pytest.approx(
        100 * hits / (hits + sum(c.false_negatives for c in counts))
    )
    assert result.overall["FAR"] == pytest.approx(result.overall["FP"] / 180)


def test_sequences_scored_in_parallel_give_the_same(tmp_path: Path) -> None:
    for seed in range(2):
        crowded_scene(
            tmp_path / "data" / "MOT16" / "train" / f"S{seed}", tmp_path / "r" / f"S{seed}.txt", seed
        )
    alone = evaluate(tmp_path / "r", tmp_path / "data", jobs=1)
    together = evaluate(tmp_path / "r", tmp_path / "data", jobs=2)
    assert alone.to_dict() == together.to_dict()


def test_a_perfect_result(data: Path, results: Path) -> None:
    result = evaluate(results, data, jobs=1)
    assert list(result.rows) == ["MOT17-02-FRCNN", "MOT17-04-FRCNN"]
    for column in ("IDF1", "MOTA", "MOTP", "MOTAL", "HOTA", "DetA", "AssA", "Recall", "Precision"):
        assert result.overall[column] == pytest.approx(100.0), column
    assert result.overall["MT"] == 2
    assert result.overall["FAR"] == 0.0


def test_the_result_as_a_dataframe(data: Path, results: Path) -> None:
    table = evaluate(results, data, jobs=1).to_dataframe()
    assert list(table.columns) == list(COLUMNS)
    assert list(table.index) == ["MOT17-02-FRCNN", "MOT17-04-FRCNN", OVERALL]
    assert table.loc[OVERALL, "MT"] == 2


def test_results_can_be_given_as_files(data: Path, results: Path) -> None:
    files = {"MOT17-04-SDP": results / "MOT17-04-FRCNN.txt"}
    result = evaluate(files, data, sequences=["MOT17-04-SDP"], name="mine")
    assert (result.name, list(result.rows)) == ("mine", ["MOT17-04-SDP"])


def test_a_missing_result_file_is_named_and_other_detectors_are_not_missed(data: Path, results: Path) -> None:
    (results / "MOT17-02-FRCNN.txt").unlink()
    with pytest.raises(EvaluationError, match=r"no result file for MOT17-02-FRCNN; expected"):
        evaluate(results, data)
    assert list(evaluate(results, data, partial=True).rows) == ["MOT17-04-FRCNN"]


def test_chosen_sequences_must_all_have_results(data: Path, results: Path) -> None:
    with pytest.raises(EvaluationError, match="no result file for MOT17-02-SDP, MOT17-04-SDP;"):
        evaluate(results, data, sequences=["MOT17-*"])
    assert list(evaluate(results, data, sequences=["*-02-FRCNN"]).rows) == ["MOT17-02-FRCNN"]
    assert len(evaluate(results, data, sequences=["MOT17-*"], partial=True, jobs=1).rows) == 2
    with pytest.raises(EvaluationError, match="none of the chosen sequences has a result file"):
        evaluate(results, data, sequences=["*-SDP"], partial=True)


@pytest.mark.parametrize("name", ["MOT17-99-FRCNN", "notes"])
def test_a_result_file_without_a_sequence_is_named(name: str, data: Path, results: Path) -> None:
    (results / f"{name}.txt").write_text(HIT)
    with pytest.raises(EvaluationError, match=f"a result file has no ground truth: .*{name}"):
        evaluate(results, data, partial=True)


def test_a_result_file_of_a_hidden_sequence_is_named(data: Path, results: Path) -> None:
    (results / "MOT17-01-FRCNN.txt").write_text(HIT)
    with pytest.raises(EvaluationError, match=r"MOT17-01-FRCNN\.txt: MOT17-01-FRCNN has no ground truth"):
        evaluate(results, data)


def test_a_bad_line_is_named_from_a_parallel_run_too(data: Path, results: Path) -> None:
    (results / "MOT17-04-FRCNN.txt").write_text(HIT + "2,1,100,x,50,100,1,-1,-1,-1\n")
    with pytest.raises(FileError, match=r"MOT17-04-FRCNN\.txt: line 2: 'x' in column 4"):
        evaluate(results, data, jobs=2)


def test_what_was_dropped_is_said(data: Path, results: Path) -> None:
    (results / "MOT17-04-FRCNN.txt").write_text(HIT + "2,1,nan,100,50,100,1,-1,-1,-1\n")
    (note,) = evaluate(results, data, jobs=1).notes
    assert "MOT17-04-FRCNN.txt: 1 row" in note
    assert "line 2" in note


def test_folders_that_are_missing_or_empty(data: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no such folder"):
        evaluate(tmp_path / "nowhere", data)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluationError, match="no result file"):
        evaluate(tmp_path / "empty", data)


def test_names_tell_folders_apart(tmp_path: Path) -> None:
    paths = [tmp_path / part for part in ("a/x/data", "b/x/data", "b/y")]
    assert unique_names(paths[2:]) == ["y"]
    assert unique_names(paths[:2]) == ["a/x/data", "b/x/data"]
    with pytest.raises(EvaluationError, match="given twice"):
        unique_names([paths[0], paths[0]])


def test_the_two_kinds_of_motal() -> None:
    counts = Counts(
        frames=10,
        true_positives=90,
        false_positives=5,
        false_negatives=10,
        switches=9,
        fragmentations=0,
        mostly_tracked=1,
        partly_tracked=0,
        mostly_lost=0,
        overlap=72.0,
        identity_true_positives=80,
        identity_false_positives=15,
        identity_false_negatives=20,
    )
    hota = Hota(0.0, 0.0, 0.0)
    default, official = figures(counts, hota, official=False), figures(counts, hota, official=True)
    assert tuple(default) == COLUMNS
    assert default["MOTA"] == official["MOTA"] == pytest.approx(76.0)
    assert default["MOTAL"] == pytest.approx(84.0)
    assert official["MOTAL"] == pytest.approx(85.0 - math.log10(9))
    assert (default["MOTP"], default["FAR"]) == (pytest.approx(80.0), 0.5)
    assert default["IDF1"] == pytest.approx(100 * 160 / 195)
