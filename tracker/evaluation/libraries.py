"""The libraries behind the figures: motmetrics and trackeval, fed with one comparison each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import motmetrics
import numpy as np
from trackeval.metrics import CLEAR, HOTA, Identity

from tracker.evaluation.figures import Counts, Hota
from tracker.evaluation.protocol import Comparison

MAX_DISTANCE = 0.5
_MOTMETRICS_FIGURES = (
    *("num_detections", "num_false_positives", "num_misses", "num_switches", "num_fragmentations"),
    *("mostly_tracked", "partially_tracked", "mostly_lost", "motp", "idtp", "idfp", "idfn"),
)

# What trackeval says about the HOTA of one sequence; its own functions combine several.
HotaParts = dict[str, Any]


def accumulate(comparison: Comparison) -> motmetrics.MOTAccumulator:
    """Pair the boxes of every frame with motmetrics.

    It is fed with distances made here, because its own IoU needs a function that numpy 2 no longer has.
    """
    accumulator = motmetrics.MOTAccumulator()
    for frame, (objects, tracks, overlap) in enumerate(
        zip(comparison.object_ids, comparison.track_ids, comparison.overlaps, strict=True), start=1
    ):
        distance = 1.0 - overlap
        distance[distance > MAX_DISTANCE] = np.nan
        accumulator.update(objects, tracks, distance, frameid=frame)
    return accumulator


def count_with_motmetrics(comparison: Comparison) -> Counts:
    """Count with motmetrics' accumulator."""
    found = motmetrics.metrics.create().compute(
        accumulate(comparison), metrics=_MOTMETRICS_FIGURES, return_dataframe=False
    )
    hits = int(found["num_detections"])
    return Counts(
        frames=len(comparison.overlaps),
        true_positives=hits,
        false_positives=int(found["num_false_positives"]),
        false_negatives=int(found["num_misses"]),
        switches=int(found["num_switches"]),
        fragmentations=int(found["num_fragmentations"]),
        mostly_tracked=int(found["mostly_tracked"]),
        partly_tracked=int(found["partially_tracked"]),
        mostly_lost=int(found["mostly_lost"]),
        overlap=hits * (1.0 - float(found["motp"])) if hits else 0.0,
        identity_true_positives=int(found["idtp"]),
        identity_false_positives=int(found["idfp"]),
        identity_false_negatives=int(found["idfn"]),
    )


def count_with_trackeval(comparison: Comparison) -> Counts:
    """Count with trackeval, the official evaluation of MOTChallenge."""
    data = comparison.as_trackeval()
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return Counts(
        # trackeval leaves the frames of a sequence without results out, which would raise the false alarms.
        frames=len(comparison.overlaps),
        true_positives=int(clear["CLR_TP"]),
        false_positives=int(clear["CLR_FP"]),
        false_negatives=int(clear["CLR_FN"]),
        switches=int(clear["IDSW"]),
        fragmentations=int(clear["Frag"]),
        mostly_tracked=int(clear["MT"]),
        partly_tracked=int(clear["PT"]),
        mostly_lost=int(clear["ML"]),
        overlap=float(clear["MOTP_sum"]),
        identity_true_positives=int(identity["IDTP"]),
        identity_false_positives=int(identity["IDFP"]),
        identity_false_negatives=int(identity["IDFN"]),
    )


def hota_parts(comparison: Comparison) -> HotaParts:
    """HOTA of one sequence as trackeval gives it, at every threshold."""
    parts: HotaParts = HOTA().eval_sequence(comparison.as_trackeval())
    return parts


def combine_hota(parts: Mapping[str, HotaParts]) -> Hota:
    """The HOTA figures of one or several sequences together."""
    combined = HOTA().combine_sequences(dict(parts))
    hota, detection, association = (100.0 * float(np.mean(combined[key])) for key in ("HOTA", "DetA", "AssA"))
    return Hota(hota, detection, association)
