"""Distances between vectors, and how well they separate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Distances = NDArray[np.float32]

#: ``euclidean`` is the plain, not the squared distance; ``cosine`` is one minus the cosine.
Metric = Literal["euclidean", "cosine"]

# How many distances a block of work may hold: bounds memory, however many vectors there are.
_BLOCK = 4_000_000


def distances(a: Vectors, b: Vectors, metric: Metric) -> Distances:
    """Distance of every row of ``a`` (N, D) to every row of ``b`` (M, D), shape (N, M)."""
    if metric == "cosine":
        return _at_least_zero(1 - unit(a) @ unit(b).T)
    a, b = _moved_to_middle(a, b)
    squared = _at_least_zero(
        np.einsum("nd,nd->n", a, a)[:, None] + np.einsum("nd,nd->n", b, b) - 2 * (a @ b.T)
    )
    return np.sqrt(squared, out=squared)


def distance_blocks(a: Vectors, b: Vectors, metric: Metric) -> Iterator[tuple[slice, Distances]]:
    """Blocks of rows of ``a``, and their `distances`, for matrices that would be too large to keep."""
    rows = max(1, _BLOCK // max(1, len(b)))
    for first in range(0, len(a), rows):
        block = slice(first, min(first + rows, len(a)))
        yield block, distances(a[block], b, metric)


def pair_distances(a: Vectors, b: Vectors, metric: Metric) -> Distances:
    """Distance of each row of ``a`` (N, D) to the same row of ``b`` (N, D), shape (N,)."""
    if metric == "cosine":
        return _at_least_zero(1 - np.einsum("nd,nd->n", unit(a), unit(b)))
    length: Distances = np.linalg.norm(a - b, axis=1)
    return length


def _at_least_zero(values: Distances) -> Distances:
    """The same array without the tiny negative numbers that rounding leaves."""
    return np.maximum(values, 0, out=values)


def unit(vectors: Vectors) -> Vectors:
    """Vectors made as long as one; those of length zero stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return scaled


def _moved_to_middle(a: Vectors, b: Vectors) -> tuple[Vectors, Vectors]:
    # |a|² + |b|² − 2ab loses its digits when the vectors are far from the origin.
    middle = b.mean(axis=0)
    return a - middle, b - middle


def auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Probability that a positive distance is smaller than a negative one; ties count half.

    NaN if there are none of either kind.
    """
    separation = Separation(positive)
    separation.add(negative)
    return separation.auc


class Separation:
    """`auc` of distances of which the negative ones come in parts, and need not be kept.

    Args:
        positive: all positive distances.
    """

    def __init__(self, positive: NDArray[np.floating]) -> None:
        self._positive = np.sort(positive)
        self._smaller = self._not_larger = self._negatives = 0

    def add(self, negative: NDArray[np.floating]) -> None:
        """Count some of the negative distances."""
        negative = np.sort(negative)
        self._smaller += int(np.searchsorted(negative, self._positive, side="left").sum())
        self._not_larger += int(np.searchsorted(negative, self._positive, side="right").sum())
        self._negatives += len(negative)

    @property
    def auc(self) -> float:
        """The probability, as far as negatives were counted."""
        pairs = len(self._positive) * self._negatives
        return 1 - (self._smaller + self._not_larger) / (2 * pairs) if pairs else float("nan")


def silhouette(
    vectors: Vectors,
    identities: NDArray[np.int64],
    metric: Metric = "euclidean",
    min_crops: int = 4,
    max_crops: int = 5000,
    seed: int = 0,
) -> float:
    """Mean silhouette of the identities, from -1 to 1; NaN with fewer than two identities.

    For each crop it compares the mean distance b to the nearest other identity with that to its own, a:
    (b − a) / max(a, b).

    Args:
        vectors: (N, D) descriptors.
        identities: (N,) who it is; rows below 0 are not looked at.
        metric: how distances are taken.
        min_crops: identities with fewer crops are left out.
        max_crops: more crops than this are thinned out at random.
        seed: for that.
    """
    names, counts = np.unique(identities, return_counts=True)
    rows = np.flatnonzero(np.isin(identities, names[(counts >= min_crops) & (names >= 0)]))
    if len(rows) > max_crops:
        rows = np.sort(np.random.default_rng(seed).choice(rows, max_crops, replace=False))
    _, groups, sizes = np.unique(identities[rows], return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        return float("nan")
    member = np.eye(len(sizes), dtype=np.float32)[groups]
    chosen = vectors[rows]
    sums = np.concatenate([block @ member for _, block in distance_blocks(chosen, chosen, metric)])
    own = np.arange(len(rows)), groups
    inside = sums[own] / np.maximum(sizes[groups] - 1, 1)
    to_others = sums / sizes
    to_others[own] = np.inf
    outside = to_others.min(axis=1)
    larger = np.maximum(inside, outside)
    score = np.divide(outside - inside, larger, out=np.zeros_like(larger), where=larger > 0)
    # A crop that thinning left alone in its identity has no inside; by convention it scores 0.
    return float(np.where(sizes[groups] > 1, score, 0).mean())
