"""Finding the same person again in footage of one camera, with ground truth boxes.

Market-1501's protocol cannot be used: there is one camera, so it would take every match away. And
neighbouring frames make every descriptor look perfect, so they must not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.distances import Metric, Vectors, auc, distances
from reid.evaluation.retrieval import RetrievalScores, retrieval_scores

Ids = NDArray[np.int64]

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
    distance = distances(vectors[queries], vectors, metric)
    same = identities[queries][:, None] == identities[None, :]
    apart = np.abs(frames[queries][:, None] - frames[None, :]) / frame_rate
    out = []
    for low, high in GAPS:
        match = same & (apart >= low) & (apart < high)
        kept = match | ~same
        # Without a match the pair is no question of this gap, neither as ranking nor as negative.
        asked = np.flatnonzero(match.any(axis=1))
        retrieval = retrieval_scores((distance[row, kept[row]], match[row, kept[row]]) for row in asked)
        separation = auc(distance[asked][match[asked]], distance[asked][~same[asked]])
        out.append(GapScores((low, high), retrieval, separation))
    return out


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
