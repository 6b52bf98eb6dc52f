"""What makes a pair of track and detection unlikely.

A stage first finds the pairs that are possible at all, then its cost function judges each of them: 0 for a
perfect pair, infinity for an impossible one. A new cost is a function here, its name in ``COSTS``, and one
more word that ``Stage.cost`` of :mod:`tracker.config` may be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.boxes import iou_of_pairs
from tracker.gallery import Gallery

Indices: TypeAlias = NDArray[np.intp]
Costs: TypeAlias = NDArray[np.floating[Any]]


@dataclass(slots=True)
class Candidates:
    """The pairs that a cost function is asked about, and all it may look at.

    Attributes:
        tracks: (P,) the track of each pair, ascending: row of ``track_boxes`` and ``slots``.
        detections: (P,) its detection: row of ``boxes``, ``scores``, ``vectors`` and ``usable``.
        track_boxes: where all tracks are predicted to be.
        boxes: all detections.
        scores: their scores.
        slots: the tracks' places in the gallery.
        vectors: the detections' prepared appearance vectors, or None.
        usable: which of them are.
        gallery: what the tracks looked like.
    """

    tracks: Indices
    detections: Indices
    track_boxes: NDArray[np.float64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    slots: NDArray[np.int64]
    vectors: NDArray[np.float32] | None
    usable: NDArray[np.bool_] | None
    gallery: Gallery


def overlap(pairs: Candidates) -> Costs:
    """One minus intersection over union."""
    return 1.0 - iou_of_pairs(pairs.track_boxes[pairs.tracks], pairs.boxes[pairs.detections])


def overlap_score(pairs: Candidates) -> Costs:
    """One minus intersection over union times the detection's score.

    A score counts as a share of certainty: with those of 0 to 100 that some detectors give, whoever barely
    overlaps would be taken for the track.
    """
    shared = iou_of_pairs(pairs.track_boxes[pairs.tracks], pairs.boxes[pairs.detections])
    return 1.0 - shared * np.clip(pairs.scores[pairs.detections], 0.0, 1.0)


def appearance(pairs: Candidates) -> Costs:
    """Distance to what the track looked like; infinite where either has no appearance."""
    if pairs.vectors is None or pairs.usable is None:
        return np.full(len(pairs.tracks), np.inf)
    costs = pairs.gallery.distances(pairs.slots, pairs.vectors, pairs.tracks, pairs.detections)
    costs[~pairs.usable[pairs.detections]] = np.inf
    return costs


COSTS: dict[str, Callable[[Candidates], Costs]] = {
    "overlap": overlap,
    "overlap-score": overlap_score,
    "appearance": appearance,
}

# These costs are 1 for boxes that do not meet: only pairs that do need to be looked at.
OVERLAP_COSTS = frozenset({"overlap", "overlap-score"})
