"""Cutting crops out of frames, and telling which of them are worth keeping.

A crop is uint8 RGB of a fixed size (height, width). Boxes are ``xyxy``, 0-based: the pixel in column 3
covers the range from 3 to 4.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Boxes = NDArray[np.float64]

#: ``squash`` stretches the box to the crop's shape. ``expand`` first grows the box's shorter side to the
#: crop's aspect ratio, so that nothing is distorted, at the price of more background.
Policy = Literal["squash", "expand"]

_THUMBNAIL = (16, 8)  # height, width

# What rounding to whole grey levels (variance 1/12) adds to the variance of a Laplacian of 4² + 4·1².
_ROUNDING = 20 / 12


def cut_crops(
    frame: Images, boxes: Boxes, size: tuple[int, int] = (64, 64), policy: Policy = "squash"
) -> tuple[Images, NDArray[np.bool_]]:
    """Cut every box out of a frame.

    Boxes are clipped to the frame and taken to the nearest pixel edges. The frame is only read through
    views, never copied.

    Args:
        frame: (H, W, 3) uint8 RGB.
        boxes: (N, 4) boxes.
        size: height and width of the crops.
        policy: what happens to the aspect ratio.

    Returns:
        (N, height, width, 3) crops, and (N,) whether there was anything to cut; a crop without a single
        pixel of the frame, or with coordinates that are no numbers, is black and False.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"a frame must be uint8 of shape (H, W, 3), not {frame.dtype} of {frame.shape}")
    if policy not in ("squash", "expand"):
        raise ValueError(f"unknown crop policy {policy!r}; expected 'squash' or 'expand'")
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    boxes = np.where(np.isfinite(boxes).all(axis=1, keepdims=True), boxes, 0.0)
    edges, valid = _pixel_edges(boxes if policy == "squash" else _expanded(boxes, size), frame.shape[:2])
    if policy == "expand":
        # A box outside the frame may grow into it: there is nobody to see all the same.
        valid &= _reaches_into(boxes, frame.shape[:2])
    height, width = size
    crops = np.zeros((len(boxes), height, width, 3), dtype=np.uint8)
    for row in np.flatnonzero(valid):
        left, top, right, bottom = edges[row]
        patch = frame[top:bottom, left:right]
        # Averaging the pixels that fall together is right when shrinking and blocky when enlarging.
        shrinks = (bottom - top) * (right - left) > height * width
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cv2.resize(patch, (width, height), dst=crops[row], interpolation=interpolation)
    return crops, valid


def _expanded(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes grown about their centre to the aspect ratio of ``size``; none gets smaller."""
    ratio = size[1] / size[0]
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    grown = np.stack([np.maximum(width, height * ratio), np.maximum(height, width / ratio)], axis=1)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    out = np.concatenate([centre - grown / 2, centre + grown / 2], axis=1)
    # A box without area must stay empty: growing it would invent something to see.
    out[(width <= 0) | (height <= 0)] = 0.0
    return out


def _reaches_into(boxes: Boxes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which boxes have some area within a frame of ``shape``."""
    height, width = shape[:2]
    left, top, right, bottom = np.clip(boxes, 0.0, [width, height, width, height]).T
    inside: NDArray[np.bool_] = (right > left) & (bottom > top)
    return inside


def _pixel_edges(boxes: Boxes, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Boxes clipped to a frame of ``shape`` and rounded, and which of them still have an area."""
    height, width = shape[:2]
    edges = np.rint(np.clip(boxes, 0.0, [width, height, width, height])).astype(np.int64)
    left, top, right, bottom = edges.T
    return edges, (right > left) & (bottom > top)


def whole_image(image: Images) -> Boxes:
    """The one box that covers an image, shape (1, 4)."""
    return np.array([[0.0, 0.0, image.shape[1], image.shape[0]]])


def evenly_spaced(count: int, most: int) -> NDArray[np.intp]:
    """Rows of at most ``most`` among ``count``, the first and the last among them: some of every source."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)


def sharpness(crops: Images) -> NDArray[np.float32]:
    """How much fine detail each crop has: the variance of the Laplacian over that of the brightness, (N,).

    Dividing by the variance makes a dull and a contrasty crop of the same focus alike. Pedestrians in focus
    have 0.1 to 3 at 64×64; blurred by two pixels they have about 0.01. A crop of one even colour has 0.
    """
    count, height, width, _ = crops.shape
    if count == 0:
        return np.empty(0, dtype=np.float32)
    # All crops as one tall image: one call for all of them. Only the inside of each crop is used below.
    grey = cv2.cvtColor(crops.reshape(count * height, width, 3), cv2.COLOR_RGB2GRAY)
    grey = grey.reshape(count, height, width).astype(np.float32)
    laplacian = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    laplacian -= 4 * grey[:, 1:-1, 1:-1]
    detail = np.maximum(laplacian.var(axis=(1, 2)) - _ROUNDING, 0)
    contrast = grey.var(axis=(1, 2))
    ratio: NDArray[np.float32] = np.divide(detail, contrast, out=np.zeros_like(detail), where=contrast > 0)
    return ratio


class DuplicateFilter:
    """Tells which crops look almost like one that was let through before.

    Crops are compared as colour thumbnails with the last ``memory`` crops that passed: duplicates come from
    somebody who stands still, or from bursts, and therefore near each other.

    Args:
        distance: two crops are duplicates if the root mean square difference of their thumbnails is below
            this, in grey levels (0 to 255). 0 lets everything through.
        memory: how many of the last crops to compare with.
    """

    def __init__(self, distance: float, memory: int = 1024) -> None:
        self.distance = distance
        height, width = _THUMBNAIL
        self._seen = np.empty((memory, height * width * 3), dtype=np.float32)
        self._squares = np.empty(memory, dtype=np.float32)
        self._passed = 0

    def passes(self, crops: Images) -> NDArray[np.bool_]:
        """Which crops are new, (N,); a crop is also compared with those before it in the same call."""
        height, width = _THUMBNAIL
        fresh = np.ones(len(crops), dtype=np.bool_)
        if self.distance <= 0:
            return fresh
        memory, size = self._seen.shape
        for row, crop in enumerate(crops):
            small = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
            # Whole numbers about zero: sums of so few of their products are exact in single precision.
            thumbnail = small.reshape(-1).astype(np.float32) - 128
            square = thumbnail @ thumbnail
            if self._passed:
                known = slice(min(self._passed, memory))
                apart = self._squares[known] + square - 2 * (self._seen[known] @ thumbnail)
                fresh[row] = apart.min() >= size * self.distance**2
            if fresh[row]:
                place = self._passed % memory
                self._seen[place], self._squares[place] = thumbnail, square
                self._passed += 1
        return fresh
