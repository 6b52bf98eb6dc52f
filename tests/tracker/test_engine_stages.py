"""The life of tracks in a tracker that is only a file, with two stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tracker.frames import NOTHING, OTHER, WALKER, seen, shifted, shown
from tracker import Tracker, load_config

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


@pytest.fixture
def by_score() -> Tracker:
    """SORT, with scores in its cost."""
    changes = ["stages.overlap.cost=overlap-score", "stages.overlap.reject=before", "output.min_streak=0"]
    return Tracker(load_config("sort", changes))


@pytest.mark.parametrize("score", [1, 120])
def test_a_score_beyond_one_counts_as_one(score: float, by_score: Tracker) -> None:
    """Whatever range a detector's scores have, the one that overlaps most is taken."""
    shown(by_score, [seen(WALKER, scores=[score])] * 3)
    near, far = shifted(WALKER, 2), shifted(WALKER, 12)
    tracks = by_score.update(seen(far, near, scores=[3 * score, score]))
    assert tracks.detections[tracks.ids == 1].tolist() == [1]


def test_however_sure_a_detection_that_hardly_overlaps_is_somebody_else(by_score: Tracker) -> None:
    far = shifted(WALKER, 0.8 * (WALKER[2] - WALKER[0]))
    assert shown(by_score, [seen(WALKER, scores=[120]), seen(far, scores=[120])]) == [[1], [2]]


def test_a_score_below_zero_counts_as_none(by_score: Tracker) -> None:
    assert shown(by_score, [seen(WALKER, scores=[-2])] * 2) == [[1], [2]]


@pytest.mark.parametrize("age, found", [(0, []), (1, [1]), (2, [1])])
def test_a_tentative_track_has_a_patience_of_its_own(
    age: int, found: list[int], two_stages_file: Path
) -> None:
    overrides = ["lifecycle.confirm_hits=3", f"lifecycle.tentative_age={age}"]
    tracker = Tracker(load_config(two_stages_file, overrides))
    assert shown(tracker, [seen(WALKER), seen(WALKER), NOTHING, seen(WALKER)]) == [[], [], [], found]
