"""Every file of the real data can be read, and says what is known of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reid.footage.sources import open_source
from tracker.motchallenge import find_detections, find_sequences, read_detections, read_ground_truth


def test_every_sequence_is_read(data_root: Path) -> None:
    sequences = find_sequences(["*"], data_root)
    for sequence in sequences:
        assert sequence.benchmark in sequence.folder.parts
        truth = read_ground_truth(sequence.ground_truth)
        assert truth.notes == ()
        assert 0 < truth.last_frame <= sequence.length
        assert truth.considered.any()
        assert ((truth.visibility >= 0) & (truth.visibility <= 1)).all()
        known = {1} if sequence.benchmark == "MOT15" else set(range(1, 14))
        assert set(truth.classes.tolist()) <= known
        for path in (sequence.folder / "det").glob("*"):
            detections = read_detections(path)
            assert detections.notes == ()
            assert 0 < detections.last_frame <= sequence.length
            in_image = (detections.boxes[:, 2:] > 0) & (
                detections.boxes[:, :2] < (sequence.width, sequence.height)
            )
            assert in_image.all()


def test_known_figures(data_root: Path) -> None:
    (campus,) = find_sequences(["TUD-Campus"], data_root)
    assert (campus.benchmark, campus.length, campus.frame_rate, campus.has_images) == (
        "MOT15",
        71,
        25.0,
        False,
    )
    assert find_detections(campus).name == "det.txt"
    truth = read_ground_truth(campus.ground_truth)
    assert (len(truth), len(np.unique(truth.ids))) == (359, 8)
    (mot16,) = find_sequences(["MOT16-02"], data_root)
    truth = read_ground_truth(mot16.ground_truth)
    assert len(truth) == 29_193
    assert int(truth.considered.sum()) == 17_833  # the official number of boxes to find


def test_modern_detections_are_preferred_to_the_public_ones(data_root: Path) -> None:
    (sequence,) = find_sequences(["ADL-Rundle-6"], data_root)
    assert find_detections(sequence).name == "yolo11x.txt"
    assert find_detections(sequence, "frcnn").name == "frcnn.txt"
    assert read_detections(find_detections(sequence, "det")).scores.max() > 100


def test_features_stand_behind_the_detections_they_belong_to(data_root: Path) -> None:
    paths = sorted((data_root / "features").glob("*.npy"))
    if not paths:
        pytest.skip("no features in the data")
    for path in paths:
        (sequence,) = find_sequences([path.stem], data_root)
        assert find_detections(sequence, str(path.parent)) == path
        with_features = read_detections(path)
        assert with_features.features is not None
        assert with_features.features.shape == (len(with_features), 128)
        np.testing.assert_allclose(np.linalg.norm(with_features.features, axis=1), 1.0, atol=1e-5)
        public = read_detections(find_detections(sequence, "det"))
        np.testing.assert_array_equal(with_features.frames, public.frames)
        for frame in (1, sequence.length // 2, sequence.length):
            ours, theirs = with_features.frame(frame), public.frame(frame)
            np.testing.assert_allclose(np.sort(ours.boxes, axis=0), np.sort(theirs.boxes, axis=0), atol=1e-6)


def test_real_images(data_root: Path) -> None:
    (sequence,) = find_sequences(["ADL-Rundle-6"], data_root)
    with open_source(sequence) as source:
        for frame in source:
            assert frame.image is not None
            assert frame.image.shape == (1080, 1920, 3)
            if frame.number == 10:
                break
        assert source.notes == ()
