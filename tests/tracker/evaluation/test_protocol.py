from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tracker.evaluation.scenes import write_sequence
from tracker.evaluation.protocol import Comparison, Protocol, compare
from tracker.motchallenge import FileError, read_ground_truth, read_results

BOX = "100,100,50,100"  # left, top, width, height
BOX_BESIDE = "300,100,50,100"
BOX_SHIFTED = "110,100,50,100"  # IoU with BOX is 2/3


def compare_lines(folder: Path, truth: list[str], found: list[str], protocol: Protocol) -> Comparison:
    """Ground truth ``frame,id,box,flag,class,visibility`` against results ``frame,id,box``."""
    sequence = write_sequence(folder / "Square", truth, length=3)
    results = folder / "Square.txt"
    results.write_text("".join(f"{line},1,-1,-1,-1\n" for line in found))
    return compare(read_ground_truth(sequence.ground_truth), read_results(results), sequence, protocol)


@pytest.mark.parametrize(
    "protocol, dropped",
    [
        (Protocol.MOT15, set()),
        (Protocol.MOT16, {2, 7, 8, 12}),
        (Protocol.MOT17, {2, 7, 8, 12}),
        (Protocol.MOT20, {2, 6, 7, 8, 12}),
        (Protocol.NONE, set()),
    ],
)
def test_boxes_on_distractors_are_dropped(protocol: Protocol, dropped: set[int], tmp_path: Path) -> None:
    for class_ in range(1, 14):
        folder = tmp_path / str(class_)
        comparison = compare_lines(folder, [f"1,1,{BOX},1,{class_},1"], [f"1,1,{BOX}"], protocol)
        assert (len(comparison.track_ids[0]) == 0) == (class_ in dropped)


@pytest.mark.parametrize(
    "protocol, counted",
    [
        (Protocol.MOT15, [10, 30]),
        (Protocol.MOT16, [10]),
        (Protocol.MOT20, [10]),
        (Protocol.NONE, [10, 20, 30, 40]),
    ],
)
def test_ground_truth_that_counts(protocol: Protocol, counted: list[int], tmp_path: Path) -> None:
    truth = [f"1,10,{BOX},1,1,1", f"1,20,{BOX},0,1,1", f"1,30,{BOX},1,3,1", f"1,40,{BOX},0,8,1"]
    comparison = compare_lines(tmp_path, truth, [], protocol)
    assert comparison.object_ids[0].tolist() == list(range(len(counted)))


def test_a_box_nearer_to_a_person_than_to_a_distractor_stays(tmp_path: Path) -> None:
    truth = [f"1,1,{BOX},1,1,1", f"1,2,{BOX_SHIFTED},1,8,1"]
    alone = compare_lines(tmp_path / "a", truth, [f"1,7,{BOX}"], Protocol.MOT16)
    assert len(alone.track_ids[0]) == 1
    # Two boxes at one place: the assignment gives one to the person and one to the distractor.
    both = compare_lines(tmp_path / "b", truth, [f"1,7,{BOX}", f"1,8,{BOX_SHIFTED}"], Protocol.MOT16)
    assert both.overlaps[0].tolist() == [[1.0]]


def test_an_ignored_person_still_takes_its_box_from_a_distractor(tmp_path: Path) -> None:
    truth = [f"1,1,{BOX},0,1,1", f"1,2,{BOX_SHIFTED},1,8,1"]
    comparison = compare_lines(tmp_path, truth, [f"1,7,{BOX}"], Protocol.MOT16)
    assert len(comparison.object_ids[0]) == 0
    assert len(comparison.track_ids[0]) == 1


@pytest.mark.parametrize("width, dropped", [(50, True), (51, False)])
def test_a_distractor_is_hit_from_an_overlap_of_one_half(width: int, dropped: bool, tmp_path: Path) -> None:
    truth = [f"1,1,100,100,{width},100,1,8,1"]
    comparison = compare_lines(tmp_path, truth, ["1,1,100,100,25,100"], Protocol.MOT16)
    assert (len(comparison.track_ids[0]) == 0) is dropped


def test_ids_are_renumbered_and_overlaps_belong_to_their_frames(tmp_path: Path) -> None:
    truth = [f"3,70,{BOX},1,1,1", f"1,70,{BOX},1,1,1", f"1,4,{BOX_BESIDE},1,1,1"]
    found = [f"3,900,{BOX_SHIFTED}", f"1,12,{BOX_BESIDE}"]
    comparison = compare_lines(tmp_path, truth, found, Protocol.MOT16)
    assert [ids.tolist() for ids in comparison.object_ids] == [[1, 0], [], [1]]
    assert [ids.tolist() for ids in comparison.track_ids] == [[0], [], [1]]
    assert [overlap.shape for overlap in comparison.overlaps] == [(2, 1), (0, 0), (1, 1)]
    np.testing.assert_allclose(comparison.overlaps[0], [[0], [1]])
    np.testing.assert_allclose(comparison.overlaps[2], [[2 / 3]])


def test_a_frame_after_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"Square\.txt: has a box in frame 4; expected none after 3"):
        compare_lines(tmp_path, [], [f"4,1,{BOX}"], Protocol.MOT16)


def test_a_class_that_the_benchmark_does_not_know_is_refused_unless_everything_counts(tmp_path: Path) -> None:
    truth = [f"1,1,{BOX},1,14,1"]
    with pytest.raises(FileError, match=r"gt\.txt: class 14 is none of mot17"):
        compare_lines(tmp_path / "a", truth, [], Protocol.MOT17)
    assert len(compare_lines(tmp_path / "b", truth, [], Protocol.NONE).object_ids[0]) == 1


def test_results_of_another_class_are_refused(tmp_path: Path) -> None:
    sequence = write_sequence(tmp_path / "Square", [f"1,1,{BOX},1,1,1"])
    results = tmp_path / "Square.txt"
    results.write_text(f"1,1,{BOX},1,3\n")
    tables = read_ground_truth(sequence.ground_truth), read_results(results)
    with pytest.raises(FileError, match=r"Square\.txt: has boxes of class 3; expected 1 or -1"):
        compare(*tables, sequence, Protocol.MOT16)
    assert len(compare(*tables, sequence, Protocol.NONE).track_ids[0]) == 1


@pytest.mark.parametrize(
    "folder, name, expected",
    [
        ("MOT20/train/MOT20-01", "auto", Protocol.MOT20),
        ("MOT15/train/Square", "auto", Protocol.MOT15),
        ("mine/Square", "auto", Protocol.NONE),
        ("mine/Square", "mot16", Protocol.MOT16),
        ("MOT20/train/MOT20-01", "none", Protocol.NONE),
    ],
)
def test_choosing_a_protocol(folder: str, name: str, expected: Protocol, tmp_path: Path) -> None:
    assert Protocol.choose(name, write_sequence(tmp_path / folder, [])) is expected


def test_an_unknown_protocol_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no protocol 'mot18'; expected auto, mot15"):
        Protocol.choose("mot18", write_sequence(tmp_path / "Square", []))
