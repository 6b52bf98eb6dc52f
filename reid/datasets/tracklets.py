"""Short tracklets that are certainly one person each, by overlap alone and without any label.

Two boxes of neighbouring frames are linked only where nothing else is possible: each is the other's best
partner, they overlap well, and no other box is anywhere near. What is doubtful is not linked at all, so a
tracklet may end early but hardly ever changes person. That is what calibration takes for "the same person",
and where training finds two crops of one person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
Ids = NDArray[np.int64]

MIN_OVERLAP = 0.5
MAX_OTHER_OVERLAP = 0.3


def overlaps(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4), shape (N, M)."""
    shared = np.clip(
        np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2]), 0.0, None
    ).prod(axis=2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(axis=1), (b[:, 2:] - b[:, :2]).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - shared
    ratio: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


class TrackletLinker:
    """Gives every box of a video, frame by frame, the number of its tracklet.

    Args:
        min_overlap: linked boxes overlap by more than this.
        max_other_overlap: a box that overlaps any other box, in its own frame or in the one before, by more
            than this is doubtful: it belongs to no tracklet.
    """

    def __init__(
        self, min_overlap: float = MIN_OVERLAP, max_other_overlap: float = MAX_OTHER_OVERLAP
    ) -> None:
        self.min_overlap, self.max_other_overlap = min_overlap, max_other_overlap
        self._frame: int | None = None
        self._boxes: Boxes = np.empty((0, 4))
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._next = 0

    def step(self, frame: int, boxes: Boxes) -> Ids:
        """Tracklet numbers of the boxes (N, 4) of the next frame, (N,); -1 for a doubtful box.

        Frames must come in increasing order. A missing frame ends all tracklets.
        """
        if self._frame is not None and frame <= self._frame:
            raise ValueError(f"frame {frame} after frame {self._frame}; expected increasing frame numbers")
        boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        ids = np.full(len(boxes), -1, dtype=np.int64)
        if self._frame == frame - 1 and len(boxes) and len(self._boxes):
            self._link(overlaps(self._boxes, boxes), ids)
        crowd = overlaps(boxes, boxes)
        np.fill_diagonal(crowd, 0.0)
        clear = ~(crowd > self.max_other_overlap).any(axis=1)
        ids[~clear] = -1
        born = clear & (ids < 0)
        ids[born] = self._next + np.arange(born.sum())
        self._next += int(born.sum())
        self._frame, self._boxes, self._ids = frame, boxes, ids
        return ids

    def _link(self, overlap: NDArray[np.float64], ids: Ids) -> None:
        """Carry the last frame's numbers over to the boxes that can only be theirs."""
        near = overlap > self.max_other_overlap
        rows, columns = np.nonzero(overlap > self.min_overlap)
        # With one box alone within reach in both directions, "both directions best" holds by itself.
        alone = (near.sum(axis=1)[rows] == 1) & (near.sum(axis=0)[columns] == 1)
        ids[columns[alone]] = self._ids[rows[alone]]
