"""The life of tracks in DeepSORT."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracker.frames import NOTHING, OTHER, WALKER, axis, seen, shifted, shown
from tracker import Tracker, load_config


def test_deepsort_confirms_at_the_third_hit() -> None:
    assert shown(Tracker("deepsort"), [seen(WALKER)] * 4) == [[], [], [1], [1]]


def test_deepsort_gives_up_a_tentative_track_at_its_first_miss() -> None:
    frames = [seen(WALKER), seen(WALKER), NOTHING, seen(WALKER), seen(WALKER), seen(WALKER)]
    assert shown(Tracker("deepsort"), frames) == [[], [], [], [], [], [1]]


def test_deepsort_shows_one_predicted_frame() -> None:
    tracker = Tracker("deepsort")
    for step in range(10):
        last = tracker.update(seen(shifted(WALKER, 5 * step)))
    assert (last.detections.tolist(), last.gaps.tolist()) == ([0], [0])
    predicted = tracker.update(NOTHING)
    assert (predicted.ids.tolist(), predicted.detections.tolist(), predicted.gaps.tolist()) == (
        [1],
        [-1],
        [1],
    )
    step = predicted.boxes[0] - last.boxes[0]
    np.testing.assert_allclose(step, [5, 0, 5, 0], atol=0.8)
    assert len(tracker.update(NOTHING)) == 0


@pytest.mark.parametrize("missed, same", [(1, True), (10, True), (29, True), (30, False), (31, False)])
def test_deepsort_knows_a_person_again_after_29_frames(missed: int, same: bool) -> None:
    tracker = Tracker("deepsort")
    frame = seen(WALKER, features=axis(0))
    assert shown(tracker, [frame] * 5)[-1] == [1]
    shown(tracker, [NOTHING] * missed)
    assert shown(tracker, [frame] * 3) == ([[1], [1], [1]] if same else [[], [], [2]])


def test_max_age_moves_that_border() -> None:
    frame = seen(WALKER, features=axis(0))
    for missed, same in ((4, True), (5, False)):
        tracker = Tracker(load_config("deepsort", ["lifecycle.max_age=5"]))
        shown(tracker, [frame] * 5 + [NOTHING] * missed)
        assert (tracker.update(frame).ids.tolist() == [1]) is same


def test_deepsort_does_not_take_a_stranger_for_a_lost_person() -> None:
    tracker = Tracker("deepsort")
    shown(tracker, [seen(WALKER, features=axis(0))] * 5 + [NOTHING] * 5)
    stranger = seen(WALKER, features=axis(1))
    assert shown(tracker, [stranger] * 3) == [[], [], [2]]


def test_deepsort_goes_by_appearance_where_overlap_is_wrong() -> None:
    # Two people side by side swap places while nobody looks.
    left, right = WALKER, shifted(WALKER, 30)
    tracker = Tracker("deepsort")
    before = [seen(left, right, features=axis(0, 1), scores=[0.9, 0.8])] * 6
    assert shown(tracker, before)[-1] == [1, 2]
    shown(tracker, [NOTHING] * 3)
    tracks = tracker.update(seen(left, right, features=axis(1, 0), scores=[0.9, 0.8]))
    assert dict(zip(tracks.ids.tolist(), tracks.detections.tolist(), strict=True)) == {1: 1, 2: 0}


def test_the_gate_stops_what_is_too_far_away() -> None:
    tracker = Tracker("deepsort")
    assert shown(tracker, [seen(WALKER, features=axis(0))] * 5)[-1] == [1]
    # In this frame only the prediction of the old track is shown, in the next nothing, then the new track.
    elsewhere = seen(OTHER, features=axis(0))
    assert shown(tracker, [elsewhere] * 3) == [[1], [], [2]]


def test_deepsort_works_without_vectors() -> None:
    tracker = Tracker("deepsort")
    frames = [seen(shifted(WALKER, 4 * step), shifted(OTHER, -3 * step)) for step in range(20)]
    assert shown(tracker, frames)[2:] == [[1, 2]] * 18
    # One missed frame ends it: without appearance only tracks of the previous frame can match.
    assert shown(tracker, [NOTHING, frames[-1], frames[-1], frames[-1]])[-1] == [3, 4]


@pytest.mark.parametrize("cascade, winner", [("true", 2), ("false", 1)])
def test_the_cascade_serves_the_most_recently_seen_first(cascade: str, winner: int) -> None:
    # Both tracks could take the only detection; the one lost longer looks even more like it.
    tracker = Tracker(load_config("deepsort", [f"stages.appearance.cascade={cascade}"]))
    near = shifted(WALKER, 20)
    early, late = axis(0)[0], np.array([0.95, np.sqrt(1 - 0.95**2), 0, 0])
    shown(tracker, [seen(WALKER, near, features=[early, late], scores=[0.9, 0.8])] * 5)
    shown(tracker, [seen(near, features=[late])] * 4 + [NOTHING] * 2)
    tracks = tracker.update(seen(shifted(WALKER, 10), features=[early]))
    assert tracks.ids.tolist() == [winner]
