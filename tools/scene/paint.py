"""Colours, pictures, and small pictures with transparency that are laid over larger ones.

Colours are BGR, as OpenCV draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]


BITS = 4  # below the pixel, of OpenCV's fixed-point coordinates
# Half a turn around the start of a capsule, and half around its end.
_ARCS = np.linspace(0.5 * np.pi, 1.5 * np.pi, 7) + np.array([[0.0], [np.pi]])


def fixed(pixels: Array) -> NDArray[np.int32]:
    """Pixels for OpenCV's drawing, where the middle of a pixel is a whole number; here it is a half."""
    return np.round((pixels - 0.5) * (1 << BITS)).astype(np.int32)


def capsules_fixed(x: Array, y: Array, radius: Array) -> NDArray[np.int32]:
    """Convex outlines (..., P, 2), for OpenCV, of discs at two ends (..., 2) and all between."""
    # OpenCV fills the pixels on an outline as well, which makes shapes half a pixel larger.
    inner = np.maximum(radius - 0.5, 0.3)[..., None]
    along = np.arctan2(y[..., 1] - y[..., 0], x[..., 1] - x[..., 0])
    angle = along[..., None, None] + _ARCS
    corners = np.stack([x[..., None] + inner * np.cos(angle), y[..., None] + inner * np.sin(angle)], axis=-1)
    return fixed(corners).reshape(*x.shape[:-1], _ARCS.size, 2)


def picture(values: ArrayLike) -> Picture:
    """What OpenCV returned, known to be a picture."""
    return np.ascontiguousarray(values, dtype=np.uint8)


def smear(still: Picture, pixels: float) -> Picture:
    """The picture as seen by a shutter that is open while it moves sideways by so many pixels."""
    # Odd widths only: others shift the picture by half a pixel, and OpenCV 5.0 blurs 255 by 2 to 0.
    width = 2 * round(abs(pixels) / 2) + 1
    return still if width == 1 else picture(cv2.blur(still, (width, 1)))


def colour_of(values: ArrayLike) -> Colour:
    """The nearest colour that is neither quite black nor quite white."""
    blue, green, red = np.clip(np.asarray(values), 8, 245).astype(int).tolist()
    return blue, green, red


@lru_cache(maxsize=1 << 16)
def tint(colour: Colour, factor: float) -> Colour:
    """The colour, darker or lighter."""
    return colour_of(np.array(colour) * factor)


@dataclass(frozen=True, slots=True)
class Sprite:
    """A small picture with transparency, at a place on the canvas.

    Attributes:
        left: Column of its left edge.
        top: Row of its top edge.
        colour: (H, W, 3) BGR, already multiplied by the opacity.
        opacity: (H, W) 0 to 255.
    """

    left: int
    top: int
    colour: Picture
    opacity: Picture

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        height, width = self.opacity.shape
        return self.left, self.top, self.left + width, self.top + height

    def moved(self, right: int, down: int) -> Sprite:
        """The same sprite elsewhere."""
        return replace(self, left=self.left + right, top=self.top + down)

    def smeared(self, pixels: float) -> Sprite:
        """The sprite as seen by a shutter that is open while it moves sideways."""
        return replace(self, colour=smear(self.colour, pixels), opacity=smear(self.opacity, pixels))

    def onto(self, canvas: Picture) -> None:
        """Lay the sprite over the canvas; what lies outside is cut off."""
        height, width = self.opacity.shape
        top, left = max(0, -self.top), max(0, -self.left)
        bottom = min(height, canvas.shape[0] - self.top)
        right = min(width, canvas.shape[1] - self.left)
        if bottom <= top or right <= left:
            return
        rows, columns = slice(self.top + top, self.top + bottom), slice(self.left + left, self.left + right)
        through = cv2.bitwise_not(self.opacity[top:bottom, left:right])
        behind = cv2.multiply(canvas[rows, columns], cv2.merge([through] * 3), scale=1 / 255)
        canvas[rows, columns] = cv2.add(behind, self.colour[top:bottom, left:right])

    def lit(self, light: float) -> Sprite:
        """The sprite in more or less light."""
        return replace(self, colour=picture(cv2.convertScaleAbs(self.colour, alpha=light)))


def shrink(drawing: Picture, size: tuple[int, int], left: int, top: int) -> Sprite:
    """A sprite from a finer drawing whose fourth channel is 255 where something was drawn."""
    small = picture(cv2.resize(drawing, size, interpolation=cv2.INTER_AREA))
    return Sprite(left, top, picture(small[..., :3]), picture(small[..., 3]))
