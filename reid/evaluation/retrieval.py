"""Finding the same person again: the protocol of Market-1501.

Each query ranks the gallery by distance, without the items of its own identity in its own camera. A query
with no match left is skipped. Average precision is the mean, over the matches, of the precision at their
rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.datasets.market import JUNK
from reid.evaluation.distances import Distances

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Shares of the queries whose first match is among the first 1, 5, 10; mean average precision.

    All are NaN if no query has a match.
    """

    rank1: float
    rank5: float
    rank10: float
    mean_average_precision: float
    queries: int


class Rankings:
    """Collects what `RetrievalScores` are made of, query by query."""

    def __init__(self) -> None:
        self._first_hits: list[int] = []
        self._precisions: list[float] = []

    def add(self, distance: Distances, matches: NDArray[np.bool_]) -> None:
        """Count a query by its distances to the gallery (G,) and which items match (G,), if any does.

        Items at the same distance keep their order in the gallery.
        """
        hits = np.flatnonzero(matches[np.argsort(distance, kind="stable")])
        if len(hits):
            self._first_hits.append(int(hits[0]))
            self._precisions.append(float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1))))

    def scores(self) -> RetrievalScores:
        """The scores of the queries so far."""
        if not self._first_hits:
            nan = float("nan")
            return RetrievalScores(nan, nan, nan, nan, 0)
        first = np.array(self._first_hits)
        rank1, rank5, rank10 = (float((first < rank).mean()) for rank in (1, 5, 10))
        return RetrievalScores(rank1, rank5, rank10, float(np.mean(self._precisions)), len(first))


def market_scores(
    distances: Iterable[Distances],
    query_identities: Ids,
    query_cameras: Ids,
    gallery_identities: Ids,
    gallery_cameras: Ids,
) -> RetrievalScores:
    """Scores by Market-1501's protocol.

    Junk (identity -1) is taken out of the gallery; distractors (identity 0) stay as wrong answers.

    Args:
        distances: of each query to the gallery: a matrix (queries, gallery), or its rows one by one.
        query_identities: who is asked for.
        query_cameras: and where.
        gallery_identities: who is there.
        gallery_cameras: and where.
    """
    not_junk = gallery_identities != JUNK
    rankings = Rankings()
    for distance, identity, camera in zip(distances, query_identities, query_cameras, strict=True):
        if distance.shape != gallery_identities.shape:
            raise ValueError(
                f"a query has distances of shape {distance.shape}; expected {gallery_identities.shape}: one "
                f"to each item of the gallery"
            )
        same = gallery_identities == identity
        kept = not_junk & ~(same & (gallery_cameras == camera))
        rankings.add(distance[kept], same[kept])
    return rankings.scores()


def market_queries(identities: Ids, cameras: Ids) -> NDArray[np.intp]:
    """Rows to use as queries where there is no query folder: one of each person in each camera.

    All rows are the gallery, as the protocol takes a query's own camera out anyway.
    """
    real = np.flatnonzero(identities > 0)
    pairs = np.stack([identities[real], cameras[real]], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    return np.sort(real[first])
