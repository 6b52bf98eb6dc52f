"""Finding the same person again in footage of one camera, with ground truth boxes.

Market-1501's protocol cannot be used: there is one camera, so it would take every match away. And
neighbouring frames make every descriptor look perfect, so they must not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.distances import Distances, Metric, Separation, Vectors, auc, distance_blocks, distances
from reid.evaluation.retrieval import Rankings, RetrievalScores

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: Seconds between the query and its matches, from – to.
GAPS: tuple[tuple[float, float], ...] = ((1.0, 2.0), (2.0, 5.0), (5.0, float("inf")))


@dataclass(frozen=True, slots=True)
class GapScores:
    """How well people are found again after some time."""

    gap: tuple[float, float]
    retrieval: RetrievalScores
    auc: float


@dataclass(frozen=True, slots=True)
class TrackingScores:
    """What a tracker asks of a descriptor.

    Attributes:
        auc: probability that two crops of one person, at most 60 frames apart, are nearer to each other
            than two people in one frame.
        rank1: share of the crops whose nearest neighbour among those of 20 to 60 frames before is the same
            person, where that person is among them.
    """

    auc: float
    rank1: float


def gap_scores(
    vectors: Vectors, identities: Ids, frames: Ids, frame_rate: float, metric: Metric
) -> list[GapScores]:
    """Retrieval in one sequence, by the time between query and match.

    Queries are one crop of each person in each second, the gallery is all crops. Of the query's own person
    only those count that are a certain time away; all others of that person are taken out.

    Args:
        vectors: (N, D) descriptors.
        identities: (N,) who it is.
        frames: (N,) when.
        frame_rate: frames a second.
        metric: how distances are taken.
    """
    second = np.floor(frames / frame_rate).astype(np.int64)
    pairs = np.stack([identities, second], axis=1)
    _, queries = np.unique(pairs, axis=0, return_index=True)

    def blocks() -> Iterator[tuple[Distances, Mask, list[Mask]]]:
        """Distances of some queries to all crops; where that is the same person, at all and in each gap."""
        for rows, distance in distance_blocks(vectors[queries], vectors, metric):
            some = queries[rows, None]
            same = identities[some] == identities
            apart = np.abs(frames[some] - frames) / frame_rate
            yield distance, same, [same & (apart >= low) & (apart < high) for low, high in GAPS]

    # The positive distances are few, and all are needed before the first negative one can be counted.
    positive: list[list[Distances]] = [[np.empty(0, dtype=np.float32)] for _ in GAPS]
    for distance, _, matches in blocks():
        for found, match in zip(positive, matches, strict=True):
            found.append(distance[match])
    rankings = [Rankings() for _ in GAPS]
    separations = [Separation(np.concatenate(found)) for found in positive]
    for distance, same, matches in blocks():
        # Sorted once for all gaps: what is in order already takes no time to rank.
        nearest = np.argsort(distance, axis=1, kind="stable")
        distance = np.take_along_axis(distance, nearest, axis=1)
        same = np.take_along_axis(same, nearest, axis=1)
        for ranking, separation, unsorted in zip(rankings, separations, matches, strict=True):
            match = np.take_along_axis(unsorted, nearest, axis=1)
            # Without a match the pair is no question of this gap, neither as ranking nor as negative.
            asked = np.flatnonzero(match.any(axis=1))
            kept = match | ~same
            for row in asked:
                ranking.add(distance[row, kept[row]], match[row, kept[row]])
            separation.add(distance[asked][~same[asked]])
    return [
        GapScores(gap, ranking.scores(), separation.auc)
        for gap, ranking, separation in zip(GAPS, rankings, separations, strict=True)
    ]


def tracking_scores(
    vectors: Vectors,
    identities: Ids,
    frames: Ids,
    metric: Metric,
    memory: tuple[int, int] = (20, 60),
) -> TrackingScores:
    """How well a descriptor serves a tracker in one sequence.

    Args:
        vectors: (N, D) descriptors.
        identities: (N,) who it is.
        frames: (N,) when.
        metric: how distances are taken.
        memory: how many frames before a crop its candidates for ``rank1`` are, from – to; the longer one
            is also the limit for ``auc``.
    """
    order = np.argsort(frames, kind="stable")
    vectors, identities, frames = vectors[order], identities[order], frames[order]
    positive, negative, hits = [], [], []
    # In blocks over time: only crops up to ``memory`` frames back are ever compared.
    nearest, furthest = memory
    for frame in np.unique(frames):
        start, stop = np.searchsorted(frames, [frame, frame + 1])
        first = int(np.searchsorted(frames, frame - furthest))
        distance = distances(vectors[start:stop], vectors[first:stop], metric)
        same = identities[start:stop, None] == identities[None, first:stop]
        past = start - first
        positive.append(distance[:, :past][same[:, :past]])
        together, others = distance[:, past:], ~same[:, past:]
        negative.append(together[np.triu(others, 1)])
        candidates = int(np.searchsorted(frames[first:stop], frame - nearest, side="right"))
        asked = np.flatnonzero(same[:, :candidates].any(axis=1))
        if asked.size:
            best = distance[asked, :candidates].argmin(axis=1)
            hits.append(same[asked, best])
    rank1 = float(np.concatenate(hits).mean()) if hits else float("nan")
    if not positive:
        return TrackingScores(float("nan"), rank1)
    return TrackingScores(auc(np.concatenate(positive), np.concatenate(negative)), rank1)
