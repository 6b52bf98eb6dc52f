"""From the street, in metres, to the picture, in pixels.

The world has X to the right, Y up and Z away from the camera, which looks level with a shifted lens:
verticals stay vertical and the horizon is a row of the picture. Everything is drawn on a *canvas* that is
larger than the picture; a moving camera is a window that wanders over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import SceneConfig

Array = NDArray[np.float64]

HORIZON = 0.30  # of the picture's height, from the top
FOCAL_LENGTH = 1.7  # of the picture's height
HEIGHT = 2.8  # of the camera above the ground, in metres, for a scene of spread 1
ROOMY = 40  # people that a scene of spread 1 has room for


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera above the street.

    Attributes:
        width: Of the canvas.
        height: Of the canvas.
        centre: Column of the optical axis on the canvas.
        horizon: Row of the horizon on the canvas.
        focal: Focal length in pixels.
        above: Metres above the ground.
        spread: How many times larger than usual the street is, to have room for a crowd.
        window: Width and height of the picture.
        path: (frames, 2) left and top of the picture on the canvas.
    """

    width: int
    height: int
    centre: float
    horizon: float
    focal: float
    above: float
    spread: float
    window: tuple[int, int]
    path: Array

    @classmethod
    def of(cls, config: SceneConfig) -> Camera:
        """The camera of a scene, with its way over the canvas."""
        spread = max(1.0, float(np.sqrt(config.people / ROOMY)))
        pan, shake = (0.0, 0.0)
        if config.camera == "moving":
            pan, shake = 0.10 * config.width, 0.008 * config.height
        margin_x, margin_y = int(np.ceil(pan + 3 * shake)), int(np.ceil(3 * shake))
        path = _path(config, pan, shake) + np.array([margin_x, margin_y])
        return cls(
            width=config.width + 2 * margin_x,
            height=config.height + 2 * margin_y,
            centre=config.width / 2 + margin_x,
            horizon=HORIZON * config.height + margin_y,
            focal=FOCAL_LENGTH * config.height,
            above=HEIGHT * spread,
            spread=spread,
            window=(config.width, config.height),
            path=path,
        )

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (..., 3) to canvas points (..., 2) and pixels per metre there (...)."""
        scale = self.focal / np.maximum(points[..., 2], 0.5)
        x = self.centre + points[..., 0] * scale
        y = self.horizon + (self.above - points[..., 1]) * scale
        return np.stack([x, y], axis=-1), scale

    def edge(self, depth: Array | float) -> Array:
        """Half the width, in metres, of what the canvas shows at a depth."""
        return np.asarray(0.5 * self.width / self.focal * np.asarray(depth))


def _path(config: SceneConfig, pan: float, shake: float) -> Array:
    """Left and top of the picture for each frame, around 0."""
    if config.camera == "static":
        return np.zeros((config.frames, 2))
    rng = config.random("camera")
    seconds = np.arange(config.frames) / config.frame_rate
    start, period = rng.uniform(0, 2 * np.pi), rng.uniform(12, 18)
    path = np.zeros((config.frames, 2))
    path[:, 0] = pan * np.sin(2 * np.pi * seconds / period + start)
    # A hand shakes slowly and widely, and fast but little.
    for frequency, size in ((0.7, 0.6), (1.9, 0.3), (4.3, 0.12)):
        for axis in (0, 1):
            turn = rng.uniform(0, 2 * np.pi)
            path[:, axis] += shake * size * np.sin(2 * np.pi * frequency * seconds + turn)
    return path
