from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.boxes import (
    covered_shares,
    iou,
    iou_of_pairs,
    meeting_pairs,
    non_maximum_suppression,
    xywh_to_xyxy,
    xyxy_to_xywh,
)

Array = NDArray[np.float64]


def random_boxes(rng: np.random.Generator, count: int, extent: float = 100) -> Array:
    corners = rng.uniform(-10, extent, (count, 2))
    return np.hstack((corners, corners + rng.uniform(1, 60, (count, 2))))


def iou_by_hand(a: Array, b: Array) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return float(shared / union) if shared > 0 else 0.0


def test_both_formats_say_the_same() -> None:
    given = np.array([[[10.0, 20.0, 30.0, 45.5]], [[-5.0, 0.0, 5.0, 0.25]]])
    expected = np.array([[[10.0, 20.0, 40.0, 65.5]], [[-5.0, 0.0, 0.0, 0.25]]])
    before = given.copy()
    np.testing.assert_array_equal(xywh_to_xyxy(given), expected)
    np.testing.assert_array_equal(xyxy_to_xywh(expected), given)
    np.testing.assert_array_equal(given, before)
    assert xywh_to_xyxy(np.array([[1, 2, 3, 4]])).dtype == np.float64


def test_overlap_of_random_boxes() -> None:
    rng = np.random.default_rng(1)
    a, b = random_boxes(rng, 40), random_boxes(rng, 25)
    expected = np.array([[iou_by_hand(one, other) for other in b] for one in a])
    np.testing.assert_allclose(iou(a, b), expected, rtol=1e-12, atol=0)
    rows, columns = meeting_pairs(a, b)
    assert {*zip(rows.tolist(), columns.tolist(), strict=True)} == {
        *zip(*(axis.tolist() for axis in expected.nonzero()), strict=True)
    }
    assert (np.diff(rows) >= 0).all()
    np.testing.assert_array_equal(iou_of_pairs(a[rows], b[columns]), iou(a, b)[rows, columns])


@pytest.mark.parametrize(
    "other, expected",
    [
        ([0, 0, 10, 10], 1.0),
        ([0, 0, 5, 10], 0.5),
        ([10, 0, 20, 10], 0.0),  # a common edge
        ([10, 10, 20, 20], 0.0),  # a common corner
        ([2, 2, 2, 8], 0.0),  # no width
        ([8, 2, 2, 8], 0.0),  # inside out
        ([np.nan, 0, 10, 10], 0.0),
    ],
)
def test_overlap_of_special_boxes(other: list[float], expected: float) -> None:
    one = np.array([[0.0, 0.0, 10.0, 10.0]])
    assert iou(one, np.array([other], dtype=np.float64)).tolist() == [[expected]]


def test_overlap_with_nobody() -> None:
    assert iou(np.empty((0, 4)), np.ones((3, 4))).shape == (0, 3)
    assert iou(np.ones((3, 4)), np.empty((0, 4))).shape == (3, 0)


