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


def retrieval_scores(rankings: Iterable[tuple[Distances, NDArray[np.bool_]]]) -> RetrievalScores:
    """Scores from, for each query, its distances to the gallery (G,) and which items match (G,).

    Items at the same distance keep their order in the gallery.
    """
    first_hits: list[int] = []
    precisions: list[float] = []
    for distance, matches in rankings:
        if not matches.any():
            continue
        hits = np.flatnonzero(matches[np.argsort(distance, kind="stable")])
        first_hits.append(int(hits[0]))
        precisions.append(float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1))))
    if not first_hits:
        nan = float("nan")
        return RetrievalScores(nan, nan, nan, nan, 0)
    first = np.array(first_hits)
    rank1, rank5, rank10 = (float((first < rank).mean()) for rank in (1, 5, 10))
    return RetrievalScores(rank1, rank5, rank10, float(np.mean(precisions)), len(first))


def market_scores(
    distance: Distances,
    query_identities: Ids,
    query_cameras: Ids,
    gallery_identities: Ids,
    gallery_cameras: Ids,
) -> RetrievalScores:
    """Scores of a distance matrix (queries, gallery) by Market-1501's protocol.

    Junk (identity -1) is taken out of the gallery; distractors (identity 0) stay as wrong answers.
    """
    expected = (len(query_identities), len(gallery_identities))
    if distance.shape != expected:
        raise ValueError(f"the distances have shape {distance.shape}; expected {expected}: queries × gallery")
    not_junk = gallery_identities != JUNK

    def ranking(row: int) -> tuple[Distances, NDArray[np.bool_]]:
        same = gallery_identities == query_identities[row]
        kept = not_junk & ~(same & (gallery_cameras == query_cameras[row]))
        return distance[row, kept], same[kept]

    return retrieval_scores(ranking(row) for row in range(len(distance)))


def market_queries(identities: Ids, cameras: Ids) -> NDArray[np.intp]:
    """Rows to use as queries where there is no query folder: one of each person in each camera.

    All rows are the gallery, as the protocol takes a query's own camera out anyway.
    """
    real = np.flatnonzero(identities > 0)
    pairs = np.stack([identities[real], cameras[real]], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    return np.sort(real[first])
