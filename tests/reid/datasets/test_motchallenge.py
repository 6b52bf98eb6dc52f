from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets.building import CropSettings, build_store
from reid.datasets.motchallenge import LabelledSequence, detected_footage, image_paths, people, read_boxes


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "img1").mkdir()
    for number in (1, 2, 3):
        image = np.repeat(np.repeat(rng.integers(0, 255, (30, 50, 3)), 4, axis=0), 4, axis=1).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "img1" / f"{number:06d}.png"), image)
    (tmp_path / "seqinfo.ini").write_text(
        "[Sequence]\nname=x\nimDir=img1\nframeRate=25\nseqLength=3\nimWidth=200\nimHeight=120\nimExt=.png\n"
    )
    (tmp_path / "gt").mkdir()
    # Second row: ignored; third: a car; fourth: hardly visible; fifth: too small; then not in order.
    rows = [
        "2,7,11,21,40,60,1,1,1",
        "1,8,11,21,40,60,0,1,1",
        "1,9,11,21,40,60,1,3,1",
        "1,10,11,21,40,60,1,1,0.2",
        "1,11,11,21,40,39,1,1,1",
        "1,7,11,21,40,60,1,1,0.9",
    ]
    (tmp_path / "gt" / "gt.txt").write_text("\n".join(rows))
    # The last box has no area.
    found = ["3,-1,1,1,40,60,0.8", "1,-1,11,21,40,60,0.9", "3,-1,1,1,0,60,0.9"]
    (tmp_path / "det.txt").write_text("\n".join(found))
    return tmp_path


def test_boxes_become_0_based_corners(sequence: Path) -> None:
    table = read_boxes(sequence / "gt" / "gt.txt")
    assert table.frames.tolist() == [1] * 5 + [2]
    np.testing.assert_array_equal(table.boxes[-1], [10, 20, 50, 80])


def test_only_people_that_can_be_seen_count(sequence: Path) -> None:
    table = people(read_boxes(sequence / "gt" / "gt.txt"))
    assert table.identities.tolist() == [7, 7]


def test_labelled_crops(sequence: Path, tmp_path: Path) -> None:
    store = build_store([LabelledSequence(sequence)], CropSettings(height=60, width=40), tmp_path / "store")
    assert store.labels.identity.tolist() == [7, 7]
    assert store.index.frame.tolist() == [1, 2]
    image = cv2.imread(str(sequence / "img1" / "000001.png"))[:, :, ::-1]
    np.testing.assert_array_equal(store.images[0], image[20:80, 10:50])


def test_detected_crops_have_no_identity(sequence: Path, tmp_path: Path) -> None:
    store = build_store([detected_footage(sequence, sequence / "det.txt")], folder=tmp_path / "store")
    assert store.index.frame.tolist() == [1, 3]
    assert store.index.tracklet.tolist() == [0, 1]
    assert (store.labels.identity == -1).all()


def test_world_coordinates_are_neither_class_nor_visibility(sequence: Path) -> None:
    path = sequence / "world.txt"
    path.write_text("1,7,11,21,40,60,1,-14.07,0.12,0\n1,8,31,21,40,60,1,3,9.5,0\n")
    table = read_boxes(path)
    assert (table.classes.tolist(), table.visibility.tolist()) == ([-1, -1], [1.0, 1.0])
    assert len(people(table).frames) == 2


def test_a_file_is_read_as_the_tracker_reads_it(sequence: Path) -> None:
    expected = read_boxes(sequence / "det.txt")
    rows = (sequence / "det.txt").read_text()
    blanks = sequence / "blanks.txt"
    blanks.write_text("\ufeff# frame, id …\n\n" + rows.replace(",", " "), encoding="utf-8")
    array = sequence / "array.npy"
    np.save(array, np.loadtxt(rows.splitlines(), delimiter=","))
    for path in (blanks, array):
        np.testing.assert_array_equal(read_boxes(path).boxes, expected.boxes)
        assert read_boxes(path).scores.tolist() == expected.scores.tolist()
    (sequence / "empty.txt").touch()
    assert len(read_boxes(sequence / "empty.txt").frames) == 0


def test_bad_files_are_named(sequence: Path) -> None:
    bad = sequence / "bad.txt"
    bad.write_text("1,2,3\n")
    with pytest.raises(ValueError, match=r"bad\.txt: line 1: 3 columns"):
        read_boxes(bad)
    bad.write_text("1,-1,a,2,3,4,5\n")
    with pytest.raises(ValueError, match=r"bad\.txt: .*'a'"):
        read_boxes(bad)
    with pytest.raises(ValueError, match=r"none\.txt: No such file"):
        read_boxes(sequence / "none.txt")
    (sequence / "seqinfo.ini").write_text("nothing")
    with pytest.raises(ValueError, match=r"seqinfo\.ini"):
        image_paths(sequence)


def test_a_description_may_begin_with_a_mark_of_its_encoding(sequence: Path) -> None:
    path = sequence / "seqinfo.ini"
    path.write_text(path.read_text() + "comment=100 %\n", encoding="utf-8-sig")
    assert list(image_paths(sequence)) == [1, 2, 3]
