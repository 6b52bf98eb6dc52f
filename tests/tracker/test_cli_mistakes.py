"""The command ``track`` names what is wrong, and leaves what was there."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.settings import find_settings
from tests.tracker.commands import fails, track
from tests.tracker.sequences import SequenceMaker
from tracker.config import CONFIG_FOLDERS

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--set", "stages.0.treshold=0.3"], "stages.0.treshold: unknown key; did you mean 'threshold'?"),
        (["--set", "stages.0.threshold"], "expected key=value"),
        (["--set", "lifecycle.max_age=long"], "lifecycle.max_age: found 'long', expected a valid integer"),
        (["--tracker", "deepsrt"], "unknown tracker 'deepsrt'; known: "),
        (["--tracker", "none.yaml"], "none.yaml: no such tracker file"),
        (["--descriptor", "fmvea"], "unknown descriptor 'fmvea'"),
        (["--nms", "0"], "detections.nms: found 0.0, expected greater than 0"),
        (["--min-confidence", "nan"], "detections.min_confidence"),
        (["--detections", "poi"], "no detections 'poi' for hall"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], expected: str, root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, *arguments)
    assert complaint.startswith("track: ")
    assert expected in complaint
    assert not Path("results").exists()


@pytest.mark.parametrize(
    "option, value, expected",
    [
        ("--nms", "0", "detections.nms: found 0.0, expected greater than 0"),
        ("--min-confidence", "nan", "detections.min_confidence: found nan, expected a finite number"),
    ],
)
def test_an_option_is_blamed_and_not_a_file(option: str, value: str, expected: str, root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, option, value)
    assert complaint == f"track: {option}: {expected}\n"


@pytest.mark.parametrize("arguments", [["--nms", "much"], ["--format", "xml"], ["--sq"]])
def test_usage_errors(arguments: list[str], root: Path) -> None:
    result = track("--seq", "hall", "--data-root", root, *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_an_unknown_sequence_names_those_that_are_there(root: Path) -> None:
    complaint = fails("--seq", "Night Shop-03", "--data-root", root)
    assert "no sequence 'Night Shop-03'" in complaint
    assert "Night Shop-01" in complaint


def test_a_data_root_that_is_not_there(root: Path) -> None:
    assert f"{root / 'nowhere'}: no such folder" in fails("--seq", "hall", "--data-root", root / "nowhere")


def test_sequences_of_one_name_do_not_overwrite_each_other(root: Path, make_sequence: SequenceMaker) -> None:
    other = make_sequence("elsewhere/hall", length=10)
    complaint = fails("--seq", root / "hall", "--seq", other, "--output", "out")
    assert str(root / "hall") in complaint
    assert str(other) in complaint
    assert not list(Path.cwd().rglob("*.txt"))


def test_missing_detections_fail_only_their_sequence(root: Path) -> None:
    (root / "Night Shop-01" / "det" / "det.txt").unlink()
    result = track("--seq", "Night*", "--data-root", root, "--output", "out")
    assert result.exit_code == 1
    assert "Night Shop-01/det: no detections" in result.stderr.replace(os.sep, "/")
    assert "Night Shop-02: 3 identities" in result.stdout
    assert [path.name for path in Path("out").iterdir()] == ["Night Shop-02.txt"]


def test_damaged_detections_name_the_line(root: Path) -> None:
    path = root / "hall" / "det" / "det.txt"
    lines = path.read_text().splitlines()
    lines[40] = "14,-1,12,abc,40,110,0.9,-1,-1,-1"
    path.write_text("\n".join(lines))
    complaint = fails("--seq", "hall", "--data-root", root)
    assert f"{path}: line 41: 'abc' in column 4; expected a number" in complaint


def test_one_file_for_several_sequences_is_refused(root: Path) -> None:
    complaint = fails("--seq", "*", "--data-root", root, "--output", "all.txt")
    assert "all.txt: 3 sequences cannot go into one file; expected a folder" in complaint


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--output", "{root}/hall/det/det.txt"], "det.txt: is read, and would be written over"),
        (["--output", "a.csv", "--report", "b/../a.csv"], "a.csv: no known kind of file; expected .html"),
        (
            ["--output", "a.json"],
            "a.json: no known kind of file; expected .txt or .csv or .jsonl",
        ),
        (
            ["--output", "a.html", "--format", "csv", "--report", "./a.html"],
            "a.html: would be written twice",
        ),
    ],
)
def test_outputs_that_would_do_harm_are_refused(arguments: list[str], expected: str, root: Path) -> None:
    before = (root / "hall" / "det" / "det.txt").read_text()
    complaint = fails("--seq", "hall", "--data-root", root, *(each.format(root=root) for each in arguments))
    assert expected in complaint
    assert (root / "hall" / "det" / "det.txt").read_text() == before
    assert not list(Path.cwd().glob("*.*"))


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--video", "a.gif"], "a.gif: no known kind of video; expected a name with .mp4"),
        (["--report", "a.pdf"], "a.pdf: no known kind of file; expected .html"),
        (["--output", "a.json"], "a.json: no known kind of file; expected .txt"),
        (["--tracker", "deepsrt"], "unknown tracker 'deepsrt'"),
        (["--source", "none.avi"], "none.avi: no such file or folder"),
    ],
)
def test_no_network_is_loaded_for_what_is_refused(
    arguments: list[str], expected: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise AssertionError("a network was loaded")

    monkeypatch.setattr("tracker.looks.Descriptor.load", load)
    monkeypatch.setattr("tracker.jobs.open_detector", load)
    footage = [] if "--source" in arguments else ["--seq", "hall", "--data-root", root]
    complaint = fails(*footage, "--descriptor", "fmvae-small", "--detector", "yolo.onnx", *arguments)
    assert expected in complaint


def test_the_footage_itself_is_never_written_over(root: Path) -> None:
    writer = cv2.VideoWriter("street.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    before = Path("street.avi").read_bytes()
    boxes = root / "hall" / "det" / "det.txt"
    complaint = fails("--source", "street.avi", "--detections", boxes, "--video", "street.avi")
    assert "street.avi: is read, and would be written over" in complaint
    assert Path("street.avi").read_bytes() == before


@pytest.mark.parametrize("choice", ["own", "own/hall", "own/hall.txt"])
def test_detections_are_never_written_over_however_they_are_named(choice: str, root: Path) -> None:
    Path("own").mkdir()
    boxes = Path("own/hall.txt")
    boxes.write_text((root / "hall" / "det" / "det.txt").read_text())
    before = boxes.read_text()
    complaint = fails("--seq", "hall", "--data-root", root, "--detections", choice, "--output", "own/")
    assert f"{boxes}: is read, and would be written over" in complaint
    assert boxes.read_text() == before
    assert track("--seq", "hall", "--data-root", root, "--detections", choice, "--output", "x").exit_code == 0


def test_the_others_may_go_beside_the_detections_of_one(root: Path) -> None:
    """Only a file that a sequence really takes is in the way."""
    Path("own").mkdir()
    Path("own/Night Shop-02.txt").write_text("what is tracked here takes its own")
    arguments = ("--seq", "Night Shop-02", "--data-root", root, "--detections", "det", "--output", "own")
    assert track(*arguments).exit_code == 0


def test_what_is_read_may_have_the_name_of_an_unfinished_file(root: Path) -> None:
    writer = cv2.VideoWriter("street.partial.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    Path("boxes.txt.partial").write_text((root / "hall" / "det" / "det.txt").read_text())
    source = ("--source", "street.partial.avi", "--descriptor", "none", "--output", "boxes.txt")
    complaint = fails(*source, "--detections", "boxes.txt.partial")
    assert "boxes.txt.partial: is read, and would be written over" in complaint
    Path("boxes.txt.partial").rename("mine.txt")
    for outputs in (("--video", "street.avi"), ("--report", "mine.html", "--video", "street.avi")):
        complaint = fails(*source, "--detections", "mine.txt", *outputs)
        assert "street.partial.avi: is read, and would be written over" in complaint
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["mine.txt", "street.partial.avi"]


def test_one_detection_file_for_several_sequences_is_refused(root: Path) -> None:
    boxes = root / "hall" / "det" / "det.txt"
    complaint = fails("--seq", "Night*", "--data-root", root, "--detections", boxes)
    assert "det.txt: would be the detections of Night Shop-01 and of Night Shop-02" in complaint
    assert not Path("results").exists()


def test_the_current_folder_may_hold_the_detections(root: Path) -> None:
    Path("hall.txt").write_text((root / "hall" / "det" / "det.txt").read_text())
    arguments = ("--seq", "hall", "--data-root", root, "--output", "out")
    assert track(*arguments, "--detections", ".").exit_code == 0


def test_a_tracker_file_in_another_encoding_is_named(root: Path) -> None:
    Path("latin.yaml").write_bytes("description: café\n".encode("latin-1"))
    complaint = fails("--seq", "hall", "--data-root", root, "--tracker", "latin.yaml")
    assert "latin.yaml: not a text file in UTF-8" in complaint


def test_detections_that_all_score_too_low_are_told(root: Path) -> None:
    boxes = root / "hall" / "det" / "det.txt"
    boxes.write_text(boxes.read_text().replace(",0.9,", ",-1,"))
    result = track("--seq", "hall", "--data-root", root, "--output", "out")
    assert "note: det.txt: none of 90 detections is used: the highest score is -1" in result.stderr


def test_settings_that_change_nothing_are_told(root: Path) -> None:
    arguments = ("--seq", "hall", "--data-root", root, "--output", "out")
    result = track(*arguments, "--descriptor", "none", "--set", "memory.recall.threshold=0.15")
    assert "note: memory.recall.threshold: without effect, because there are no appearance" in result.stderr


@pytest.mark.parametrize("stage", ["0", "appearance"])
def test_a_stage_that_finds_nothing_to_compare_is_told_however_it_is_named(stage: str, root: Path) -> None:
    arguments = ("--seq", "hall", "--data-root", root, "--output", "out", "--descriptor", "none")
    key = f"stages.{stage}.threshold"
    told = track(*arguments, "--set", f"{key}=0.1", "--set", "stages.1.threshold=0.6").stderr
    assert told == f"note: {key}: without effect, because there are no appearance vectors\n"
    # Where nothing is compared, another cost ends what a stage did.
    assert track(*arguments, "--set", "stages.overlap.cost=appearance").stderr == ""


def test_stored_vectors_do_not_say_how_good_a_view_was(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_vectors(root / "hall")
    arguments = ("--seq", "hall", "--data-root", root, "--output", "out")
    told = track(*arguments, "--set", "memory.least_quality=0.9").stderr
    assert "note: memory.least_quality: without effect on vectors from walkers.npy" in told
    assert track(*arguments).stderr == ""
    make_sequence.add_images(root / "hall")
    look = ("--descriptor", "histogram", "--no-cache")
    assert "least_quality" not in track(*arguments, *look, "--set", "memory.least_quality=0.9").stderr


def test_scores_that_are_no_shares_are_told_where_a_tracker_divides_by_score(root: Path) -> None:
    boxes = root / "hall" / "det" / "det.txt"
    boxes.write_text(boxes.read_text().replace(",0.9,", ",120,"))
    arguments = ("--seq", "hall", "--data-root", root, "--output", "out")
    told = track(*arguments, "--tracker", "bytetrack").stderr
    assert "note: det.txt: scores up to 120; " in told
    for key in ("lifecycle.birth_score", "stages.sure.min_score", "stages.doubtful.max_score"):
        assert key in told
    # Who sets thresholds beyond 1 knows.
    own = [f"{key}=60" for key in ("lifecycle.birth_score", "stages.sure.min_score")]
    own += ["stages.newcomers.min_score=60", "stages.doubtful.max_score=60"]
    changes = [word for change in own for word in ("--set", change)]
    for quiet in (("--tracker", "deepsort"), ("--tracker", "bytetrack", *changes)):
        assert track(*arguments, *quiet).stderr == ""


def test_a_dot_makes_no_file_of_a_folder(root: Path) -> None:
    Path("my.v2.yaml").write_text(find_settings("sort", CONFIG_FOLDERS, "tracker").read_text())
    result = track("--seq", "Night*", "--data-root", root, "--tracker", "my.v2.yaml", "--report", "pages.v2/")
    assert result.exit_code == 0
    for name in ("Night Shop-01", "Night Shop-02"):
        assert Path("results", "my.v2", f"{name}.txt").is_file()
        assert Path("pages.v2", f"{name}.html").is_file()


def test_an_output_that_cannot_be_written(root: Path) -> None:
    Path("file").write_text("not a folder")
    complaint = fails("--seq", "hall", "--data-root", root, "--output", "file/hall.txt")
    assert "hall.txt: cannot be written" in complaint
    assert Path("file").read_text() == "not a folder"


def test_an_old_result_survives_a_failure(root: Path) -> None:
    assert track("--seq", "hall", "--data-root", root, "--output", "hall.txt").exit_code == 0
    before = Path("hall.txt").read_text()
    (root / "hall" / "det" / "det.txt").write_text("nonsense\n")
    fails("--seq", "hall", "--data-root", root, "--output", "hall.txt")
    assert Path("hall.txt").read_text() == before
