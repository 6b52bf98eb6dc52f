"""What is kept of a sequence for the page."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.tracker.report.steps import step
from tracker.report.recording import GLIMPSES, Recording
from tracker.report.timeline import spans


def test_identities_with_their_frames() -> None:
    recording = Recording()
    for number, ids in enumerate(({2: True}, {2: False, 1: True}, {}, {1: True, 2: True}), start=1):
        recording.add(step(number, ids))
    one, two = recording.identities()
    assert (one.number, two.number) == (1, 2)
    assert (one.frames.tolist(), one.detected.tolist()) == ([2, 4], [True, True])
    assert (two.frames.tolist(), two.detected.tolist()) == ([1, 2, 4], [True, False, True])
    assert (one.longest_gap, two.longest_gap) == (1, 1)
    assert recording.last_frame == 4
    assert recording.tracks(2).ids.tolist() == [2, 1]


def test_frames_that_were_never_tracked_are_no_time_away() -> None:
    recording = Recording()
    for number, ids in ((1, {1: True}), (5, {1: True}), (8, {}), (12, {1: True})):
        recording.add(step(number, ids))
    (one,) = recording.identities()
    assert one.longest_gap == 1
    assert spans(one, 12) == [(1, 5, True), (12, 12, True)]
    assert len(recording.tracks(3)) == 0


@pytest.mark.parametrize("length", [1, 3, 10, 60, 1000])
def test_views_are_evenly_spread_over_any_length(length: int) -> None:
    recording, image = Recording(), np.zeros((120, 160, 3), dtype=np.uint8)
    for number in range(1, length + 1):
        recording.add(step(number, {1: True}, image=image))
    (identity,) = recording.identities()
    frames = [glimpse.frame for glimpse in identity.strip]
    assert frames[0] == 1
    assert 1 <= len(frames) <= GLIMPSES
    assert len(identity.glimpses) <= 2 * GLIMPSES
    if length >= 60:
        assert len(frames) == GLIMPSES
        steps = np.diff(frames)
        assert steps.max() <= 2 * steps.min()
        assert frames[-1] > 0.75 * length


def test_views_show_the_inside_of_the_box_when_it_was_detected() -> None:
    recording, image = Recording(), np.zeros((120, 160, 3), dtype=np.uint8)
    image[20:90, 40:70] = (200, 0, 0)
    recording.add(step(1, {1: False}, image=image))
    recording.add(step(2, {1: True}, image=image))
    (identity,) = recording.identities()
    (glimpse,) = identity.strip
    assert (glimpse.frame, glimpse.vector) == (2, None)
    assert glimpse.picture is not None
    shown = cv2.imdecode(np.frombuffer(glimpse.picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert shown.shape == (70, 30, 3)
    np.testing.assert_allclose(shown.mean(axis=(0, 1)), (200, 0, 0), atol=6)


def test_vectors_that_are_none_are_left_out() -> None:
    recording = Recording()
    for number, vector in ((1, [1.0, 2.0]), (11, [0.0, 0.0]), (21, [np.nan, 1.0]), (31, [3.0, 4.0])):
        recording.add(step(number, {1: True}, vectors={1: vector}))
    (identity,) = recording.identities()
    assert identity.vectors.tolist() == [[1, 2], [3, 4]]


def test_boxes_are_those_of_the_result_file() -> None:
    recording = Recording()
    recording.add(step(1, {1: True}))
    recording.add(step(2, {}))
    np.testing.assert_allclose(recording.boxes, [[40, 20, 70, 90]])
    assert (recording.frames.tolist(), recording.ids.tolist()) == ([1], [1])


def test_nothing_at_all() -> None:
    recording = Recording()
    assert recording.identities() == []
    assert recording.boxes.shape == (0, 4)