def suppressed_by_hand(boxes: Array, scores: Array, limit: float, classes: NDArray[np.int64]) -> set[int]:
    """DeepSORT's rule, box by box: who stays."""
    waiting = sorted(range(len(boxes)), key=lambda row: -scores[row])
    stays = set()
    while waiting:
        best = waiting.pop(0)
        stays.add(best)
        survivors = []
        for row in waiting:
            width = min(boxes[best, 2], boxes[row, 2]) - max(boxes[best, 0], boxes[row, 0]) + 1
            height = min(boxes[best, 3], boxes[row, 3]) - max(boxes[best, 1], boxes[row, 1]) + 1
            area = (boxes[row, 2] - boxes[row, 0] + 1) * (boxes[row, 3] - boxes[row, 1] + 1)
            covered = max(0.0, width) * max(0.0, height) / area
            if covered <= limit or classes[row] != classes[best]:
                survivors.append(row)
        waiting = survivors
    return stays


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("limit", [0.1, 0.5, 0.7, 1.0])
def test_suppression_on_random_boxes(seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores = random_boxes(rng, 30), rng.permutation(30) / 30
    one_class, two_classes = np.zeros(30, dtype=np.int64), rng.integers(0, 2, 30)
    before = boxes.copy()
    stays = non_maximum_suppression(boxes, scores, limit)
    assert set(stays.nonzero()[0].tolist()) == suppressed_by_hand(boxes, scores, limit, one_class)
    stays = non_maximum_suppression(boxes, scores, limit, two_classes)
    assert set(stays.nonzero()[0].tolist()) == suppressed_by_hand(boxes, scores, limit, two_classes)
    np.testing.assert_array_equal(boxes, before)


def test_a_suppressed_box_suppresses_nobody() -> None:
    # The second goes because of the first; the third would only go because of the second.
    boxes = np.array([[0.0, 0.0, 99.0, 99.0], [40.0, 0.0, 139.0, 99.0], [80.0, 0.0, 179.0, 99.0]])
    assert non_maximum_suppression(boxes, np.array([0.9, 0.8, 0.7]), 0.5).tolist() == [True, False, True]
    assert non_maximum_suppression(boxes[::-1], np.array([0.7, 0.8, 0.9]), 0.5).tolist() == [
        True,
        False,
        True,
    ]


def test_suppression_measures_the_share_of_the_worse_box() -> None:
    # A small box inside a large one: its IoU with it is small, but it is wholly covered.
    boxes = np.array([[0.0, 0.0, 100.0, 100.0], [10.0, 10.0, 20.0, 20.0]])
    assert non_maximum_suppression(boxes, np.array([0.9, 0.8]), 0.7).tolist() == [True, False]
    assert non_maximum_suppression(boxes, np.array([0.8, 0.9]), 0.7).tolist() == [True, True]


def test_exactly_the_limit_stays() -> None:
    # Inclusive pixels: 10 × 10, of which 5 × 10 are covered.
    boxes = np.array([[0.0, 0.0, 9.0, 9.0], [5.0, 0.0, 14.0, 9.0]])
    scores = np.array([0.9, 0.8])
    assert non_maximum_suppression(boxes, scores, 0.5).tolist() == [True, True]
    assert non_maximum_suppression(boxes, scores, 0.499).tolist() == [True, False]


@pytest.mark.parametrize("count", [0, 1])
def test_suppression_of_none_and_one(count: int) -> None:
    assert non_maximum_suppression(np.ones((count, 4)), np.ones(count), 0.5).tolist() == [True] * count


def test_covered_shares_look_at_nearer_boxes_only() -> None:
    near, far = [0.0, 0, 10, 20], [5.0, -4, 15, 16]
    np.testing.assert_allclose(covered_shares(np.array([near, far])), [0, 0.4], atol=0.05)
    # Behind two, which cover each other too: no point counts twice.
    both = np.array([near, [0.0, 0, 10, 21], [0.0, 0, 20, 18]])
    np.testing.assert_allclose(covered_shares(both), [1, 0, 0.5])
    # The same lower edge: nobody is in front.
    assert covered_shares(np.array([near, near])).tolist() == [0, 0]
    assert covered_shares(np.empty((0, 4))).shape == (0,)


def covered_by_hand(box: Array, boxes: Array) -> float:
    covered = 0
    for x in box[0] + (box[2] - box[0]) * (np.arange(8) + 0.5) / 8:
        for y in box[1] + (box[3] - box[1]) * (np.arange(8) + 0.5) / 8:
            covered += any(
                other[0] < x < other[2] and other[1] < y < other[3] and other[3] > box[3] for other in boxes
            )
    return covered / 64


def test_covered_shares_of_random_boxes() -> None:
    boxes = random_boxes(np.random.default_rng(6), 60)
    expected = [covered_by_hand(box, boxes) for box in boxes]
    assert 0 < np.mean(expected) < 1
    np.testing.assert_allclose(covered_shares(boxes), expected)


def test_covered_shares_of_a_large_crowd_take_little_memory() -> None:
    crowd = random_boxes(np.random.default_rng(7), 1500, extent=4000)
    tracemalloc.start()
    try:
        covered_shares(crowd)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20
