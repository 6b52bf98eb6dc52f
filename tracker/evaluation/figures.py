"""What is counted in a sequence, and the columns made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

COLUMNS = (
    *("IDF1", "IDP", "IDR", "Recall", "Precision", "FAR", "MT", "PT", "ML", "FP", "FN", "IDs", "FM"),
    *("MOTA", "MOTP", "MOTAL", "HOTA", "DetA", "AssA"),
)
COUNT_COLUMNS = frozenset({"MT", "PT", "ML", "FP", "FN", "IDs", "FM"})
OVERALL = "OVERALL"
LOWER_IS_BETTER = frozenset({"FAR", "ML", "FP", "FN", "IDs", "FM"})


@dataclass(frozen=True, slots=True)
class Counts:
    """What the figures of one sequence are made of; the counts of several sequences add up.

    Attributes:
        frames: Length of the sequence.
        true_positives: Ground-truth boxes that were found.
        false_positives: Result boxes without an object.
        false_negatives: Ground-truth boxes that were not found.
        switches: Times an object's track changed.
        fragmentations: Times an object was lost and found again.
        mostly_tracked: Objects found in most of their frames.
        partly_tracked: Objects in between.
        mostly_lost: Objects found in less than a fifth of their frames.
        overlap: Sum of the IoU of the true positives.
        identity_true_positives: Boxes under the one track that each object is given for the whole sequence.
        identity_false_positives: Result boxes left over by that.
        identity_false_negatives: Ground-truth boxes left over by that.
    """

    frames: int
    true_positives: int
    false_positives: int
    false_negatives: int
    switches: int
    fragmentations: int
    mostly_tracked: int
    partly_tracked: int
    mostly_lost: int
    overlap: float
    identity_true_positives: int
    identity_false_positives: int
    identity_false_negatives: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Hota:
    """HOTA and its two factors in percent, averaged over the IoU thresholds 0.05, 0.10 … 0.95."""

    hota: float
    detection: float
    association: float


def figures(counts: Counts, hota: Hota, *, official: bool) -> dict[str, float]:
    """The columns of the paper's Table 2 and HOTA, in the order of ``COLUMNS``.

    ========= ============================================================== ======================
    Column    Definition                                                     Where libraries differ
    ========= ============================================================== ======================
    IDF1      2 IDTP / (2 IDTP + IDFP + IDFN), percent                       no
    IDP       IDTP / (IDTP + IDFP), percent                                  no
    IDR       IDTP / (IDTP + IDFN), percent                                  no
    Recall    TP / (TP + FN), percent                                        through TP
    Precision TP / (TP + FP), percent                                        through TP, FP
    FAR       FP per frame of the sequence                                   through FP
    MT        objects found in ≥ 80 % of their frames                        trackeval: > 80 %
    PT        objects that are neither MT nor ML                             through MT
    ML        objects found in < 20 % of their frames                        through TP
    FP        result boxes without an object                                 which pairs are kept
    FN        ground-truth boxes that were not found                         which pairs are kept
    IDs       times an object is found by another track than the last one    which pairs are kept
    FM        gaps in the frames in which an object is found                 what a gap is
    MOTA      1 − (FN + FP + IDs) / (TP + FN), percent                       through the counts
    MOTP      mean IoU of the true positives, percent                        which pairs are kept
    MOTAL     MOTA with log10(IDs + 1) for IDs, as in MOTChallenge's devkit  trackeval: log10(IDs)
    HOTA      geometric mean of DetA and AssA, per threshold, percent        only trackeval has it
    DetA      detection accuracy TP / (TP + FN + FP), percent                only trackeval has it
    AssA      association accuracy, mean over the true positives, percent    only trackeval has it
    ========= ============================================================== ======================

    "Which pairs are kept": motmetrics first continues the last pair an object ever had, however long ago, as
    long as it still overlaps; trackeval continues only the pair of the frame before. "What a gap is":
    motmetrics counts the misses that begin between the first and the last find of an object, trackeval
    counts finds that follow a frame without one, including a frame in which the object was not there.

    A ratio without a denominator (no ground truth, or no results) is not a number by default, as in
    motmetrics, and 0 with ``official``, as in trackeval; the identity figures are trackeval's either way.

    Args:
        counts: Counts of a sequence, or summed over several.
        hota: Its HOTA figures.
        official: Use trackeval's conventions for MOTAL and for empty denominators.
    """
    c = counts
    undefined = 0.0 if official else math.nan
    objects = c.true_positives + c.false_negatives
    errors = c.false_negatives + c.false_positives
    log_switches = math.log10(max(c.switches, 1) if official else c.switches + 1)
    return {
        "IDF1": _percent(
            2 * c.identity_true_positives,
            2 * c.identity_true_positives + c.identity_false_positives + c.identity_false_negatives,
            0.0,
        ),
        "IDP": _percent(
            c.identity_true_positives, c.identity_true_positives + c.identity_false_positives, 0.0
        ),
        "IDR": _percent(
            c.identity_true_positives, c.identity_true_positives + c.identity_false_negatives, 0.0
        ),
        "Recall": _percent(c.true_positives, objects, undefined),
        "Precision": _percent(c.true_positives, c.true_positives + c.false_positives, undefined),
        "FAR": c.false_positives / c.frames if c.frames else undefined,
        "MT": c.mostly_tracked,
        "PT": c.partly_tracked,
        "ML": c.mostly_lost,
        "FP": c.false_positives,
        "FN": c.false_negatives,
        "IDs": c.switches,
        "FM": c.fragmentations,
        "MOTA": _percent(objects - errors - c.switches, objects, undefined),
        "MOTP": _percent(c.overlap, c.true_positives, undefined),
        "MOTAL": _percent(objects - errors - log_switches, objects, undefined),
        "HOTA": hota.hota,
        "DetA": hota.detection,
        "AssA": hota.association,
    }


def _percent(numerator: float, denominator: float, undefined: float) -> float:
    return 100.0 * numerator / denominator if denominator else undefined
