"""The life of tracks in SORT."""

from __future__ import annotations

from tests.tracker.frames import NOTHING, OTHER, WALKER, axis, seen, shown
from tracker import Tracker


def test_sort_shows_everything_in_the_first_three_frames() -> None:
    frames = [seen(WALKER), seen(WALKER), seen(WALKER, OTHER), seen(WALKER, OTHER)]
    assert shown(Tracker("sort"), frames) == [[1], [1], [1, 2], [1]]


def test_sort_is_silent_until_the_fourth_frame_of_a_track() -> None:
    frames = [NOTHING] * 9 + [seen(WALKER)] * 5
    assert shown(Tracker("sort"), frames)[9:] == [[], [], [], [1], [1]]


def test_sort_forgives_one_missed_frame_but_is_silent_for_two() -> None:
    frames = [seen(WALKER)] * 6 + [NOTHING] + [seen(WALKER)] * 4
    assert shown(Tracker("sort"), frames)[6:] == [[], [], [], [1], [1]]


def test_sort_forgets_after_two_missed_frames() -> None:
    frames = [seen(WALKER)] * 6 + [NOTHING] * 2 + [seen(WALKER)] * 4
    assert shown(Tracker("sort"), frames)[6:] == [[], [], [], [], [], [2]]


def test_sort_shows_no_predictions() -> None:
    tracker = Tracker("sort")
    for _ in range(6):
        assert (tracker.update(seen(WALKER)).detections >= 0).all()
    assert len(tracker.update(NOTHING)) == 0


def test_sort_ignores_vectors() -> None:
    with_vectors = [seen(WALKER, features=axis(step % 4)) for step in range(5)]
    assert shown(Tracker("sort"), with_vectors) == [[1]] * 5
