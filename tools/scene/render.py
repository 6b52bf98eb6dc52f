"""From outlines to pictures: shadows, people behind and before things, light, lens and sensor."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from . import figure, street
from .camera import Camera
from .config import SceneConfig
from .furniture import Obstacle
from .paint import BITS, Array, Picture, fixed, picture, smear
from .people import FOOT, FOREARM, HEAD, SHIN, THIGH, UPPER_ARM, Person
from .silhouette import Outlines

_SHUTTER = 0.35  # share of a frame's time in which the shutter is open


class Painter:
    """Paints the frames of one scene, one after the other."""

    def __init__(self, config: SceneConfig, camera: Camera, furniture: list[Obstacle]) -> None:
        self._config, self._camera, self._furniture = config, camera, furniture
        self._street = street.paint_street(config.random("street"), camera, furniture)
        self._rng = config.random("sensor")
        self._weather = config.random("weather").uniform(0, 2 * np.pi, 3)
        size = (config.height + 64, config.width + 64, 3)
        self._grain = np.round(self._rng.normal(0, config.noise, size)).astype(np.int16)

    def paint(self, frame: int, people: Sequence[Person], seen: Outlines, motion: Array) -> Picture:
        """The picture (H, W, 3), BGR, of a frame counted from 0.

        Args:
            frame: Which one.
            people: Who is there.
            seen: Their outlines.
            motion: (N,) how many pixels each moves sideways in a frame.
        """
        canvas = self._street.copy()
        corner = self._camera.path[frame]
        low, high = corner - 2, corner + self._camera.window + 2
        boxes = seen.boxes
        inside = ((boxes[:, :2] < high) & (boxes[:, 2:] > low)).all(axis=1)
        touched = self._cast_shadows(canvas, seen)
        touched = np.concatenate(
            [np.minimum(touched[:, :2], boxes[:, :2]), np.maximum(touched[:, 2:], boxes[:, 2:])], 1
        )
        light = street.shade_at(seen.depth, self._camera.spread)
        depths = np.concatenate([seen.depth, [thing.z for thing in self._furniture]])
        for index in np.argsort(-depths, kind="stable").tolist():
            if index >= len(people):
                self._restore(canvas, self._furniture[index - len(people)], touched, seen.depth)
            elif inside[index]:
                sprite = figure.draw(people[index], seen, index).lit(float(light[index]))
                sprite.smeared(float(motion[index]) * _SHUTTER).onto(canvas)
        return self._expose(frame, canvas)

    def _cast_shadows(self, canvas: Picture, seen: Outlines) -> Array:
        """Darken the ground beside everybody; the boxes of the shadows."""
        hips, necks = (
            seen.ends[:, THIGH : THIGH + 2, 0].mean(1),
            seen.ends[:, UPPER_ARM : UPPER_ARM + 2, 0].mean(1),
        )
        limbs = [part + side for part in (THIGH, SHIN, UPPER_ARM, FOREARM, FOOT) for side in (0, 1)]
        ends = np.concatenate(
            [seen.ends[:, [*limbs, HEAD]], np.stack([hips, necks], axis=1)[:, None]], axis=1
        )
        laid = ends.copy()
        laid[..., 0] += street.SUN[0] * ends[..., 1]
        laid[..., 2] += street.SUN[1] * ends[..., 1]
        laid[..., 1] = 0.0
        points, scale = self._camera.project(laid)
        tall = seen.ends[:, HEAD, 1, 1][:, None]
        # A shadow that lies across the line of sight is foreshortened.
        flat = np.clip(2.2 * self._camera.above / seen.depth, 0.3, 0.8)[:, None]
        widths = np.repeat((0.11, 0.08, 0.06, 0.05, 0.07, 0.10, 0.20), (2, 2, 2, 2, 2, 1, 1))
        thick = widths * flat * tall * scale.mean(-1)
        mask = np.zeros((self._camera.height // 2, self._camera.width // 2), dtype=np.uint8)
        # On a sheet of half the size.
        lines, pens = fixed(points / 2), np.maximum(np.round(thick / 2), 1).astype(int)
        for body, strokes in zip(lines.tolist(), pens.tolist(), strict=True):
            for (start, end), width in zip(body, strokes, strict=True):
                cv2.line(mask, start, end, 255, width, shift=BITS)
        soft = cv2.resize(
            cv2.GaussianBlur(mask, (0, 0), 0.8), canvas.shape[1::-1], interpolation=cv2.INTER_LINEAR
        )
        corners = points.reshape(len(points), 2 * thick.shape[1], 2)
        reach = thick.max(axis=1, initial=0.0)[:, None] + 4
        boxes = np.concatenate([corners.min(axis=1) - reach, corners.max(axis=1) + reach], axis=1)
        street.darken(canvas, picture(soft))
        return boxes

    def _restore(self, canvas: Picture, thing: Obstacle, touched: Array, depth: Array) -> None:
        """Put a thing before the people behind it; it is on the canvas already where nobody is."""
        left, top, right, bottom = thing.sprite.box
        behind = touched[depth > thing.z]
        low = np.maximum(np.floor(behind[:, :2]) - 2, (max(left, 0), max(top, 0)))
        high = np.minimum(np.ceil(behind[:, 2:]) + 2, (right, bottom))
        meets = (low < high).all(axis=1)
        if meets.any():
            (x0, y0), (x1, y1) = low[meets].min(axis=0).astype(int), high[meets].max(axis=0).astype(int)
            thing.sprite.moved(-x0, -y0).onto(canvas[y0:y1, x0:x1])

    def _expose(self, frame: int, canvas: Picture) -> Picture:
        """What the sensor makes of the part of the canvas that the camera looks at."""
        width, height = self._camera.window
        corner = self._camera.path[frame]
        if self._config.camera == "static":
            left, top = corner.astype(int)
            seen = canvas[top : top + height, left : left + width]
        else:
            centre_x, centre_y = corner[0] + (width - 1) / 2, corner[1] + (height - 1) / 2
            seen = picture(cv2.getRectSubPix(canvas, (width, height), (float(centre_x), float(centre_y))))
            before = self._camera.path[max(frame - 1, 0)]
            seen = smear(seen, float(corner[0] - before[0]) * _SHUTTER)
        y, x = self._rng.integers(0, 65, 2)
        noise = self._grain[y : y + height, x : x + width]
        return picture(cv2.add(cv2.LUT(seen, self._light(frame)), noise, dtype=cv2.CV_8U))

    def _light(self, frame: int) -> Picture:
        """Clouds pass: a table (1, 256, 3) that makes grey levels darker, lighter, cooler or warmer."""
        seconds = frame / self._config.frame_rate
        slow = np.sin(2 * np.pi * seconds / np.array([23.0, 9.0, 31.0]) + self._weather)
        gain = 1.0 + 0.10 * slow[0] + 0.03 * slow[1]
        warmth = 0.03 * slow[2]
        level = np.arange(256)[:, None] / 255 * gain * np.array([1 - warmth, 1.0, 1 + warmth])
        return picture(np.clip(np.round(255 * level), 0, 255)[None])
