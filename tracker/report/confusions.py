"""Who looks like whom, as the descriptor sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.distances import Metric, distances
from tracker.report.recording import Identity

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Another identity, and how far it is from the one it is told of.

    Attributes:
        number: its id.
        distance: median, over the vectors of the one, of the distance to the nearest vector of the other:
            what a tracker that remembers the other would typically see when the one appears.
        together: number of frames that show both, so that they cannot be the same person.
    """

    number: int
    distance: float
    together: int


@dataclass(frozen=True, slots=True)
class Looks:
    """How well one identity can be told from the others.

    Attributes:
        own: median distance of its vectors to the nearest other one of its own; None if there are fewer
            than three.
        nearest: the identities that look most like it, the nearest first.
    """

    own: float | None
    nearest: list[Lookalike]


def compare_looks(
    chosen: Sequence[Identity], identities: Sequence[Identity], metric: Metric, count: int = 3
) -> dict[int, Looks]:
    """The looks of the ``chosen`` that have appearance vectors, compared with all ``identities``."""
    described = [identity for identity in identities if len(identity.vectors)]
    if not described:
        return {}
    memory = np.concatenate([identity.vectors for identity in described])
    starts = np.cumsum([0, *(len(identity.vectors) for identity in described[:-1])])
    places = {identity.number: place for place, identity in enumerate(described)}
    looks = {}
    for identity in chosen:
        if identity.number not in places:
            continue
        place = places[identity.number]
        each = distances(identity.vectors, memory, metric)
        typical = np.median(np.minimum.reduceat(each, starts, axis=1), axis=0)
        typical[place] = np.inf
        order = np.argsort(typical, kind="stable")[: min(count, len(described) - 1)]
        looks[identity.number] = Looks(
            own=_own_distance(each[:, starts[place] : starts[place] + len(each)]),
            nearest=[
                Lookalike(
                    described[other].number,
                    float(typical[other]),
                    len(np.intersect1d(identity.frames, described[other].frames, assume_unique=True)),
                )
                for other in order.tolist()
            ],
        )
    return looks


def _own_distance(distances: Vectors) -> float | None:
    if len(distances) < 3:
        return None
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    return float(np.median(others.min(axis=1)))
