from __future__ import annotations

import logging
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets.store import CropIndex
from reid.evaluation.calibration import (
    Calibration,
    calibrate,
    calibrate_distances,
    different_people_pairs,
    plot_calibration,
    same_person_pairs,
)


def footage(people: int = 4, frames: int = 40, score: float = 0.9) -> CropIndex:
    """People side by side, each one tracklet."""
    count = people * frames
    person = np.tile(np.arange(people), frames)
    return CropIndex(
        source=np.zeros(count, dtype=np.int32),
        frame=np.repeat(np.arange(frames), people),
        box=np.stack([person * 50, np.zeros(count), person * 50 + 40, np.full(count, 100)], axis=1).astype(
            float
        ),
        score=np.full(count, score, dtype=np.float32),
        camera=np.full(count, -1, dtype=np.int32),
        tracklet=person.astype(np.int64),
    )


def test_two_gaussians_are_cut_at_two_percent() -> None:
    rng = np.random.default_rng(0)
    calibration = calibrate_distances(rng.normal(0.3, 0.1, 4000), rng.normal(0.8, 0.15, 20_000), "cosine")
    unseen = rng.normal(0.8, 0.15, 200_000)
    assert (unseen <= calibration.threshold).mean() == pytest.approx(0.02, abs=0.005)
    assert calibration.false_positive_rate == pytest.approx(0.02, abs=0.005)
    # P(N(0.3, 0.1) < N(0.8, 0.15)) and P(N(0.3, 0.1) < 0.8 - 2.054 * 0.15), from the normal distribution.
    assert calibration.auc == pytest.approx(0.9972, abs=0.002)
    assert calibration.positives_kept == pytest.approx(0.9724, abs=0.01)
    assert calibration.useful


def test_where_there_is_room_between_the_two_kinds_the_threshold_is_in_its_middle() -> None:
    rng = np.random.default_rng(0)
    calibration = calibrate_distances(rng.normal(0.1, 0.02, 4000), rng.normal(0.8, 0.1, 20_000), "cosine")
    # 98 % of each kind lie below 0.1 + 2.054 * 0.02 and above 0.8 - 2.054 * 0.1.
    assert calibration.threshold == pytest.approx((0.141 + 0.595) / 2, abs=0.01)
    assert calibration.positives_kept > 0.98
    assert calibration.false_positive_rate < 0.02


def test_a_descriptor_that_sees_nothing_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(0)
    with caplog.at_level(logging.WARNING):
        calibration = calibrate_distances(rng.normal(0.9, 0.2, 500), rng.normal(1, 0.2, 500), "cosine")
    assert not calibration.useful
    assert "appearance would hurt" in caplog.text


def test_vectors_of_footage_are_calibrated_without_labels() -> None:
    index = footage()
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 16))[index.tracklet]
    vectors = (centres + 0.1 * rng.normal(size=centres.shape)).astype(np.float32)
    calibration = calibrate(vectors, index, "euclidean")
    assert calibration.auc > 0.99
    assert calibration.positives_kept > 0.99
    assert calibration.negative_pairs == 40 * 6
    assert calibration == calibrate(vectors, index, "euclidean")
    assert Calibration(**calibration.as_dict()) == calibration
    assert "euclidean threshold" in str(calibration)


def test_pairs_of_one_person_are_some_frames_apart_and_confident() -> None:
    index = footage()
    index.score[index.frame == 20] = 0.5
    index.tracklet[index.tracklet == 3] = -1
    pairs = same_person_pairs(index, gap=(5, 30))
    first, second = (index.take(pairs[:, side]) for side in (0, 1))
    np.testing.assert_array_equal(first.tracklet, second.tracklet)
    apart = np.abs(first.frame - second.frame)
    assert (apart.min(), apart.max()) == (5, 30)
    assert not {20} & {*first.frame, *second.frame}
    assert set(first.tracklet) == {0, 1, 2}
    everyone = sum(5 <= b - a <= 30 for a in range(40) for b in range(40) if 20 not in (a, b))
    assert len(pairs) == 3 * everyone


def test_boxes_of_which_nobody_says_how_sure_they_are_count() -> None:
    known, unknown = footage(), footage(score=-1.0)
    np.testing.assert_array_equal(same_person_pairs(unknown), same_person_pairs(known))


def test_a_long_tracklet_costs_no_more_than_its_length() -> None:
    index = footage(people=1, frames=20_000)
    tracemalloc.start()
    pairs = same_person_pairs(index, max_pairs=10**6)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pairs) == sum(20_000 - apart for apart in range(5, 31))
    # All pairs would be 200 million.
    assert most < 100 * 2**20


def test_different_people_are_in_one_frame_of_one_camera_and_do_not_overlap() -> None:
    index = footage()
    # The second person walks before the first.
    index.box[index.tracklet == 1, ::2] -= 40
    pairs = different_people_pairs(index)
    together = index.tracklet[pairs]
    assert {tuple(pair) for pair in together.tolist()} == {(0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    assert len(pairs) == 40 * 5
    assert (index.frame[pairs[:, 0]] == index.frame[pairs[:, 1]]).all()
    index.camera[index.tracklet >= 2] = 1
    assert len(different_people_pairs(index)) == 40


def test_too_many_pairs_are_thinned_out_the_same_way_each_time() -> None:
    index = footage()
    pairs = same_person_pairs(index, max_pairs=100)
    assert len(np.unique(pairs, axis=0)) == 100
    np.testing.assert_array_equal(pairs, same_person_pairs(index, max_pairs=100))


def test_too_little_footage_says_what_is_missing() -> None:
    vectors = np.zeros((40, 4), dtype=np.float32)
    with pytest.raises(ValueError, match="0 pairs of two people in one frame"):
        calibrate(vectors, footage(people=1), "cosine")
    with pytest.raises(ValueError, match="0 pairs of one person"):
        calibrate(np.zeros((160, 4), dtype=np.float32), footage(score=0.1), "cosine")


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(0.3, 0.1, 500), rng.normal(0.8, 0.15, 500)
    path = tmp_path / "plots" / "calibration.png"
    plot_calibration(positive, negative, calibrate_distances(positive, negative, "cosine"), path)
    image = cv2.imread(str(path))
    assert image.shape[0] > 300
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 3
    assert [file.name for file in path.parent.iterdir()] == ["calibration.png"]


def test_footage_without_scores_counts_beside_footage_with_them() -> None:
    with_scores, without = footage(), footage(score=-1.0)
    together = CropIndex(
        source=np.concatenate([with_scores.source, without.source + 1]),
        frame=np.concatenate([with_scores.frame, without.frame]),
        box=np.concatenate([with_scores.box, without.box]),
        score=np.concatenate([with_scores.score, without.score]),
        camera=np.concatenate([with_scores.camera, without.camera]),
        tracklet=np.concatenate([with_scores.tracklet, without.tracklet + 4]),
    )
    pairs = same_person_pairs(together)
    assert np.bincount(together.source[pairs[:, 0]]).tolist() == [len(same_person_pairs(with_scores))] * 2
