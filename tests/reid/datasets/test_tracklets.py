from __future__ import annotations

import numpy as np
import pytest

from reid.datasets.tracklets import TrackletLinker, link_tracklets, overlaps


def box(left: float, top: float = 0.0, width: float = 20.0, height: float = 40.0) -> list[float]:
    return [left, top, left + width, top + height]


def test_overlaps_by_hand() -> None:
    a = np.array([[0.0, 0, 10, 10], [0, 0, 0, 0]])
    b = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(overlaps(a, b), [[1, 50 / 150, 0], [0, 0, 0]])
    assert overlaps(a[:0], b).shape == (0, 3)


def test_two_people_walking_apart_keep_their_numbers() -> None:
    frames = np.repeat(np.arange(1, 11), 2)
    boxes = np.array([box(x) for t in range(10) for x in (100 - 3 * t, 200 + 3 * t)])
    ids = link_tracklets(frames, boxes)
    np.testing.assert_array_equal(ids, [0, 1] * 10)


def test_rows_may_come_in_any_order() -> None:
    frames = np.repeat(np.arange(1, 11), 2)
    boxes = np.array([box(x) for t in range(10) for x in (100 - 3 * t, 200 + 3 * t)])
    order = np.random.default_rng(0).permutation(20)
    ids = link_tracklets(frames[order], boxes[order])
    left = boxes[order, 0] < 150
    assert len(set(ids[left])) == len(set(ids[~left])) == 1
    assert set(ids) == {0, 1}


def test_people_who_meet_are_doubtful_and_get_new_numbers() -> None:
    walk = np.arange(21) * 3
    boxes = np.array([box(x) for t in walk for x in (t, 60 - t)])
    ids = link_tracklets(np.repeat(np.arange(21), 2), boxes).reshape(-1, 2)
    assert (ids[:8] == [0, 1]).all()
    # Less than 11 pixels apart, boxes 20 wide overlap by more than 0.3.
    assert (ids[9:12] == -1).all()
    assert (ids[13:] == ids[20]).all()
    assert not set(ids[20]) & {-1, 0, 1}


def test_a_jump_a_gap_and_a_crowd_end_a_tracklet() -> None:
    linker = TrackletLinker()
    assert linker.step(1, np.array([box(0)])).tolist() == [0]
    assert linker.step(2, np.array([box(2)])).tolist() == [0]
    assert linker.step(3, np.array([box(30)])).tolist() == [1]
    assert linker.step(5, np.array([box(30)])).tolist() == [2]
    # Two candidates beside each other, each overlapping the last box by more than 0.3.
    assert linker.step(6, np.array([box(30), box(30, top=20)])).tolist() == [-1, -1]
    assert linker.step(7, np.empty((0, 4))).tolist() == []
    assert linker.step(8, np.array([box(30)])).tolist() == [3]


def test_a_box_that_another_one_crowds_is_doubtful_even_if_it_could_be_linked() -> None:
    linker = TrackletLinker()
    linker.step(1, np.array([box(0)]))
    # The newcomer overlaps the second box by a third, but the first one hardly.
    assert linker.step(2, np.array([box(4), box(14)])).tolist() == [-1, -1]


def test_frames_must_increase() -> None:
    linker = TrackletLinker()
    linker.step(4, np.array([box(0)]))
    with pytest.raises(ValueError, match="frame 4 after frame 4"):
        linker.step(4, np.array([box(0)]))


def test_no_boxes_at_all() -> None:
    assert link_tracklets(np.empty(0, dtype=np.int64), np.empty((0, 4))).tolist() == []
