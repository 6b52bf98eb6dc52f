"""A part of a sequence is a sequence like any other, and counts from 1."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from cut_sequence import main

from reid.footage.sequence import SequenceInfo
from tests.tools.commands import run
from tracker.motchallenge import read_detections, read_ground_truth


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Ten frames; each is as bright as its number, and so are the boxes wide."""
    folder = tmp_path / "my street" / "MOT17-99"
    for part in ("img1", "gt", "det"):
        (folder / part).mkdir(parents=True)
    rows = [[frame, 7, 10, 10, 20 + frame, 60, 1, 1, 1] for frame in range(1, 11)]
    for frame in range(1, 11):
        cv2.imwrite(str(folder / "img1" / f"{frame:06d}.png"), np.full((80, 120, 3), frame, np.uint8))
    lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
    (folder / "gt" / "gt.txt").write_text(lines)
    (folder / "det" / "det.txt").write_text(lines.replace(",7,", ",-1,"))
    np.save(folder / "det" / "poi.npy", np.c_[np.array(rows, float)[:, :7], np.full((10, 3), -1), np.eye(10)])
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=MOT17-99\nimDir=img1\nframeRate=25\nseqLength=10\nimWidth=120\nimHeight=80\nimExt=.png\n"
    )
    return folder


def test_a_part_counts_from_one(street: Path, tmp_path: Path) -> None:
    part = tmp_path / "halves" / "MOT17-99-second"
    outcome = run(main, street, part, "--frames", "6-10")
    assert outcome.exit_code == 0, outcome.output
    assert "5 images" in outcome.output
    sequence = SequenceInfo.read(part)
    assert (sequence.length, sequence.frame_rate, sequence.benchmark) == (5, 25.0, "MOT17")
    assert {frame: int(cv2.imread(str(path)).max()) for frame, path in sequence.images().items()} == {
        frame: frame + 5 for frame in range(1, 6)
    }
    people = read_ground_truth(sequence.ground_truth)
    for table in (people, *(read_detections(part / "det" / name) for name in ("det.txt", "poi.npy"))):
        assert table.frames.tolist() == [1, 2, 3, 4, 5]
        assert (table.boxes[:, 2] - table.boxes[:, 0]).tolist() == [26, 27, 28, 29, 30]
    assert people.ids.tolist() == [7] * 5
    vectors = read_detections(part / "det" / "poi.npy").features
    assert vectors is not None
    assert vectors.argmax(axis=1).tolist() == [5, 6, 7, 8, 9]
    # Nothing else was written.
    assert [path.name for path in part.parent.iterdir()] == [part.name]


@pytest.mark.parametrize(
    "frames, said",
    [
        ("6-11", "has frames 1 to 10"),
        ("0-4", "has frames 1 to 10"),
        ("6-5", "has frames 1 to 10"),
        ("second", "expected the first and the last, such as 151-300"),
    ],
)
def test_frames_that_are_not_there_are_refused(street: Path, tmp_path: Path, frames: str, said: str) -> None:
    outcome = run(main, street, tmp_path / "part", "--frames", frames)
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert not (tmp_path / "part").exists()


def test_a_folder_that_is_there_stays_as_it_is(street: Path, tmp_path: Path) -> None:
    outcome = run(main, street, street, "--frames", "1-5")
    assert outcome.exit_code == 2
    assert "is there already" in outcome.stderr
    assert SequenceInfo.read(street).length == 10
    nowhere = run(main, tmp_path, tmp_path / "part", "--frames", "1-5")
    assert nowhere.exit_code == 2
    assert "expected the description of a sequence" in nowhere.stderr


@pytest.mark.parametrize("name, said", [("det/det.txt", "line 11: 'frame'"), ("det/poi.npy", "poi.npy: ")])
def test_what_cannot_be_understood_leaves_nothing_behind(
    street: Path, tmp_path: Path, name: str, said: str
) -> None:
    with (street / name).open("ab" if name.endswith("txt") else "wb") as file:
        file.write(b"frame,id\n")
    outcome = run(main, street, tmp_path / "part", "--frames", "1-5")
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["my street"]
