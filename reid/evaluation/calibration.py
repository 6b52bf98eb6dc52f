"""From which distance on are two crops two people? Found from footage alone, without any label.

Two boxes of one frame that hardly overlap are two people. Two boxes of one unambiguous tracklet, some
frames apart, are the same person. The threshold is where 2 % of the first kind would be mixed up. Where 98 %
of the second kind are nearer than that, there is room between the two kinds, and the threshold is in the
middle of it: a descriptor that has learnt from the very footage has such room, and takes somebody who comes
back for less alike than the neighbouring frames of a tracklet, which it knows.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.datasets.store import CropIndex
from reid.datasets.tracklets import overlaps
from reid.evaluation.distances import Distances, Metric, Vectors, auc, pair_distances
from reid.files import written_atomically

LOG = logging.getLogger(__name__)

Pairs = NDArray[np.intp]

#: Share of the pairs of two people that may be within the threshold, and of those of one person beyond it.
ERROR_RATE = 0.02
USEFUL_AUC = 0.7
MAX_PAIRS = 200_000
#: Confidence from which a box of a tracklet counts.
MIN_SCORE = 0.6
#: With fewer pairs of a kind, two percent of them are hardly one.
MIN_PAIRS = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold, and how well it separates.

    Attributes:
        threshold: two crops nearer than this are taken for one person.
        metric: how distances are taken.
        auc: probability that two crops of one person are nearer than two people in one frame.
        positives_kept: share of the crops of one person that are within the threshold.
        false_positive_rate: share of the different people that are within the threshold.
        positive_pairs: on how many pairs of one person this rests.
        negative_pairs: and on how many of different people.
    """

    threshold: float
    metric: Metric
    auc: float
    positives_kept: float
    false_positive_rate: float
    positive_pairs: int
    negative_pairs: int

    @property
    def useful(self) -> bool:
        """Whether appearance helps a tracker at all in this footage."""
        return self.auc >= USEFUL_AUC

    def as_dict(self) -> dict[str, Any]:
        """Plain values, to be stored beside the weights."""
        return asdict(self)

    def __str__(self) -> str:
        """For people."""
        return (
            f"{self.metric} threshold {self.threshold:.4g}: keeps {self.positives_kept:.0%} of the pairs of "
            f"one person and {self.false_positive_rate:.1%} of those of two; AUC {self.auc:.3f} "
            f"({self.positive_pairs} and {self.negative_pairs} pairs)"
        )


def calibrate(vectors: Vectors, index: CropIndex, metric: Metric, seed: int = 0) -> Calibration:
    """Find a descriptor's threshold on footage without labels.

    Args:
        vectors: (N, D) the descriptor of each crop.
        index: where each crop comes from, with its tracklet, as in a `CropStore`.
        metric: how distances are taken.
        seed: for thinning out the pairs.

    Raises:
        ValueError: if there are too few pairs.
    """
    pairs = calibration_pairs(index, seed)
    return calibrate_distances(*calibration_distances(vectors, pairs, metric), metric)


def calibration_pairs(index: CropIndex, seed: int = 0) -> tuple[Pairs, Pairs]:
    """Certain pairs of one person, and certain pairs of two; no vectors are needed to find them.

    Raises:
        ValueError: if there are too few.
    """
    positive, negative = same_person_pairs(index, seed=seed), different_people_pairs(index, seed=seed)
    sure = f", found with a confidence of at least {MIN_SCORE}"
    for kind, pairs, more in (
        ("of one person in a tracklet", positive, sure),
        ("of two people in one frame", negative, ""),
    ):
        if len(pairs) < MIN_PAIRS:
            raise ValueError(
                f"{len(pairs)} pairs {kind}; expected at least {MIN_PAIRS}: calibrate on longer footage with "
                f"several people in it{more}"
            )
    return positive, negative


def calibration_distances(
    vectors: Vectors, pairs: tuple[Pairs, Pairs], metric: Metric
) -> tuple[Distances, Distances]:
    """How far the two of each pair are apart."""
    positive, negative = (pair_distances(vectors[rows[:, 0]], vectors[rows[:, 1]], metric) for rows in pairs)
    return positive, negative


