"""The command ``track`` names what is wrong, and leaves what was there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tracker.commands import fails, track
from tests.tracker.sequences import SequenceMaker

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
