from __future__ import annotations

import numpy as np
import pytest

from reid.datasets.tracklets import TrackletLinker, overlaps


def box(left: float, top: float = 0.0, width: float = 20.0, height: float = 40.0) -> list[float]:
    return [left, top, left + width, top + height]


def test_overlaps_by_hand() -> None:
    a = np.array([[0.0, 0, 10, 10], [0, 0, 0, 0]])
    b = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(overlaps(a, b), [[1, 50 / 150, 0], [0, 0, 0]])
    assert overlaps(a[:0], b).shape == (0, 3)


def test_two_people_walking_apart_keep_their_numbers() -> None:
    linker = TrackletLinker()
    for t in range(10):
        boxes = np.array([box(100 - 3 * t), box(200 + 3 * t)])
        # In whichever order a detector names them.
        first = t % 2
        ids = linker.step(1 + t, boxes[[first, 1 - first]])
        assert ids.tolist() == [first, 1 - first]


def test_people_who_meet_are_doubtful_and_get_new_numbers() -> None:
    linker = TrackletLinker()
    ids = np.array([linker.step(t, np.array([box(3 * t), box(60 - 3 * t)])) for t in range(21)])
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
