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


def non_maximum_suppression(boxes: Array, scores: Array, max_overlap: float) -> NDArray[np.intp]:
    """Indices of the boxes that stay, best score first.

    A box goes when a better one covers more than ``max_overlap`` of its area. As in DeepSORT the overlap is
    measured on inclusive pixel coordinates (one pixel is added to each side) and against the area of the
    box that would go, not against the union.
    """
    left, top, right, bottom = boxes.T
    area = (right - left + 1) * (bottom - top + 1)
    # Among equal scores the later box wins, which is what taking the last of an ascending order means.
    order = np.argsort(scores, kind="stable")[::-1]
    kept: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.minimum(right[best], right[order]) - np.maximum(left[best], left[order]) + 1
        height = np.minimum(bottom[best], bottom[order]) - np.maximum(top[best], top[order]) + 1
        covered = np.maximum(width, 0.0) * np.maximum(height, 0.0) / area[order]
        order = order[covered <= max_overlap]
    return np.array(kept, dtype=np.intp)
