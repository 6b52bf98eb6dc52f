"""Identities that ended are not forgotten at once: who comes back gets the old one again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracker.config import RecallRules, TrackerConfig
from tracker.exact_search import Vectors
from tracker.neighbours import LONGEST, NearestNeighbours

Integers = NDArray[np.int64]


class Recall:
    """What the identities looked like whose tracks have ended.

    Args:
        rules: how alike is alike enough, and how much is remembered.
        config: the tracker's configuration: its metric, and whether its classes are kept apart.
    """

    def __init__(self, rules: RecallRules, config: TrackerConfig) -> None:
        self._rules = rules
        self._metric = config.memory.metric
        self._separate = config.classes == "separate"
        self._looks: dict[int, NearestNeighbours] = {}  # of each class, labelled with identities
        self._classes: dict[int, int] = {}  # of each identity in memory; who left longest ago comes first
        self._returned: set[int] = set()  # followed again, so that nobody else can be them

    def remember(self, identities: Integers, classes: Integers, looks: list[Vectors]) -> None:
        """Tracks end.

        Args:
            identities: (N,) their identities; 0 if a track never got one: nobody can ask for it again.
            classes: (N,) their classes.
            looks: what each of them looked like, in order of time; possibly empty.
        """
        for identity, class_, seen in zip(identities.tolist(), self._apart(classes), looks, strict=True):
            self._returned.discard(identity)
            seen = _comparable(seen)
            if identity == 0 or not len(seen):
                continue
            spread = np.linspace(0, len(seen) - 1, min(len(seen), self._rules.vectors_per_identity))
            if class_ not in self._looks:
                self._looks[class_] = NearestNeighbours(
                    self._metric, per_label=self._rules.vectors_per_identity
                )
            self._looks[class_].add(seen[spread.astype(np.intp)], identity)
            self._classes.pop(identity, None)
            self._classes[identity] = class_
            if len(self._classes) > self._rules.identities:
                oldest = next(iter(self._classes))
                self._looks[self._classes.pop(oldest)].forget(oldest)

    def recognise(self, classes: Integers, looks: list[Vectors]) -> Integers:
        """Tracks are shown for the first time: who are they?

        Everybody gets another identity. Where two look like the same one, it goes to the one that looks
        more like it, and the other one to the next that it looks like.

        Args:
            classes: (N,) their classes.
            looks: what each of them has looked like so far; possibly empty.

        Returns:
            (N,) identities in memory, 0 for somebody new.
        """
        kinds = self._apart(classes)
        looks = [_comparable(seen) for seen in looks]
        identities = np.zeros(len(looks), dtype=np.int64)
        # Sorted by the distance to, and the identity of, the most alike, the best pair comes first.
        waiting = {track: self._most_alike(kinds[track], seen) for track, seen in enumerate(looks)}
        while waiting:
            track = min(waiting, key=lambda track: waiting[track][:2])
            distance, identity, _ = waiting.pop(track)
            if not np.isfinite(distance):
                break
            identities[track] = identity
            self._returned.add(identity)
            for other, (_, _, nearest) in waiting.items():
                if identity in nearest:
                    waiting[other] = self._most_alike(kinds[other], looks[other])
        return identities

    def _most_alike(self, class_: int, looks: Vectors) -> tuple[float, int, frozenset[int]]:
        """The distance to, and the identity of, the most alike who is not followed now, and all in question.

        All looks have to agree, and the worst one counts: among very many there is always one vector that
        is near to one of the looks by chance.
        """
        if class_ not in self._looks or not len(looks):
            return np.inf, 0, frozenset()
        distances, identities = self._looks[class_].query(looks, self._rules.threshold, self._returned)
        nearest = frozenset(identities.tolist())
        if len(nearest) > 1:
            return np.inf, 0, nearest
        return float(distances.max()), int(identities[0]), nearest

    def _apart(self, classes: Integers) -> list[int]:
        return classes.tolist() if self._separate else [0] * len(classes)


def _comparable(looks: Vectors) -> Vectors:
    """Averages can vanish, and wild vectors be too long to be squared; the index takes neither."""
    lengths = np.linalg.norm(looks.astype(np.float64), axis=1)
    comparable: Vectors = looks[(lengths > 0) & (lengths < LONGEST)]
    return comparable