def calibrate_distances(positive: Distances, negative: Distances, metric: Metric) -> Calibration:
    """The threshold from distances of pairs of one person and of pairs of two.

    Warns in the log if appearance separates so badly that a tracker is better off without.
    """
    farthest = float(np.quantile(negative, ERROR_RATE))
    nearest = float(np.quantile(positive, 1.0 - ERROR_RATE))
    threshold = (min(nearest, farthest) + farthest) / 2
    calibration = Calibration(
        threshold=threshold,
        metric=metric,
        auc=auc(positive, negative),
        positives_kept=float((positive <= threshold).mean()),
        false_positive_rate=float((negative <= threshold).mean()),
        positive_pairs=len(positive),
        negative_pairs=len(negative),
    )
    if not calibration.useful:
        LOG.warning(
            "AUC %.2f is below %.1f: this descriptor tells people in this footage apart so badly that "
            "appearance would hurt; track by motion alone",
            calibration.auc,
            USEFUL_AUC,
        )
    return calibration


def different_people_pairs(
    index: CropIndex, max_overlap: float = 0.3, max_pairs: int = MAX_PAIRS, seed: int = 0
) -> Pairs:
    """Pairs of rows (P, 2) that are in one frame and overlap by less than ``max_overlap``."""
    pairs = []
    for rows in _groups(index.source, index.camera, index.frame):
        first, second = np.triu_indices(len(rows), 1)
        apart = overlaps(index.box[rows], index.box[rows])[first, second] < max_overlap
        pairs.append(np.stack([rows[first[apart]], rows[second[apart]]], axis=1))
    return _thinned(pairs, max_pairs, seed)


def same_person_pairs(
    index: CropIndex,
    gap: tuple[int, int] = (5, 30),
    min_score: float = MIN_SCORE,
    max_pairs: int = MAX_PAIRS,
    seed: int = 0,
) -> Pairs:
    """Pairs of rows (P, 2) of one tracklet, some frames apart, both found with confidence.

    Args:
        index: the rows.
        gap: frames between the two, from – to, both included.
        min_score: the detector's confidence.
        max_pairs: more are thinned out at random.
        seed: for that.
    """
    # MOTChallenge writes -1 (some write 0) where nobody has said how sure a box is. A source says it of all
    # its boxes or of none.
    best = np.full(int(index.source.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, index.source, index.score)
    sure = (index.score >= min_score) | (best[index.source] <= 0.0)
    usable = np.flatnonzero((index.tracklet >= 0) & sure)
    pairs = []
    for rows in _groups(index.tracklet[usable]):
        tracklet = usable[rows]
        tracklet = tracklet[np.argsort(index.frame[tracklet], kind="stable")]
        frames = index.frame[tracklet]
        # Of each crop those that follow at the right distance: all pairs of a long tracklet fill the memory.
        start = np.maximum(np.searchsorted(frames, frames + gap[0]), np.arange(1, len(frames) + 1))
        counts = np.maximum(np.searchsorted(frames, frames + gap[1], side="right") - start, 0)
        first = np.repeat(np.arange(len(frames)), counts)
        second = np.arange(len(first)) + np.repeat(start - (np.cumsum(counts) - counts), counts)
        pairs.append(np.stack([tracklet[first], tracklet[second]], axis=1))
    return _thinned(pairs, max_pairs, seed)


def _groups(*keys: NDArray[Any]) -> list[Pairs]:
    """Rows that agree in all keys, group by group."""
    if not len(keys[0]):
        return []
    order = np.lexsort(keys)
    changes = np.zeros(len(order) - 1, dtype=np.bool_)
    for key in keys:
        changes |= np.diff(key[order]) != 0
    return np.split(order, np.flatnonzero(changes) + 1)


def _thinned(pairs: list[Pairs], max_pairs: int, seed: int) -> Pairs:
    together = np.concatenate([np.empty((0, 2), dtype=np.intp), *pairs])
    if len(together) <= max_pairs:
        return together
    chosen = np.random.default_rng(seed).choice(len(together), max_pairs, replace=False)
    return together[np.sort(chosen)]


def plot_calibration(positive: Distances, negative: Distances, calibration: Calibration, path: Path) -> None:
    """Draw both histograms and the threshold into a PNG."""
    # Matplotlib is slow to load, and the figure is drawn without its global state or a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(0, max(float(positive.max()), float(negative.max())), 80).tolist()
    axes.hist(positive, bins, density=True, alpha=0.6, label="one person, same tracklet")
    axes.hist(negative, bins, density=True, alpha=0.6, label="two people, same frame")
    axes.axvline(calibration.threshold, color="black", label=f"threshold {calibration.threshold:.3g}")
    axes.set_xlabel(f"{calibration.metric} distance")
    axes.set_ylabel("density")
    axes.set_title(f"AUC {calibration.auc:.3f}; {calibration.positives_kept:.0%} of one person's pairs kept")
    axes.legend()
    with written_atomically(path) as unfinished:
        figure.savefig(unfinished, dpi=120, format="png")
