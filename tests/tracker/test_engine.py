"""What is the same in all trackers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import supervision as sv

from tests.tracker.frames import NOTHING, OTHER, WALKER, axis, seen, shifted, shown
from tracker import Detections, Tracker, Tracks, load_config


@pytest.mark.parametrize("box", ["filtered", "detected"])
def test_predicted_boxes_stay_predicted(box: str) -> None:
    tracker = Tracker(load_config("deepsort", [f"output.box={box}"]))
    boxes = [shifted(WALKER, 6 * step + (-1) ** step) for step in range(10)]
    for given in boxes:
        tracks = tracker.update(seen(given))
    assert (tracks.boxes.tolist() == [list(boxes[-1])]) is (box == "detected")
    predicted = tracker.update(NOTHING)
    assert predicted.detections.tolist() == [-1]
    assert predicted.boxes[0, 0] == pytest.approx(160, abs=3)


def test_ids_have_no_holes_and_belong_to_the_tracker() -> None:
    rng = np.random.default_rng(3)
    places = [(float(x), float(y), x + 40.0, y + 90.0) for x in range(0, 600, 100) for y in (0, 200)]
    frames = [seen(*(place for place in places if rng.random() < 0.8)) for _ in range(120)]
    for name in ("sort", "deepsort"):
        tracker, second = Tracker(name), Tracker(name)
        known: set[int] = set()
        for frame in frames:
            ids = tracker.update(frame).ids.tolist()
            assert ids == second.update(frame).ids.tolist()
            new = [identity for identity in ids if identity not in known]
            assert new == list(range(len(known) + 1, len(known) + 1 + len(new)))
            known |= set(new)
        assert len(known) > len(places)


@pytest.mark.parametrize("name", ["sort", "deepsort"])
def test_reset_begins_a_new_video(name: str) -> None:
    tracker = Tracker(name)
    narrow = [seen(WALKER, OTHER, features=axis(0, 1))] * 6
    first = shown(tracker, narrow)
    tracker.reset()
    assert tracker.frame == 0
    assert shown(tracker, narrow) == first
    # Not even the width of the vectors is remembered.
    tracker.reset()
    tracker.update(seen(WALKER, features=[[1, 2]]))


@pytest.mark.parametrize("name", ["sort", "deepsort"])
def test_detections_are_the_rows_that_were_given(name: str) -> None:
    """Whatever is filtered out before, the index is that of the row as the user passed it."""
    tracker = Tracker(load_config(name, ["detections.min_confidence=0.3", "detections.nms=0.7"]))
    frame = seen(
        (5, 5, 20, 40),
        (np.nan, 5, 20, 40),
        (50, 60, 50, 90),
        OTHER,
        shifted(OTHER, 2),
        (5, np.inf, 20, 40),
        WALKER,
        shifted(WALKER, -1),
        scores=[0.1, 0.9, 0.9, 0.8, 0.95, 0.9, 0.7, 0.6],
    )
    for _ in range(3):
        tracks = tracker.update(frame)
    taken = dict(zip(tracks.detections.tolist(), tracks.boxes.tolist(), strict=True))
    assert sorted(taken) == [4, 6]
    for row, box in taken.items():
        np.testing.assert_allclose(box, frame.boxes[row], atol=1e-6)
    assert tracks.scores.tolist() == frame.scores[tracks.detections].tolist()


def test_low_boxes_are_left_out() -> None:
    tracker = Tracker(load_config("sort", ["detections.min_height=50"]))
    tracks = tracker.update(seen((0, 0, 30, 49.9), (100, 0, 130, 50)))
    assert tracks.detections.tolist() == [1]


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_leaves_its_row_out(score: float) -> None:
    score_matters = ["stages.overlap.cost=overlap-score", "stages.overlap.reject=before"]
    for overrides in ([], score_matters):
        tracker = Tracker(load_config("sort", overrides))
        for _ in range(4):
            tracks = tracker.update(seen(WALKER, shifted(WALKER, 3), OTHER, scores=[score, score, 0.9]))
            assert tracks.detections.tolist() == [2]


def test_scores_decide_between_equal_overlaps() -> None:
    overrides = ["stages.overlap.cost=overlap-score", "stages.overlap.reject=before"]
    tracker = Tracker(load_config("sort", overrides))
    tracker.update(seen(WALKER))
    tracks = tracker.update(seen(shifted(WALKER, -5), shifted(WALKER, 5), scores=[0.6, 0.9]))
    assert dict(zip(tracks.ids.tolist(), tracks.detections.tolist(), strict=True)) == {1: 1, 2: 0}


@pytest.mark.parametrize("name", ["sort", "deepsort"])
def test_classes_keep_apart(name: str) -> None:
    tracker = Tracker(name)
    person, car = seen(WALKER, classes=[0]), seen(WALKER, classes=[2])
    shown(tracker, [person] * 5)
    tracks: Tracks = Tracks.empty()
    for _ in range(4):
        tracks = tracker.update(car)
    assert (tracks.ids.tolist(), tracks.classes.tolist()) == ([2], [2])


def test_classes_side_by_side_do_not_disturb_each_other() -> None:
    tracker = Tracker("deepsort")
    # The same box twice: non-maximum suppression would leave one of them if their class was the same.
    frame = seen(WALKER, WALKER, classes=[1, 7], scores=[0.9, 0.8])
    for _ in range(5):
        tracks = tracker.update(frame)
    assert {*zip(tracks.ids.tolist(), tracks.classes.tolist(), strict=True)} == {(1, 1), (2, 7)}


def test_a_crowd_of_another_class_changes_nothing() -> None:
    walkers = seen(WALKER, shifted(WALKER, 53), classes=[1, 1])
    # The first of these is near enough to the first walker. What is left overlaps more in total, too little
    # each: that is SORT's choice only where somebody is contested.
    moved = seen(shifted(WALKER, 25), shifted(WALKER, -28), classes=[1, 1])
    cars = seen(OTHER, shifted(OTHER, 6), classes=[7, 7])
    car = seen(shifted(OTHER, 3), classes=[7])
    alone, beside = Tracker("sort"), Tracker("sort")
    shown(alone, [walkers])
    shown(beside, [Detections(np.vstack((walkers.boxes, cars.boxes)), classes=[1, 1, 7, 7])])
    expected = alone.update(moved)
    tracks = beside.update(Detections(np.vstack((moved.boxes, car.boxes)), classes=[1, 1, 7]))
    assert 1 in expected.ids
    np.testing.assert_array_equal(tracks[tracks.classes == 1].boxes, expected.boxes)


def test_classes_can_be_ignored() -> None:
    tracker = Tracker(load_config("deepsort", ["classes=ignore"]))
    for label in (0, 0, 0, 2, 5):
        tracks = tracker.update(seen(WALKER, shifted(WALKER, 1), classes=[label, 9], scores=[0.9, 0.8]))
    assert (tracks.ids.tolist(), tracks.classes.tolist()) == ([1], [5])


@pytest.mark.parametrize("name", ["sort", "deepsort"])
def test_a_box_that_is_too_large_to_reckon_with_disturbs_nobody(name: str) -> None:
    boxes = [shifted(WALKER, step) for step in range(8)]
    undisturbed = shown(Tracker(name), [seen(box) for box in boxes])
    assert undisturbed[-1] == [1]
    frames = [seen((0, 0, 1e200, 1e200), (0, 0, 1e-200, 1e-200), box) for box in boxes]
    assert shown(Tracker(name), frames) == undisturbed


def test_a_track_that_turned_inside_out_matches_nothing() -> None:
    tracker = Tracker("deepsort")
    for height in range(250, 0, -20):
        around = (200 - height / 4, 200 - height / 2, 200 + height / 4, 200 + height / 2)
        tracks = tracker.update(seen(around))
    assert tracks.ids.tolist() == [1]
    # By its velocity its height is now below zero, and its upside-down box lies well within this one.
    assert len(tracker.update(seen((197, 194, 203, 206)))) == 0


@pytest.mark.parametrize("name", ["sort", "deepsort"])
def test_supervision_in_and_out(name: str) -> None:
    tracker, own = Tracker(name), Tracker(name)
    for step in range(6):
        boxes = np.array([shifted(WALKER, step), OTHER], dtype=np.float32)
        given = sv.Detections(
            xyxy=boxes,
            confidence=np.array([0.9, 0.8], dtype=np.float32),
            class_id=np.array([0, 3]),
            data={"features": axis(0, 1)},
        )
        found = tracker.update(given)
        expected = own.update(seen(*boxes, scores=given.confidence, classes=[0, 3], features=axis(0, 1)))
        assert isinstance(found, sv.Detections)
        assert found.tracker_id is not None
        assert found.tracker_id.tolist() == expected.ids.tolist()
        np.testing.assert_array_equal(found.xyxy, expected.boxes)
        np.testing.assert_array_equal(found.confidence, expected.scores)
        assert list(found.data["detection_index"]) == expected.detections.tolist()
    assert found.class_id is not None
    assert found.class_id.tolist() == [0, 3]


def test_supervision_gets_back_what_belongs_to_each_detection() -> None:
    tracker = Tracker("deepsort")
    masks = np.zeros((2, 4, 6), dtype=np.bool_)
    masks[1, 2, 3] = True
    given = sv.Detections(
        xyxy=np.array([OTHER, WALKER], dtype=np.float32),
        mask=masks,
        confidence=np.array([0.9, 0.8]),
        data={"class_name": np.array(["dog", "person"]), "notes": ["barks", "walks"], "features": axis(1, 0)},
        metadata={"camera": 3},
    )
    for _ in range(5):
        found = tracker.update(given[[1, 0]])
    assert list(found.data["class_name"]) == ["person", "dog"]
    assert found.data["notes"] == ["walks", "barks"]
    assert found.mask is not None
    np.testing.assert_array_equal(found.mask, masks[[1, 0]])
    assert found.metadata == {"camera": 3}
    # The dog is hidden: its box is predicted, and nothing is known about it in this frame.
    found = tracker.update(given[[1]])
    assert list(found.data["detection_index"]) == [0, -1]
    assert list(found.data["class_name"]) == ["person", ""]
    assert found.data["notes"] == ["walks", None]
    assert np.asarray(found.mask).sum(axis=(1, 2)).tolist() == [1, 0]


@pytest.mark.parametrize("data", [{}, {"class_name": np.array([])}], ids=["no keys", "of no kind"])
def test_supervision_knows_the_kinds_of_data_in_empty_frames_too(data: dict[str, object]) -> None:
    tracker = Tracker("deepsort")
    given = sv.Detections(
        xyxy=np.array([WALKER]),
        confidence=np.array([0.9]),
        data={"class_name": np.array(["person"]), "notes": ["walks"]},
    )
    for _ in range(4):
        tracker.update(given)
    nothing = sv.Detections(xyxy=np.empty((0, 4)), confidence=np.empty(0), data=dict(data))
    found = tracker.update(nothing)
    assert (list(found.data["class_name"]), found.data["notes"]) == ([""], [None])
    assert set(nothing.data) == set(data)


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        np.array([[1.0, 2.0, 30.0, 40.0]]),
        SimpleNamespace(xyxy=np.ones((1, 4)), data=np.ones((1, 6))),
    ],
)
def test_something_else_than_detections_is_named(given: object) -> None:
    with pytest.raises(TypeError, match=r"expected Detections.*, not"):
        Tracker("sort").update(given)  # type: ignore[call-overload]


def test_supervision_without_scores_and_without_rows() -> None:
    tracker = Tracker("sort")
    assert len(tracker.update(sv.Detections.empty())) == 0
    found = tracker.update(sv.Detections(xyxy=np.array([WALKER])))
    assert found.tracker_id is not None
    assert found.tracker_id.tolist() == [1]


def test_a_frame_without_anybody_may_have_vectors_of_nobody() -> None:
    tracker = Tracker("deepsort")
    tracker.update(Detections([WALKER], [0.9], features=axis(0)))
    for nobody in ([], np.empty((0, 0)), np.empty((0, 5))):
        assert len(tracker.update(Detections([], [], features=nobody)).ids) <= 1
    with pytest.raises(ValueError, match="features must have shape"):
        Detections([WALKER], [0.9], features=[])


def test_boxes_with_a_score_behind_them_are_not_taken_for_others() -> None:
    with pytest.raises(ValueError, match=r"shape \(N, 4\), not \(4, 5\)"):
        Detections.from_xywh(np.arange(20.0).reshape(4, 5))
    np.testing.assert_array_equal(Detections.from_xywh([[1, 2, 3, 4]]).boxes, [[1, 2, 4, 6]])
    assert len(Detections.from_xywh([])) == 0


def test_what_was_given_is_left_as_it_was() -> None:
    tracker = Tracker("deepsort")
    frame = seen(WALKER, OTHER, scores=[0.9, 0.8], features=3 * axis(0, 1))
    copies = [column.copy() for column in (frame.boxes, frame.scores, frame.classes)]
    for _ in range(5):
        tracks = tracker.update(frame)
        tracks.boxes[:] = 0  # what came out is the user's
    for column, copy in zip((frame.boxes, frame.scores, frame.classes), copies, strict=True):
        np.testing.assert_array_equal(column, copy)
    assert frame.features is not None
    np.testing.assert_array_equal(frame.features, 3 * axis(0, 1))
    assert tracker.update(frame).boxes.any()


def test_tracks_can_be_kept() -> None:
    """What was returned for one frame does not change with the next."""
    tracker = Tracker("sort")
    kept = [tracker.update(seen(shifted(WALKER, 3 * step))) for step in range(5)]
    lefts = [tracks.boxes[0, 0] for tracks in kept]
    assert lefts == sorted(set(lefts))
    assert [tracks.gaps.tolist() for tracks in kept] == [[0]] * 5


@pytest.mark.parametrize("name", ["sort", "deepsort", "bytetrack"])
@pytest.mark.parametrize("copied", [deepcopy, lambda tracker: pickle.loads(pickle.dumps(tracker))])
def test_a_copy_goes_on_as_the_original(name: str, copied: Callable[[Tracker], Tracker]) -> None:
    rng = np.random.default_rng(5)
    places = [(float(x), 50.0, x + 40.0, 140.0) for x in range(0, 400, 80)]
    frames = []
    for _ in range(60):
        there = [number for number in range(len(places)) if rng.random() < 0.7]
        frames.append(seen(*(places[number] for number in there), features=np.eye(5)[there]))
    tracker = Tracker(name)
    for frame in frames[:20]:
        tracker.update(frame)
    copy = copied(tracker)
    for frame in frames[20:]:
        one, two = tracker.update(frame), copy.update(frame)
        assert one.ids.tolist() == two.ids.tolist()
        np.testing.assert_array_equal(one.boxes, two.boxes)
