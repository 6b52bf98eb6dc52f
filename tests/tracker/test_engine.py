"""The life of tracks in SORT, DeepSORT and trackers that are only a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from numpy.typing import ArrayLike, NDArray

from tracker import Detections, Tracker, Tracks, load_config

WALKER = (100.0, 100.0, 150.0, 250.0)
OTHER = (400.0, 120.0, 460.0, 300.0)

# Two stages, as in ByteTrack: what the detector is sure of first, then the rest for tracks still without.
TWO_STAGES = """
motion:
  state: centre-ratio-height
  initial_position: [0.1h, 0.1h, 0.01, 0.1h]
  initial_velocity: [0.0625h, 0.0625h, 0.00001, 0.0625h]
  process_position: [0.05h, 0.05h, 0.01, 0.05h]
  process_velocity: [0.00625h, 0.00625h, 0.00001, 0.00625h]
  measurement: [0.05h, 0.05h, 0.1, 0.05h]
stages:
  - {name: sure, cost: overlap, threshold: 0.8, min_score: 0.6}
  - {name: unsure, cost: overlap, threshold: 0.5, min_score: 0.1, max_score: 0.6, max_gap: 1}
lifecycle: {birth_score: 0.7, max_age: 30}
output: {box: detected}
"""


def seen(
    *boxes: Sequence[float],
    scores: ArrayLike | None = None,
    classes: ArrayLike | None = None,
    features: ArrayLike | None = None,
) -> Detections:
    return Detections(
        np.array(boxes, dtype=np.float64),
        None if scores is None else np.asarray(scores, dtype=np.float64),
        None if classes is None else np.asarray(classes, dtype=np.int64),
        None if features is None else np.asarray(features, dtype=np.float32),
    )


def shifted(box: Sequence[float], across: float, down: float = 0) -> tuple[float, ...]:
    return (box[0] + across, box[1] + down, box[2] + across, box[3] + down)


def axis(*numbers: int) -> NDArray[np.float32]:
    """For each number a vector that is orthogonal to those of all others."""
    return np.eye(4, dtype=np.float32)[list(numbers)]


NOTHING = Detections.empty()


def shown(tracker: Tracker, frames: Iterable[Detections]) -> list[list[int]]:
    """The ids shown in each frame."""
    return [tracker.update(frame).ids.tolist() for frame in frames]


# DeepSORT


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


# SORT


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


# Two stages from a file


@pytest.fixture
def two_stages_file(tmp_path: Path) -> Path:
    path = tmp_path / "two stages.yaml"
    path.write_text(TWO_STAGES)
    return path


@pytest.fixture
def two_stages(two_stages_file: Path) -> Tracker:
    return Tracker(two_stages_file)


def test_an_unsure_detection_continues_a_track_but_starts_none(two_stages: Tracker) -> None:
    assert shown(two_stages, [seen(WALKER, scores=[0.9])] * 3) == [[1]] * 3
    frame = seen(WALKER, OTHER, scores=[0.3, 0.3])
    tracks = two_stages.update(frame)
    assert (tracks.ids.tolist(), tracks.detections.tolist(), tracks.scores.tolist()) == ([1], [0], [0.3])


def test_between_sure_and_born(two_stages: Tracker) -> None:
    # 0.65 takes part in the first stage, and yet starts no track; 0.7 does.
    assert shown(two_stages, [seen(WALKER, scores=[0.65]), seen(WALKER, scores=[0.7])]) == [[], [1]]
    assert shown(two_stages, [seen(WALKER, scores=[0.65])]) == [[1]]


def test_the_sure_one_is_served_first(two_stages: Tracker) -> None:
    shown(two_stages, [seen(WALKER, scores=[0.9])] * 3)
    # The unsure one fits better, but is only asked when the sure one has found nobody.
    tracks = two_stages.update(seen(WALKER, shifted(WALKER, 20), scores=[0.5, 0.8]))
    assert (tracks.ids.tolist(), tracks.detections.tolist()) == ([1], [1])


def test_an_unsure_detection_finds_nobody_again(two_stages: Tracker) -> None:
    shown(two_stages, [seen(WALKER, scores=[0.9])] * 3 + [NOTHING])
    assert shown(two_stages, [seen(WALKER, scores=[0.5]), seen(WALKER, scores=[0.9])]) == [[], [1]]


def test_a_score_on_the_border_belongs_to_one_stage(two_stages: Tracker) -> None:
    shown(two_stages, [seen(WALKER, scores=[0.9])] * 3 + [NOTHING])
    assert shown(two_stages, [seen(WALKER, scores=[0.6])]) == [[1]]
    assert shown(two_stages, [seen(WALKER, scores=[0.1])]) == [[1]]
    assert shown(two_stages, [seen(WALKER, scores=[0.0999])]) == [[]]


def test_a_score_between_the_stages_belongs_to_none(two_stages_file: Path) -> None:
    for score, ids in ((0.5999, [1]), (0.6, []), (0.8999, []), (0.9, [1])):
        tracker = Tracker(
            load_config(two_stages_file, ["stages.sure.min_score=0.9", "lifecycle.birth_score=1"])
        )
        assert shown(tracker, [seen(WALKER, scores=[1])] * 3)[-1] == [1]
        assert shown(tracker, [seen(WALKER, scores=[score])]) == [ids]


def test_detected_boxes_are_shown_as_they_came(two_stages: Tracker) -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        frame = seen(shifted(WALKER, *rng.normal(0, 3, 2)), scores=[0.9])
        np.testing.assert_array_equal(two_stages.update(frame).boxes, frame.boxes)


# All trackers


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


def test_classes_can_be_ignored() -> None:
    tracker = Tracker(load_config("deepsort", ["classes=ignore"]))
    for label in (0, 0, 0, 2, 5):
        tracks = tracker.update(seen(WALKER, shifted(WALKER, 1), classes=[label, 9], scores=[0.9, 0.8]))
    assert (tracks.ids.tolist(), tracks.classes.tolist()) == ([1], [5])


@pytest.mark.parametrize("age, found", [(0, []), (1, [1]), (2, [1])])
def test_a_tentative_track_has_a_patience_of_its_own(
    age: int, found: list[int], two_stages_file: Path
) -> None:
    overrides = ["lifecycle.confirm_hits=3", f"lifecycle.tentative_age={age}"]
    tracker = Tracker(load_config(two_stages_file, overrides))
    assert shown(tracker, [seen(WALKER), seen(WALKER), NOTHING, seen(WALKER)]) == [[], [], [], found]


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


def test_supervision_without_scores_and_without_rows() -> None:
    tracker = Tracker("sort")
    assert len(tracker.update(sv.Detections.empty())) == 0
    found = tracker.update(sv.Detections(xyxy=np.array([WALKER])))
    assert found.tracker_id is not None
    assert found.tracker_id.tolist() == [1]


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
