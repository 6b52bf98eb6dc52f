"""Two ways to the nearest vectors, both exact: a matrix product, and a kd-tree in a few directions.

A kd-tree is of no use in 128 dimensions: it looks at nearly everything, more slowly than one matrix product
does. In the 8 directions along which the vectors vary most it is fast, and the distance there is never
larger than the true one. So a tree names the vectors that are nearest in those directions, they are compared
in full, and the answer is proven as soon as the next one is farther even in the few directions. How often
that succeeds depends on the vectors and on what is looked for, so both ways are timed, and the faster taken.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree

Vectors: TypeAlias = NDArray[np.float32]
Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

# pykdtree takes 127 dimensions: the directions, and the distance from the subspace that they span.
MOST_DIRECTIONS = 126
# How many candidates a tree is asked for, and then, for the queries where that proves nothing, again.
_CANDIDATES = (8, 64)
# How many vectors show what the principal directions are.
_SAMPLE = 4096
_ITERATIONS = 6
# The slower way is tried again after so many queries, then after twice as many …, at most after the second.
_WAITS = (32, 16_384)
# How many numbers a block of work may hold: those of a product stay in the processor's cache.
_PRODUCT = 250_000
_DIFFERENCES = 4_000_000
# Far above what float64 loses in a projection, far below any distance that matters.
_SLACK = 1e-9
_FLOAT32 = np.finfo(np.float32)


class Search:
    """Some queries, and the nearest vectors found for them so far.

    Args:
        queries: (M, D) what to look for; numbers that float32 can hold.
        limit: farther vectors do not count.

    Attributes:
        rows: (M,) the nearest vector's row, the lowest one of equally near ones; -1 before one is found.
        squares: (M,) its squared distance; before, that of the limit.
    """

    def __init__(self, queries: Floats, limit: float) -> None:
        self.queries = queries
        self.lengths = np.linalg.norm(queries, axis=1)
        self.rows = np.full(len(queries), -1, dtype=np.int64)
        self.squares = np.full(len(queries), limit**2)

    def compare(self, which: Indices, rows: Indices, vectors: Vectors) -> None:
        """Compare pairs of a query and a row of ``vectors`` in full."""
        step = max(1, _DIFFERENCES // vectors.shape[1])
        for start in range(0, len(which), step):
            query, row = which[start : start + step], rows[start : start + step]
            difference = vectors[row] - self.queries[query]
            squares = np.einsum("nd,nd->n", difference, difference)
            # The first of each query in this order is its best.
            order = np.lexsort((row, squares, query))
            query, row, squares = query[order], row[order], squares[order]
            best = np.ones(len(query), dtype=np.bool_)
            best[1:] = query[1:] != query[:-1]
            query, row, squares = query[best], row[best], squares[best]
            known, limit = self.rows[query], self.squares[query]
            better = (squares < limit) | ((squares == limit) & ((known < 0) | (row < known)))
            self.rows[query[better]] = row[better]
            self.squares[query[better]] = squares[better]

    def compare_all(
        self, which: Indices, vectors: Vectors, squares: Vectors, hidden: Mask, start: int, stop: int
    ) -> None:
        """Compare the queries ``which`` with all ``vectors`` from ``start`` to ``stop``.

        Args:
            which: indices of queries.
            vectors: (N, D) all vectors.
            squares: (N,) their squared lengths.
            hidden: (N,) those that do not count.
            start: the first row to look at …
            stop: … and the end.
        """
        if not len(which) or start >= stop:
            return
        queries = -2 * self.queries[which].astype(np.float32)
        # The most that float32 can lose in the lines below. Whatever then lies within twice that of the
        # smallest may be the nearest, and is compared in full.
        reach = self.lengths[which] + np.sqrt(float(squares[start:stop].max()))
        lost = (queries.shape[1] + 8) * (float(_FLOAT32.eps) / 2 * reach**2 + float(_FLOAT32.tiny))
        nearest = np.minimum(self.squares[which] - self.lengths[which] ** 2 + lost, float(_FLOAT32.max))
        candidates: list[Indices] = []
        rows: list[Indices] = []
        step = max(1, _PRODUCT // len(which))
        for first in range(start, stop, step):
            some = slice(first, min(first + step, stop))
            # The squared distance, but for the square of the query.
            rough = queries @ vectors[some].T
            rough += np.where(hidden[some], np.float32(np.inf), squares[some])
            nearest = np.minimum(nearest, rough.min(axis=1) + 2 * lost)
            # Flat: numpy finds the few places in one dimension far faster than in two.
            places = np.flatnonzero(rough <= nearest[:, None].astype(np.float32))
            query, row = np.divmod(places, rough.shape[1])
            candidates.append(which[query])
            rows.append(first + row)
        self.compare(np.concatenate(candidates), np.concatenate(rows), vectors)


class Race:
    """Two ways to one answer: the faster is taken; the other has a try now and then, ever more rarely.

    Attributes:
        way: whose turn it is, 0 or 1.
    """

    def __init__(self) -> None:
        self.way = 0
        self._faster = 1
        self._cost = [np.inf, np.inf]  # seconds a query, the latest counting most
        self._wait = _WAITS[0]
        self._left = 0  # queries until the slower way is tried

    def finish(self, queries: int, seconds: float) -> None:
        """Note how long the way whose turn it was took."""
        old, new = self._cost[self.way], seconds / queries
        self._cost[self.way] = new if old == np.inf else 0.7 * old + 0.3 * new
        if self.way == self._faster:
            self._left -= queries
        elif self._cost[self.way] < self._cost[self._faster]:
            self._faster = self.way
            self._left = self._wait = _WAITS[0]
        else:
            self._left = self._wait = min(2 * self._wait, _WAITS[1])
        self.way = self._faster if self._left > 0 else 1 - self._faster


class PrincipalTree:
    """A kd-tree over some rows of a table of vectors, in their own principal directions.

    Args:
        vectors: (N, D) the table.
        start: the first row to take …
        stop: … and the end.
        directions: how many principal directions to search in.
    """

    def __init__(self, vectors: Vectors, start: int, stop: int, directions: int) -> None:
        self.start, self.stop = start, stop
        sample = vectors[start : stop : max(1, (stop - start) // _SAMPLE)].astype(np.float64)
        self._centre = sample.mean(axis=0)
        self._axes = _principal_axes(sample - self._centre, min(directions, vectors.shape[1]))
        points = self._points(vectors)
        self._tree: KDTree | None = KDTree(points)
        self._reach = float(np.abs(points).max())
        self._race = Race()

    def __getstate__(self) -> dict[str, Any]:
        # pykdtree's trees cannot be copied or stored. The table can, and grows the same tree again.
        return {**self.__dict__, "_tree": None}

    @property
    def size(self) -> int:
        """How many rows it covers."""
        return self.stop - self.start

    def search(self, search: Search, vectors: Vectors, squares: Vectors, hidden: Mask) -> None:
        """Let all queries of ``search`` meet the rows of this tree, whichever way is faster.

        Args:
            search: the queries.
            vectors: (N, D) the table.
            squares: (N,) the squared lengths of its vectors.
            hidden: (N,) those that do not count.
        """
        begin = time.perf_counter()
        unproven = np.arange(len(search.queries))
        if self._race.way == 0:
            unproven = self._descend(search, vectors, hidden)
        search.compare_all(unproven, vectors, squares, hidden, self.start, self.stop)
        self._race.finish(len(search.queries), time.perf_counter() - begin)

    def _descend(self, search: Search, vectors: Vectors, hidden: Mask) -> Indices:
        """Search the tree; returns the queries that have no proven answer then."""
        if self._tree is None:
            self._tree = KDTree(self._points(vectors))
        points = self._project(search.queries)
        slack = _SLACK * max(self._reach, float(np.abs(points).max()))
        unproven = np.arange(len(points))
        for count in _CANDIDATES:
            limits = np.sqrt(search.squares[unproven]) + slack
            bounds, rows = self._tree.query(
                points[unproven],
                k=count,
                distance_upper_bound=limits.max() + slack,
                mask=hidden[self.start : self.stop],
            )
            # Where there are fewer candidates than asked for, pykdtree gives an index that is none; the
            # distance beside it is infinite only if there was a limit.
            bounds[rows >= self.size] = np.inf
            queries, ranks = (np.isfinite(bounds) & (bounds <= limits[:, None])).nonzero()
            search.compare(unproven[queries], self.start + rows[queries, ranks].astype(np.intp), vectors)
            last = bounds[:, -1]
            unproven = unproven[np.isfinite(last) & (last <= np.sqrt(search.squares[unproven]) + slack)]
            if not len(unproven):
                break
        return unproven

    def _points(self, vectors: Vectors) -> Floats:
        """What the tree is made of: its rows, projected in blocks."""
        step = max(1, _DIFFERENCES // vectors.shape[1])
        ends = [*range(self.start, self.stop, step), self.stop]
        return np.concatenate([self._project(vectors[first:end]) for first, end in pairwise(ends)])

    def _project(self, vectors: NDArray[np.floating[Any]]) -> Floats:
        """Coordinates along the axes, and the distance from the subspace: that keeps it a lower bound."""
        centred = vectors - self._centre
        along = centred @ self._axes
        off = np.linalg.norm(centred - along @ self._axes.T, axis=1)
        return np.column_stack((along, off))


def _principal_axes(sample: Floats, count: int) -> Floats:
    """(D, count) orthonormal axes along which the sample varies most: subspace iteration.

    It is fast for any width, and nearly principal is good enough: any axes give exact answers.
    """
    axes = np.random.default_rng(0).normal(size=(sample.shape[1], count))
    for _ in range(_ITERATIONS):
        axes = np.linalg.qr(sample.T @ (sample @ axes))[0]
    return axes
