"""Formats and overlaps of boxes.

Inside the program a box is ``xyxy``: left, top, right, bottom in pixels, 0-based, float64. Every function
takes and gives arrays whose last axis has length 4, and never rounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def xywh_to_xyxy(boxes: Array) -> Array:
    """Turn (left, top, width, height) into (left, top, right, bottom)."""
    out = np.array(boxes, dtype=np.float64)
    out[..., 2:] += out[..., :2]
    return out


def xyxy_to_xywh(boxes: Array) -> Array:
    """Turn (left, top, right, bottom) into (left, top, width, height)."""
    out = np.array(boxes, dtype=np.float64)
    out[..., 2:] -= out[..., :2]
    return out


def iou(a: Array, b: Array) -> Array:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4), shape (N, M).

    Boxes without area have overlap 0 with every other.
    """
    out = np.zeros((len(a), len(b)))
    rows, columns = meeting_pairs(a, b)
    out[rows, columns] = iou_of_pairs(a[rows], b[columns])
    return out


def meeting_pairs(a: Array, b: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which boxes of ``a`` (N, 4) share any area with which of ``b`` (M, 4).

    Gives indices into ``a``, ascending, and into ``b``. Most pairs of a frame do not meet, and comparisons
    are cheaper than arithmetic on all of them.
    """
    a_left, a_top, a_right, a_bottom = a.T[:, :, None]
    b_left, b_top, b_right, b_bottom = b.T
    meet = a_left < b_right
    meet &= b_left < a_right
    meet &= a_top < b_bottom
    meet &= b_top < a_bottom
    rows, columns = meet.nonzero()
    return rows, columns


def iou_of_pairs(a: Array, b: Array) -> Array:
    """Intersection over union of each box of ``a`` with the one in the same row of ``b``, which it meets."""
    shared = np.minimum(a[:, 2:], b[:, 2:])
    shared -= np.maximum(a[:, :2], b[:, :2])
    # A prediction may have shrunk until it is inside out; it then overlaps nothing.
    np.maximum(shared, 0.0, out=shared)
    intersection = shared[:, 0] * shared[:, 1]
    size_a = a[:, 2:] - a[:, :2]
    size_b = b[:, 2:] - b[:, :2]
    union = size_a[:, 0] * size_a[:, 1]
    union += size_b[:, 0] * size_b[:, 1]
    union -= intersection
    intersection /= union
    return intersection


def non_maximum_suppression(
    boxes: Array, scores: Array, max_overlap: float, classes: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Which boxes stay, when a box goes if a better one that stays covers more than ``max_overlap`` of it.

    As in DeepSORT the overlap is measured on inclusive pixel coordinates (one pixel is added to each side)
    and against the area of the box that would go, not against the union. Boxes of different ``classes`` do
    not compete.
    """
    # Best first. Scores are often equal (1.000), and which of them wins decides about later identities:
    # numpy's default sort is what DeepSORT leaves it to, so a stable sort would give other tracks.
    order = np.argsort(scores)[::-1]
    ordered = boxes[order]
    # Inclusive coordinates: one pixel more to the right and below.
    ordered[:, 2:] += 1.0
    winners, losers = meeting_pairs(ordered, ordered)
    better = winners < losers
    winners, losers = winners[better], losers[better]
    stays = np.ones(len(boxes), dtype=np.bool_)
    if len(winners):
        shared = np.minimum(ordered[winners, 2:], ordered[losers, 2:])
        shared -= np.maximum(ordered[winners, :2], ordered[losers, :2])
        size = ordered[losers, 2:] - ordered[losers, :2]
        beats = shared[:, 0] * shared[:, 1] > max_overlap * (size[:, 0] * size[:, 1])
        if classes is not None:
            of = classes[order]
            beats &= of[winners] == of[losers]
        # Few pairs overlap that much, and a box that has gone takes nobody with it.
        for winner, loser in zip(winners[beats].tolist(), losers[beats].tolist(), strict=True):
            if stays[winner]:
                stays[loser] = False
    out = np.empty_like(stays)
    out[order] = stays
    return out


def covered_shares(boxes: Array) -> Array:
    """How much of each box lies behind others, 0 to 1, (N,), counted at 8 × 8 points of it.

    What stands on the same ground and is nearer to the camera has its lower edge further down.
    """
    behind, before = meeting_pairs(boxes, boxes)
    nearer = boxes[before, 3] > boxes[behind, 3]
    behind, before = behind[nearer], before[nearer]
    places = (np.arange(8) + 0.5) / 8
    corner, size = boxes[behind, :2], boxes[behind, 2:] - boxes[behind, :2]
    x, y = (corner[:, axis, None] + size[:, axis, None] * places for axis in (0, 1))
    left, top, right, bottom = boxes[before].T[..., None]
    across = (x > left) & (x < right)
    down = (y > top) & (y < bottom)
    covered = np.zeros((len(boxes), 8, 8), dtype=np.bool_)
    # A point is covered if one box covers both its column and its row. The pairs of a box stand together.
    first = np.flatnonzero(np.diff(behind, prepend=-1))
    covered[behind[first]] = np.logical_or.reduceat(across[:, None, :] & down[:, :, None], first)
    return np.asarray(covered.mean(axis=(1, 2)))
