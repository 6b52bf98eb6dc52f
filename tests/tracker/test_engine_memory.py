"""What is remembered of somebody's looks, and who is known again by them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.tracker.frames import NOTHING, OTHER, WALKER, axis, seen, shifted, shown
from tracker import Detections, Tracker, load_config


def known_by(odd_view: Detections, changes: Sequence[str]) -> bool:
    """Whether somebody who once looked otherwise is known again by that look, ten frames later."""
    tracker = Tracker(load_config("deepsort", ["lifecycle.confirm_hits=2", *changes]))
    for _ in range(4):
        tracks = tracker.update(seen(WALKER, features=axis(0)))
    (walker,) = tracks.ids
    assert walker in tracker.update(odd_view).ids
    for _ in range(10):
        tracker.update(NOTHING)
    for _ in range(2):
        tracks = tracker.update(seen(WALKER, features=axis(1)))
    return tracks.ids.tolist() == [walker]


@pytest.mark.parametrize("useless", [[0, 0, 0, 0], [np.nan, 0, 0, 1], [np.inf, 0, 0, 0]])
def test_rows_without_a_usable_vector_match_by_overlap(useless: list[float]) -> None:
    tracker = Tracker("deepsort")
    vectors = np.vstack((axis(0), np.array([useless], dtype=np.float32)))
    frames = [
        seen(shifted(WALKER, 2 * step), shifted(OTHER, 2 * step), features=vectors) for step in range(8)
    ]
    assert shown(tracker, frames)[2:] == [[1, 2]] * 6
    shown(tracker, [NOTHING] * 3)
    # The one with a vector is known again at once, the other is new.
    assert shown(tracker, [frames[-1]] * 3) == [[1], [1], [1, 3]]


def test_no_vector_is_not_a_vector_like_any_other() -> None:
    # So large a threshold lets any vector pass, but not none.
    tracker = Tracker(load_config("deepsort", ["stages.appearance.threshold=2.0"]))
    shown(tracker, [seen(WALKER, features=axis(0))] * 5 + [NOTHING] * 3)
    assert shown(tracker, [seen(WALKER, features=[[0, 0, 0, 0]])]) == [[]]
    assert shown(tracker, [seen(WALKER, features=axis(1))]) == [[1]]


def test_vectors_may_come_in_some_frames_only() -> None:
    tracker = Tracker("deepsort")
    plain, described = seen(WALKER), seen(WALKER, features=axis(2))
    assert shown(tracker, [plain, described, plain, plain, described])[2:] == [[1], [1], [1]]
    shown(tracker, [NOTHING] * 4)
    assert shown(tracker, [described]) == [[1]]


def test_vectors_of_another_width_are_refused_and_nothing_is_lost() -> None:
    tracker = Tracker("deepsort")
    good = seen(WALKER, features=axis(0))
    shown(tracker, [good] * 4)
    with pytest.raises(ValueError, match="vectors of 3 numbers after frames with vectors of 4"):
        tracker.update(seen(WALKER, features=[[1, 0, 0]]))
    tracks = tracker.update(good)
    assert (tracker.frame, tracks.ids.tolist(), tracks.gaps.tolist()) == (5, [1], [0])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_an_average_is_enough_to_know_somebody_again(metric: str) -> None:
    config = load_config("deepsort", ["memory.keep=average", f"memory.metric={metric}"])
    tracker = Tracker(config)
    frame = seen(WALKER, OTHER, features=axis(0, 1))
    shown(tracker, [frame] * 5 + [NOTHING] * 6)
    assert shown(tracker, [frame]) == [[1, 2]]


@pytest.mark.parametrize(
    "quality, least, remembered", [(0.05, 0.0, True), (0.05, 0.1, False), (0.5, 0.1, True)]
)
def test_a_bad_view_is_not_remembered(quality: float, least: float, remembered: bool) -> None:
    view = Detections([WALKER], features=axis(1), quality=[quality])
    assert known_by(view, [f"memory.least_quality={least}"]) == remembered


def test_a_view_of_unknown_quality_is_remembered() -> None:
    assert known_by(seen(WALKER, features=axis(1)), ["memory.least_quality=0.9"])


@pytest.mark.parametrize("most, remembered", [(1.0, True), (0.5, False), (0.9, True)])
def test_who_is_mostly_covered_is_not_remembered(most: float, remembered: bool) -> None:
    in_front = (WALKER[0], WALKER[1] + 40, WALKER[2], WALKER[3] + 40)  # covers about three quarters
    view = seen(WALKER, in_front, features=axis(1, 2))
    assert known_by(view, [f"memory.most_covered={most}", "detections.nms=1.0"]) == remembered


def test_a_bad_view_is_compared_all_the_same() -> None:
    tracker = Tracker(load_config("deepsort", ["memory.least_quality=0.5"]))
    for _ in range(4):
        tracks = tracker.update(seen(WALKER, features=axis(0)))
    for _ in range(10):
        tracker.update(NOTHING)
    again = tracker.update(Detections([WALKER], features=axis(0), quality=[0.0]))
    assert again.ids.tolist() == tracks.ids.tolist()
