"""How much of each person can be seen, by painting their outlines into a map of who is in front."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .furniture import Obstacle
from .paint import BITS, Array, capsules_fixed, fixed
from .silhouette import Outlines


class VisibilityMeter:
    """Counts the pixels of people that nobody and nothing hides.

    The map reaches beyond the canvas, so that people whom the picture's border cuts are counted as partly
    hidden.
    """

    def __init__(self, camera: Camera, furniture: list[Obstacle]) -> None:
        self._window = camera.window
        self._margin = camera.window[1] // 4
        size = camera.height + 2 * self._margin, camera.width + 2 * self._margin
        self._map: NDArray[np.uint16] = np.zeros(size, dtype=np.uint16)
        self._furniture = furniture
        self._solid = [thing.sprite.opacity > 127 for thing in furniture]
        self._furniture_boxes = np.array([thing.sprite.box for thing in furniture]).reshape(-1, 4)

    def measure(self, seen: Outlines, corner: Array) -> Array:
        """The visible share (N,) of each person's pixels when the picture's left top is at ``corner``."""
        self._map[:] = 0
        count = len(seen.depth)
        whole = np.zeros(count)
        shapes = _Shapes(seen, self._margin, self._map.shape)
        depths = np.concatenate([seen.depth, [thing.z for thing in self._furniture]])
        for index in np.argsort(-depths, kind="stable").tolist():
            if index < count:
                whole[index] = shapes.stamp(self._map, index)
            else:
                self._cover(index - count, seen)
        left, top = np.round(corner).astype(int) + self._margin
        inside = self._map[top : top + self._window[1], left : left + self._window[0]]
        visible = np.bincount(inside.ravel(), minlength=count + 1)[1:]
        return np.divide(visible, whole, out=np.zeros(count), where=whole > 0)

    def _cover(self, index: int, seen: Outlines) -> None:
        """Wipe out whom a piece of furniture hides."""
        left, top, right, bottom = self._furniture_boxes[index]
        behind = seen.depth > self._furniture[index].z
        meets = (seen.boxes[:, 0] < right) & (seen.boxes[:, 2] > left) & (seen.boxes[:, 1] < bottom)
        if not (behind & meets & (seen.boxes[:, 3] > top)).any():
            return
        shift_x, shift_y = left + self._margin, top + self._margin
        solid = self._solid[index][max(-shift_y, 0) :, max(-shift_x, 0) :]
        part = self._map[max(shift_y, 0) :, max(shift_x, 0) :][: solid.shape[0], : solid.shape[1]]
        part[solid[: part.shape[0], : part.shape[1]]] = 0


class _Shapes:
    """Outlines of people as OpenCV draws them."""

    def __init__(self, seen: Outlines, margin: int, size: tuple[int, ...]) -> None:
        self._there = ~np.isnan(seen.capsules[..., 2])
        ends = np.where(self._there[..., None], seen.capsules, 0.0)
        x, y, radius = ends[..., [0, 3]] + margin, ends[..., [1, 4]] + margin, ends[..., [2, 5]]
        self._parts = capsules_fixed(x, y, radius)
        middle, row = seen.trunk[..., 0] + margin, seen.trunk[..., 1] + margin
        half = seen.trunk[..., 2] - 0.5  # OpenCV fills the pixels on the outline as well
        right, left = np.stack([middle + half, row], axis=-1), np.stack([middle - half, row], axis=-1)
        self._trunks = fixed(np.concatenate([right, left[:, ::-1]], axis=1))
        low = np.maximum(np.floor(seen.boxes[:, :2]) + margin - 2, 0)
        high = np.clip(np.ceil(seen.boxes[:, 2:]) + margin + 2, 0, (size[1], size[0]))
        self._boxes = np.concatenate([low, high], axis=1).astype(int).tolist()

    def stamp(self, paper: NDArray[np.uint16], index: int) -> int:
        """Paint a person over those behind; the number of pixels painted."""
        left, top, right, bottom = self._boxes[index]
        if left >= right or top >= bottom:
            return 0
        ink = index + 1
        for part in self._parts[index][self._there[index]]:
            cv2.fillConvexPoly(paper, part, ink, shift=BITS)
        cv2.fillPoly(paper, [self._trunks[index]], ink, shift=BITS)
        return int(np.count_nonzero(paper[top:bottom, left:right] == ink))
