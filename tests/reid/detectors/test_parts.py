"""Choosing classes, and suppressing boxes."""

from __future__ import annotations

import numpy as np
import pytest

from reid.datasets.tracklets import overlaps
from reid.detectors.classes import COCO, choose_classes
from reid.detectors.suppression import suppress

ALL = dict(enumerate(COCO))


@pytest.mark.parametrize(
    "wanted, expected",
    [
        (None, [0]),
        ("person", [0]),
        ("Car, person", [0, 2]),
        ("traffic light,2,car", [2, 9]),
        ("all", list(range(80))),
    ],
)
def test_classes_by_name_and_number(wanted: str | None, expected: list[int]) -> None:
    assert choose_classes(wanted, ALL).tolist() == expected


def test_a_detector_of_one_class_finds_that() -> None:
    assert choose_classes(None, {0: "pedestrian"}).tolist() == [0]
    with pytest.raises(ValueError, match="no class 'person'; known: 0 hat, 1 head"):
        choose_classes(None, {0: "hat", 1: "head"})


@pytest.mark.parametrize(
    "wanted, message",
    [
        ("persom", "no class 'persom'; did you mean 'person'"),
        ("80", "no class '80'"),
        ("", "no class ''; known: 0 person, 1 bicycle, .* and 72 more"),
        ("person,", "no class ''"),
    ],
)
def test_unknown_classes(wanted: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_classes(wanted, ALL)


def one_by_one(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, limit: float) -> list[int]:
    """Suppression as it is defined."""
    overlap, kept = overlaps(boxes, boxes), []
    for row in np.argsort(-scores, kind="stable"):
        if all(overlap[row, other] <= limit or classes[row] != classes[other] for other in kept):
            kept.append(int(row))
    return kept


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.7, 1.0])
def test_suppression_as_defined(limit: float) -> None:
    rng = np.random.default_rng(0)
    for count in (0, 1, 2, 50, 200):
        corner = rng.uniform(0, 60, (count, 2))
        boxes = np.hstack((corner, corner + rng.uniform(5, 60, (count, 2))))
        scores, classes = rng.integers(0, 20, count) / 20, rng.integers(0, 3, count)
        assert suppress(boxes, scores, classes, limit).tolist() == one_by_one(boxes, scores, classes, limit)


def test_a_chain_of_boxes_is_settled_in_order() -> None:
    # Each overlaps the next only: every second one stays.
    left = 10.0 * np.arange(30)
    boxes = np.stack([left, left * 0, left + 15, left * 0 + 10], axis=1)
    scores = np.linspace(1, 0.5, 30)
    assert suppress(boxes, scores, np.zeros(30, np.int64), 0.1).tolist() == list(range(0, 30, 2))


def test_only_the_surest_are_looked_at() -> None:
    boxes = np.array([[20.0 * n, 0, 20 * n + 10, 10] for n in range(9)])
    kept = suppress(boxes, np.linspace(0, 1, 9), np.zeros(9, np.int64), 0.5, most=3)
    assert kept.tolist() == [8, 7, 6]
