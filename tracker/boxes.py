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

    Boxes without area, and pairs whose union is not a positive number, have overlap 0.
    """
    a_left, a_top, a_right, a_bottom = a.T[:, :, None]
    b_left, b_top, b_right, b_bottom = b.T
    width = np.minimum(a_right, b_right)
    width -= np.maximum(a_left, b_left)
    np.maximum(width, 0.0, out=width)
    shared = np.minimum(a_bottom, b_bottom)
    shared -= np.maximum(a_top, b_top)
    np.maximum(shared, 0.0, out=shared)
    shared *= width
    union = (a_right - a_left) * (a_bottom - a_top) + (b_right - b_left) * (b_bottom - b_top)
    union = union - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=(shared > 0.0) & (union > 0.0))


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
    left, top, right, bottom = boxes[order].T
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    shared += 1
    np.maximum(shared, 0.0, out=shared)
    height = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    height += 1
    np.maximum(height, 0.0, out=height)
    shared *= height
    beats = shared > max_overlap * ((right - left + 1) * (bottom - top + 1))
    if classes is not None:
        of = classes[order]
        beats &= of[:, None] == of
    winners, losers = np.nonzero(np.triu(beats, 1))
    stays = np.ones(len(boxes), dtype=np.bool_)
    # Few pairs overlap that much, and a loser takes nobody with it.
    for winner, loser in zip(winners.tolist(), losers.tolist(), strict=True):
        if stays[winner]:
            stays[loser] = False
    out = np.empty_like(stays)
    out[order] = stays
    return out
