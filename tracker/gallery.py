"""What each track looked like: a bounded memory of appearance vectors and the distance to it.

Every track owns a slot. A slot holds either the newest ``budget`` vectors (a ring, the distance is that of
the nearest one) or a single moving average. For so few vectors one matrix product beats any search tree.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from tracker.config import Memory

Vectors = NDArray[np.float32]
Indices = NDArray[np.intp]

# How many numbers a block of work may hold: bounds memory when everybody is compared with everybody.
_BLOCK = 4_000_000


class Gallery:
    """The appearance memory of all tracks.

    Args:
        memory: which metric, how many vectors, nearest or average.
    """

    def __init__(self, memory: Memory) -> None:
        self._cosine = memory.metric == "cosine"
        self._average = memory.keep == "average"
        self._momentum = np.float32(memory.momentum)
        self._depth = 1 if self._average else memory.budget
        self._vectors: Vectors | None = None  # (slots, depth, width), made when the first vector comes
        self._squares = np.empty((0, self._depth), dtype=np.float32)
        self._counts = np.empty(0, dtype=np.int64)  # vectors seen by each slot
        # What Euclidean vectors are counted from: far from the origin squares lose the digits that matter.
        self._middle = np.zeros(1, dtype=np.float32)
        self._free: list[int] = []
        self._used = 0

    @property
    def width(self) -> int | None:
        """The length of the vectors, once one has been seen."""
        return None if self._vectors is None else self._vectors.shape[2]

    def claim(self, count: int) -> Indices:
        """Slots for new tracks. The lowest free ones are taken, so that the used ones stay close together."""
        while len(self._free) < count:
            self._free.append(self._used)  # larger than any other: the heap stays a heap
            self._used += 1
        slots = np.array([heapq.heappop(self._free) for _ in range(count)], dtype=np.intp)
        if self._used > len(self._counts):
            self._grow(max(self._used, 2 * len(self._counts), 16))
        self._counts[slots] = 0
        return slots

    def release(self, slots: Indices) -> None:
        """Forget what the tracks in ``slots`` looked like."""
        for slot in slots.tolist():
            heapq.heappush(self._free, slot)
        self._counts[slots] = 0

    def prepare(self, features: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
        """Bring a frame's vectors into the form that is compared, and tell which rows are usable.

        Raises:
            ValueError: the vectors are of another length than those before.
        """
        if self.width not in (None, features.shape[1]):
            raise ValueError(
                f"appearance vectors of {features.shape[1]} numbers after frames with vectors of {self.width}"
            )
        squares = np.einsum("nd,nd->n", features, features)
        usable = (squares > 0) & (squares < np.inf)
        if not usable.all():
            features = np.where(usable[:, None], features, np.float32(0))
            squares = np.where(usable, squares, np.float32(1))
        if self._cosine:
            return features / np.sqrt(squares)[:, None], usable
        if self._vectors is None:
            self._middle = features[usable].mean(axis=0) if usable.any() else np.zeros(1, dtype=np.float32)
        return features - self._middle, usable

    def remember(self, slots: Indices, vectors: Vectors) -> None:
        """Add one prepared vector to each of ``slots``."""
        if not len(slots):
            return
        if self._vectors is None:
            self._vectors = np.zeros((len(self._counts), self._depth, vectors.shape[1]), dtype=np.float32)
        counts = self._counts[slots]
        fresh = counts == 0
        if fresh.any():
            # A new track's slot is filled with copies of its first vector: the nearest one is then right
            # without asking how many there are.
            self._write(slots[fresh], slice(None), vectors[fresh, None])
        if not fresh.all():
            seen = ~fresh
            slots_seen, vectors_seen = slots[seen], vectors[seen]
            if self._average:
                old = self._vectors[slots_seen, 0]
                vectors_seen = self._momentum * old + (1 - self._momentum) * vectors_seen
                if self._cosine:
                    length = np.sqrt(np.einsum("nd,nd->n", vectors_seen, vectors_seen))
                    vectors_seen = vectors_seen / np.maximum(length, np.finfo(np.float32).tiny)[:, None]
                places = np.zeros(len(slots_seen), dtype=np.intp)
            else:
                places = counts[seen] % self._depth
            self._write(slots_seen, places, vectors_seen)
        self._counts[slots] = counts + 1

    def recollect(self, slots: Indices) -> list[Vectors]:
        """Copies of the vectors in each of ``slots``, the oldest first."""
        if self._vectors is None:
            return [np.empty((0, 0), dtype=np.float32) for _ in slots]
        memories = []
        for slot in slots.tolist():
            count = int(self._counts[slot])
            held = min(count, self._depth)
            memories.append(self._vectors[slot, np.arange(count - held, count) % self._depth] + self._middle)
        return memories

    def distances(self, slots: Indices, vectors: Vectors, rows: Indices, columns: Indices) -> Vectors:
        """Distance of pairs of a slot and a prepared vector.

        Args:
            slots: (N,) slots of tracks.
            vectors: (M, D) prepared vectors of detections.
            rows: (P,) indices into ``slots``.
            columns: (P,) indices into ``vectors``.

        Returns:
            (P,) distances; infinite to slots that remember nothing.
        """
        if self._vectors is None or not len(rows):
            return np.full(len(rows), np.inf, dtype=np.float32)
        slot_of_pair = slots[rows]
        present = np.unique(slot_of_pair)
        reach = int(present[-1]) + 1
        # Where most slots take part, going through all of them in place beats copying some of them together.
        in_place = 2 * len(present) >= reach
        count = reach if in_place else len(present)
        line = slot_of_pair if in_place else np.searchsorted(present, slot_of_pair)
        # Each slot gets a list of its columns, padded to the longest: then one batched product does all.
        order = np.argsort(line, kind="stable")
        per_line = np.bincount(line, minlength=count)
        rank = np.empty(len(line), dtype=np.intp)
        rank[order] = np.arange(len(line)) - np.repeat(np.cumsum(per_line) - per_line, per_line)
        longest = int(per_line.max())
        lists = np.zeros((count, longest), dtype=np.intp)
        lists[line, rank] = columns
        best = np.empty((count, longest), dtype=np.float32)
        block = max(1, _BLOCK // (longest * max(self._depth, vectors.shape[1])))
        for start in range(0, count, block):
            some = slice(start, min(start + block, count))
            best[some] = self._nearest(some if in_place else present[some], vectors[lists[some]])
        found = best[line, rank]
        distance = 1 - found if self._cosine else np.sqrt(np.maximum(found, 0))
        blank = self._counts[slot_of_pair] == 0
        if blank.any():
            distance[blank] = np.inf
        return distance

    def _nearest(self, slots: slice | Indices, candidates: Vectors) -> Vectors:
        """Largest cosine, or smallest squared distance, of each slot (N) to each of its candidates (N, K)."""
        assert self._vectors is not None
        depth = max(1, min(int(self._counts[slots].max()), self._depth))
        products = np.matmul(candidates, self._vectors[slots, :depth].transpose(0, 2, 1))
        if self._cosine:
            return np.asarray(products.max(axis=2))
        squares = np.einsum("nkd,nkd->nk", candidates, candidates)
        return np.asarray((self._squares[slots, None, :depth] - 2 * products).min(axis=2) + squares)

    def _write(self, slots: Indices, places: slice | Indices, vectors: Vectors) -> None:
        assert self._vectors is not None
        self._vectors[slots, places] = vectors
        if not self._cosine:
            self._squares[slots, places] = np.einsum("...d,...d->...", vectors, vectors)

    def _grow(self, capacity: int) -> None:
        extra = capacity - len(self._counts)
        self._counts = np.concatenate((self._counts, np.zeros(extra, dtype=np.int64)))
        self._squares = np.concatenate((self._squares, np.zeros((extra, self._depth), dtype=np.float32)))
        if self._vectors is not None:
            room = np.zeros((extra, *self._vectors.shape[1:]), dtype=np.float32)
            self._vectors = np.concatenate((self._vectors, room))
