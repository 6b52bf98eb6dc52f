"""Frames of detections, of people who are known by where they are and by their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracker import Detections, Tracker

WALKER = (100.0, 100.0, 150.0, 250.0)
OTHER = (400.0, 120.0, 460.0, 300.0)


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


NOTHING = Detections.empty()


def shifted(box: Sequence[float], across: float, down: float = 0) -> tuple[float, ...]:
    return (box[0] + across, box[1] + down, box[2] + across, box[3] + down)


def axis(*numbers: int) -> NDArray[np.float32]:
    """For each number a vector that is orthogonal to those of all others."""
    return np.eye(4, dtype=np.float32)[list(numbers)]


def shown(tracker: Tracker, frames: Iterable[Detections]) -> list[list[int]]:
    """The ids shown in each frame."""
    return [tracker.update(frame).ids.tolist() for frame in frames]
