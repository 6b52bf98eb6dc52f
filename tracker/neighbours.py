"""The long memory: the nearest among very many vectors, exactly, while ever more of them come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracker.exact_search import MOST_DIRECTIONS, Floats, PrincipalTree, Search, Vectors

# With fewer vectors one matrix product is as fast as any tree (`tools/benchmark.py gallery`).
_SMALLEST_TREE = 4096
# The squares of longer vectors could overflow.
LONGEST = 1e18


class NearestNeighbours:
    """An exact nearest-neighbour index to which vectors may be added at any time.

    Vectors stand in the order in which they came. The older ones are covered by kd-trees, each at least
    twice as large as the next; the newest few thousand are searched with a matrix product, until they make
    another tree, which swallows those before it that are not large enough beside it. So each vector is
    planted about log2(n) times in all.

    Args:
        metric: "euclidean", or "cosine": one minus the cosine, so that lengths do not matter.
        directions: in how many principal directions the trees search.
        per_label: how many vectors are kept of each label: a fair sample of all that were added, in which
            each is as likely to be as any other, old or new. None keeps all.
        seed: decides which.

    Example:
        >>> index = NearestNeighbours()
        >>> index.add([[0, 0], [3, 4]], labels=[7, 8])
        >>> distances, labels = index.query([[0, 1], [3, 4]])
        >>> distances.tolist(), labels.tolist()
        ([1.0, 0.0], [7, 8])
    """

    def __init__(
        self,
        metric: Literal["euclidean", "cosine"] = "euclidean",
        directions: int = 8,
        per_label: int | None = None,
        seed: int = 0,
    ) -> None:
        if not 1 <= directions <= MOST_DIRECTIONS:
            raise ValueError(f"directions must lie between 1 and {MOST_DIRECTIONS}, not be {directions}")
        if per_label is not None and per_label < 1:
            raise ValueError(f"per_label must be at least 1, not {per_label}")
        self._cosine = metric == "cosine"
        self._directions = directions
        self._per_label = per_label
        self._random = np.random.default_rng(seed)
        self._samples: dict[int, _Sample] = {}  # of each label, where per_label is given
        self._trees: list[PrincipalTree] = []
        self._count = 0  # rows in use; the arrays have room for more
        self._vectors: Vectors | None = None  # (room, width), made when the width is known
        self._squares = np.empty(0, dtype=np.float32)
        self._labels = np.empty(0, dtype=np.int64)
        self._hidden = np.empty(0, dtype=np.bool_)  # forgotten, but still in the table

    def __len__(self) -> int:
        """How many vectors are remembered."""
        return self._count - int(self._hidden[: self._count].sum())

    def add(self, vectors: ArrayLike, labels: ArrayLike) -> None:
        """Remember vectors.

        Args:
            vectors: (N, D) the vectors.
            labels: (N,) integers, or one for all.

        Raises:
            ValueError: the vectors are of another length than those before, not finite, or (cosine) zero.
        """
        rows = self._prepare(vectors)
        names = np.broadcast_to(np.asarray(labels, dtype=np.int64), len(rows))
        replaced: list[int] = []
        if self._per_label is not None:
            kept, replaced = self._draw(names.tolist(), self._per_label)
            rows, names = rows[kept], names[kept]
        self._append(rows, names)
        self._hidden[replaced] = True
        self._tidy()

    def forget(self, labels: ArrayLike) -> None:
        """Remove everything that was added under one of ``labels``."""
        gone = np.atleast_1d(np.asarray(labels, dtype=np.int64))
        self._hidden[: self._count] |= np.isin(self._labels[: self._count], gone)
        for label in gone.tolist():
            self._samples.pop(label, None)
        self._tidy()

    def query(
        self, vectors: ArrayLike, max_distance: float = np.inf, exclude_labels: Iterable[int] = ()
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Find the nearest remembered vector to each of some others.

        Args:
            vectors: (M, D) what to look for.
            max_distance: farther ones do not count; the smaller this is, the faster.
            exclude_labels: vectors under these labels do not count.

        Returns:
            (M,) distances and (M,) labels; infinity and -1 where there is nothing. Of equally near vectors
            the one that came first counts.

        Raises:
            ValueError: as for :meth:`add`.
        """
        queries = self._prepare(vectors)
        # The squared distance of unit vectors is twice one minus their cosine.
        search = Search(
            queries.astype(np.float64), np.sqrt(2 * max_distance) if self._cosine else max_distance
        )
        if len(queries) and self._vectors is not None:
            hidden = self._hidden[: self._count]
            if excluded := list(exclude_labels):
                hidden = hidden | np.isin(self._labels[: self._count], excluded)
            table = (self._vectors, self._squares, hidden)
            search.compare_all(np.arange(len(queries)), *table, self._planted, self._count)
            for tree in reversed(self._trees):
                tree.search(search, *table)
        found = search.rows >= 0
        distances = search.squares / 2 if self._cosine else np.sqrt(search.squares)
        labels = np.full(len(queries), -1, dtype=np.int64)
        labels[found] = self._labels[search.rows[found]]
        return np.where(found, distances, np.inf), labels

    @property
    def _planted(self) -> int:
        """How many rows are covered by trees."""
        return self._trees[-1].stop if self._trees else 0

    def _prepare(self, vectors: ArrayLike) -> Vectors:
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2:
            raise ValueError(f"expected one vector in each row, found an array of shape {rows.shape}")
        if self._vectors is not None and rows.shape[1] != self._vectors.shape[1]:
            raise ValueError(f"vectors of {rows.shape[1]} numbers after vectors of {self._vectors.shape[1]}")
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
        bad = ~(lengths < LONGEST)  # NaN as well
        if self._cosine:
            bad |= lengths == 0
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(f"the vector in row {row} has length {lengths[row]:g}")
        return (rows / lengths[:, None]).astype(np.float32) if self._cosine else rows

    def _draw(self, labels: list[int], per_label: int) -> tuple[list[int], list[int]]:
        """Which of the coming vectors to keep, and which rows they replace: reservoir sampling."""
        kept: list[int] = []
        replaced: list[int] = []
        for number, label in enumerate(labels):
            sample = self._samples.setdefault(label, _Sample())
            sample.seen += 1
            row = self._count + len(kept)
            if len(sample.rows) < per_label:
                sample.rows.append(row)
            elif (place := int(self._random.integers(sample.seen))) < per_label:
                replaced.append(sample.rows[place])
                sample.rows[place] = row
            else:
                continue
            kept.append(number)
        return kept, replaced

    def _append(self, rows: Vectors, labels: NDArray[np.int64]) -> None:
        new = slice(self._count, self._count + len(rows))
        if self._vectors is None:
            self._vectors = np.empty((0, rows.shape[1]), dtype=np.float32)
        if new.stop > len(self._labels):
            room = max(new.stop, 2 * len(self._labels))
            self._vectors = _enlarged(self._vectors, room)
            self._squares = _enlarged(self._squares, room)
            self._labels = _enlarged(self._labels, room)
            self._hidden = _enlarged(self._hidden, room)
        self._vectors[new] = rows
        self._squares[new] = np.einsum("nd,nd->n", rows, rows)
        self._labels[new] = labels
        self._hidden[new] = False
        self._count = new.stop

    def _tidy(self) -> None:
        """Clear the table where half of it is forgotten; plant a tree where many vectors have come."""
        if self._vectors is None:
            return
        if self._count - len(self) > max(len(self), _SMALLEST_TREE):
            self._clear(self._vectors)
        start = self._planted
        if self._count - start < _SMALLEST_TREE:
            return
        while self._trees and self._trees[-1].size < 2 * (self._count - start):
            start = self._trees.pop().start
        self._trees.append(PrincipalTree(self._vectors, start, self._count, self._directions))

    def _clear(self, vectors: Vectors) -> None:
        """Drop the forgotten rows, and with them all trees."""
        stays = ~self._hidden[: self._count]
        places = np.cumsum(stays) - 1
        for sample in self._samples.values():
            sample.rows = places[sample.rows].tolist()
        self._vectors = vectors[: self._count][stays]
        self._squares = self._squares[: self._count][stays]
        self._labels = self._labels[: self._count][stays]
        self._count = len(self._labels)
        self._hidden = np.zeros(self._count, dtype=np.bool_)
        self._trees = []


@dataclass(slots=True)
class _Sample:
    """What is kept of a label: its rows, and how many vectors they were drawn from."""

    rows: list[int] = field(default_factory=list)
    seen: int = 0


def _enlarged(array: NDArray[Any], room: int) -> NDArray[Any]:
    larger = np.empty((room, *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
