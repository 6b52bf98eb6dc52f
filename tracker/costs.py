"""What makes a pair of track and detection unlikely.

A cost function looks at the candidates of a stage and gives a matrix (tracks, detections): 0 for a perfect
pair, infinity for an impossible one. A new one is a function here and its name in ``COSTS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.boxes import iou
from tracker.gallery import Gallery

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The tracks and detections that meet in a stage.

    Attributes:
        track_boxes: (N, 4) where the tracks are predicted to be.
        boxes: (M, 4) the detections.
        scores: (M,) their scores.
        allowed: (N, M) pairs that the stage's gates let through; None lets all.
        slots: (N,) the tracks' places in the gallery.
        vectors: (M, D) the detections' prepared appearance vectors, or None.
        usable: (M,) which of them are.
        gallery: what the tracks looked like.
    """

    track_boxes: Array
    boxes: Array
    scores: Array
    allowed: NDArray[np.bool_] | None
    slots: NDArray[np.intp]
    vectors: NDArray[np.float32] | None
    usable: NDArray[np.bool_] | None
    gallery: Gallery


def overlap(candidates: Candidates) -> Array:
    """One minus intersection over union."""
    cost = iou(candidates.track_boxes, candidates.boxes)
    np.subtract(1.0, cost, out=cost)
    if candidates.allowed is not None:
        cost[~candidates.allowed] = np.inf
    return cost


def overlap_score(candidates: Candidates) -> Array:
    """One minus intersection over union times the detection's score."""
    cost = 1.0 - iou(candidates.track_boxes, candidates.boxes) * candidates.scores
    if candidates.allowed is not None:
        cost[~candidates.allowed] = np.inf
    return cost


def appearance(candidates: Candidates) -> Array:
    """Distance to what the track looked like; only pairs that the gates let through are compared at all."""
    shape = (len(candidates.track_boxes), len(candidates.boxes))
    if candidates.vectors is None or candidates.usable is None:
        return np.full(shape, np.inf)
    wanted = np.broadcast_to(candidates.usable, shape)
    if candidates.allowed is not None:
        wanted = wanted & candidates.allowed
    return candidates.gallery.distances(candidates.slots, candidates.vectors, wanted)


COSTS: dict[str, Callable[[Candidates], Array]] = {
    "overlap": overlap,
    "overlap-score": overlap_score,
    "appearance": appearance,
}
