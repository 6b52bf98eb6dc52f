"""Pictures that stand inside the page."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.drawing import Image, Painter
from tracker.tracks import Tracks

_THUMBNAIL = (168, 112)  # largest width and height
_SCENE = 280  # the longer side
_SURROUNDINGS = 1.7  # side of a scene in heights of the box
_QUALITY = 80


def thumbnail(image: Image, box: NDArray[np.float64]) -> bytes | None:
    """What is inside a box, small, as JPEG; None if the box lies outside the image."""
    left, top, right, bottom = _pixels(image, box)
    if right <= left or bottom <= top:
        return None
    return _jpeg(_shrunk(image[top:bottom, left:right], *_THUMBNAIL))


def scene(image: Image, box: NDArray[np.float64], frame: int, tracks: Tracks) -> bytes | None:
    """A box with its surroundings, and tracks drawn in, as JPEG; None if the box lies outside the image."""
    left, top, right, bottom = _pixels(image, box)
    if right <= left or bottom <= top:
        return None
    left, top, right, bottom = _pixels(image, _surroundings(image, box))
    scale = _SCENE / max(bottom - top, right - left)
    # Enlarged too: the letters are drawn afterwards and shall be sharp.
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = cv2.resize(image[top:bottom, left:right], None, fx=scale, fy=scale, interpolation=interpolation)
    near = (tracks.boxes[:, :2] < (right, bottom)).all(axis=1)
    near &= (tracks.boxes[:, 2:] > (left, top)).all(axis=1)
    some = tracks[near]
    moved = replace(some, boxes=(some.boxes - (left, top, left, top)) * scale)
    return _jpeg(Painter().paint(np.asarray(part, dtype=np.uint8), frame, moved))


def as_uri(jpeg: bytes) -> str:
    """A picture as an address that holds all of it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _surroundings(image: Image, box: NDArray[np.float64]) -> NDArray[np.float64]:
    """A square about a box, moved to where the image is, as far as it fits."""
    height, width = image.shape[:2]
    side = _SURROUNDINGS * max(box[3] - box[1], box[2] - box[0])
    corner = np.clip((box[:2] + box[2:] - side) / 2, 0, np.maximum((width - side, height - side), 0))
    return np.concatenate((corner, corner + side))


def _pixels(image: Image, box: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The edges of a box in whole pixels, inside the image."""
    height, width = image.shape[:2]
    edges = np.clip(box, 0, (width, height, width, height)).round().astype(int)
    left, top, right, bottom = edges.tolist()
    return left, top, right, bottom


def _shrunk(image: Image, width: int, height: int) -> Image:
    scale = min(1.0, width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _jpeg(image: Image) -> bytes:
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY)
    )
    return data.tobytes()
