"""Fitting an image into what a network reads, with grey at the sides, and finding the way back."""

from __future__ import annotations

from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.crops import Boxes, Images

_GREY = 114


class Letterbox(NamedTuple):
    """How an image lies in the network's input.

    Attributes:
        scale: pixels of the input for one of the image.
        left: columns of grey on the left.
        top: rows of grey above.
        inner: width and height of the image inside.
        outer: width and height of the input.
    """

    scale: float
    left: int
    top: int
    inner: tuple[int, int]
    outer: tuple[int, int]

    @classmethod
    def fitting(cls, width: int, height: int, outer: tuple[int, int]) -> Self:
        """An image as large as it fits into ``outer``, width and height, in its middle."""
        scale = min(outer[0] / width, outer[1] / height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        return cls(scale, (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2, inner, outer)

    def put(self, image: Images) -> Images:
        """The input for an image."""
        canvas = np.full((self.outer[1], self.outer[0], 3), _GREY, dtype=np.uint8)
        inside = canvas[self.top : self.top + self.inner[1], self.left : self.left + self.inner[0]]
        inside[:] = cv2.resize(image, self.inner, interpolation=cv2.INTER_LINEAR)
        return canvas

    def back(self, boxes: NDArray[np.float64]) -> Boxes:
        """Boxes (N, 4) in pixels of the image, from those in pixels of the input."""
        return np.asarray((boxes - (self.left, self.top, self.left, self.top)) / self.scale)
