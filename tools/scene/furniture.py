"""Things that stand in the street and hide people: how they look, where they are, what they block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .paint import BITS, Colour, Picture, Sprite, fixed, picture, shrink, tint

_FINENESS = 2


class Drawing:
    """A sheet on which a thing is drawn upright, in metres: x from its middle, y from the ground."""

    def __init__(self, width: float, height: float, scale: float) -> None:
        self.scale = scale * _FINENESS
        self.width, self.height = width, height
        size = (round(height * self.scale) + 2, round(width * self.scale) + 2, 4)
        self.paper: Picture = np.zeros(size, dtype=np.uint8)

    def _points(self, points: list[tuple[float, float]]) -> NDArray[np.int32]:
        metres = np.array(points)
        x = (metres[:, 0] + self.width / 2) * self.scale
        y = (self.height - metres[:, 1]) * self.scale
        return fixed(np.stack([x, y], axis=-1))

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.paper, [self._points(points)], (*colour, 255), shift=BITS)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def post(self, x: float, bottom: float, top: float, thick: float, colour: Colour) -> None:
        """A round post, lit from the left."""
        for share, light in ((1.0, 0.72), (0.75, 0.92), (0.4, 1.12)):
            shift = -0.5 * thick * (1 - share) * 0.8
            half = 0.5 * thick * share
            self.box(x + shift - half, bottom, x + shift + half, top, tint(colour, light))

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        centre = self._points([(x, y)])[0].tolist()
        cv2.circle(
            self.paper,
            (centre[0], centre[1]),
            round(radius * self.scale * (1 << BITS)),
            (*colour, 255),
            -1,
            shift=BITS,
        )

    def sprite(self, x: float, y: float) -> Sprite:
        """The drawing, with the middle of its foot at a point of the canvas."""
        metres = self.scale / _FINENESS
        left, top = x - self.width / 2 * metres, y - self.height * metres
        whole_left, whole_top = int(np.floor(left)), int(np.floor(top))
        size = self.paper.shape[1] // _FINENESS + 2, self.paper.shape[0] // _FINENESS + 2
        shift = np.array([[1.0, 0, (left - whole_left) * _FINENESS], [0, 1.0, (top - whole_top) * _FINENESS]])
        moved = cv2.warpAffine(self.paper, shift, (size[0] * _FINENESS, size[1] * _FINENESS))
        return shrink(picture(moved), size, whole_left, whole_top)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands on the ground.

    Attributes:
        x: Metres to the right.
        z: Metres from the camera.
        half_length: Half its extent along X, in metres, for people who walk around it.
        radius: Half its extent along Z.
        sprite: What it looks like on the canvas.
    """

    x: float
    z: float
    half_length: float
    radius: float
    sprite: Sprite

    def footprint(self) -> list[tuple[float, float]]:
        """Centres of the discs that cover its foot."""
        count = max(1, round(self.half_length / self.radius))
        reach = max(self.half_length - self.radius, 0.0)
        return [(self.x + float(dx), self.z) for dx in np.linspace(-reach, reach, count)]


def _lamp(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    sheet = Drawing(1.4, 5.2, scale)
    iron = (62, 66, 60)
    sheet.post(0, 0, 0.5, 0.24, iron)
    sheet.post(0, 0.5, 4.6, 0.12, iron)
    sheet.box(-0.5, 4.45, 0.5, 4.52, tint(iron, 0.9))
    for x in (-0.45, 0.45):
        sheet.polygon(
            [(x - 0.10, 4.15), (x + 0.10, 4.15), (x + 0.16, 4.45), (x - 0.16, 4.45)], (196, 214, 222)
        )
        sheet.box(x - 0.18, 4.43, x + 0.18, 4.50, iron)
    return sheet, 0.2, 0.2


def _tree(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    tall = rng.uniform(5.0, 6.2)
    sheet = Drawing(5.0, tall + 0.6, scale)
    bark = (62, 78, 96)
    sheet.polygon([(-0.20, 0.0), (0.20, 0.0), (0.11, 2.6), (-0.11, 2.6)], tint(bark, 0.8))
    sheet.polygon([(-0.18, 0.0), (0.04, 0.0), (0.02, 2.6), (-0.10, 2.6)], bark)
    for side in (-1, 1):
        sheet.polygon([(0, 2.1), (0.08, 2.2), (side * 1.1, 3.4), (side * 1.0, 3.4)], tint(bark, 0.85))
    green = np.array((54, 100, 82)) * rng.uniform(0.85, 1.1)
    count = 1000
    angle, far = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
    x = 1.9 * far * np.cos(angle) + rng.normal(0, 0.1, count)
    y = (tall + 2.7) / 2 + (tall - 2.7) / 2 * far * np.sin(angle)
    # Dark leaves first and below, bright ones last and where the light comes from.
    for i in np.argsort(rng.random(count) + 0.15 * (y - y.mean())):
        light = 0.75 + 0.12 * (y[i] - y.mean()) - 0.06 * x[i] + rng.normal(0, 0.12)
        colour = np.clip(green * np.clip(light, 0.45, 1.5), 0, 255).astype(int).tolist()
        sheet.disc(
            float(x[i]), float(y[i]), float(rng.uniform(0.06, 0.20)), (colour[0], colour[1], colour[2])
        )
    return sheet, 0.3, 0.3


def _bench(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    sheet = Drawing(1.9, 0.95, scale)
    wood, iron = (58, 92, 132), (48, 48, 48)
    for x in (-0.75, 0.75):
        sheet.box(x - 0.04, 0, x + 0.04, 0.85, iron)
    for y in (0.42, 0.58, 0.72):
        sheet.box(-0.9, y, 0.9, y + 0.11, tint(wood, 0.8 + 0.3 * y))
    sheet.box(-0.92, 0.36, 0.92, 0.44, tint(wood, 1.2))
    return sheet, 0.9, 0.3


def _bin(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    sheet = Drawing(0.7, 1.1, scale)
    sheet.post(0, 0.05, 0.95, 0.52, (66, 84, 60))
    sheet.box(-0.30, 0.92, 0.30, 1.02, (50, 58, 48))
    sheet.box(-0.16, 0.72, 0.16, 0.84, (26, 28, 26))
    return sheet, 0.3, 0.3


def _column(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    sheet = Drawing(1.7, 3.3, scale)
    sheet.post(0, 0.0, 0.35, 1.3, (104, 108, 112))
    sheet.post(0, 0.35, 2.75, 1.2, (150, 156, 160))
    for left, right, low, high in (
        (-0.55, -0.10, 0.55, 1.35),
        (-0.55, -0.10, 1.45, 2.6),
        (-0.05, 0.45, 0.5, 2.0),
    ):
        paper = (rng.uniform(110, 190) + rng.normal(0, 28, 3)).clip(20, 235).astype(int).tolist()
        sheet.box(left, low, right, high, (paper[0], paper[1], paper[2]))
        sheet.box(left + 0.06, high - 0.3, right - 0.06, high - 0.12, (48, 46, 52))
        sheet.box(left + 0.08, low + 0.1, right - 0.08, low + 0.35, (60, 60, 120))
    sheet.post(0, 2.75, 2.95, 1.45, (86, 96, 78))
    sheet.polygon([(-0.7, 2.95), (0.7, 2.95), (0.1, 3.25), (-0.1, 3.25)], (78, 88, 70))
    return sheet, 0.6, 0.6


def _kiosk(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    sheet = Drawing(3.4, 3.0, scale)
    paint = (78, 92, 58)
    sheet.box(-1.3, 0.0, 1.3, 2.5, paint)
    sheet.box(0.95, 0.0, 1.3, 2.5, tint(paint, 0.8))
    sheet.box(-1.3, 0.0, 1.3, 0.14, tint(paint, 0.6))
    sheet.box(-1.05, 1.05, 0.75, 2.0, (52, 46, 40))
    for column in range(8):
        for row in range(2):
            ink = rng.uniform(50, 220, 3).astype(int).tolist()
            x, y = -1.0 + 0.22 * column, 0.30 + 0.36 * row
            sheet.box(x, y, x + 0.17, y + 0.28, (ink[0], ink[1], ink[2]))
    for stripe in range(8):
        left = -1.5 + 0.375 * stripe
        colour = (206, 212, 216) if stripe % 2 else (58, 54, 148)
        sheet.polygon(
            [(left, 1.95), (left + 0.375, 1.95), (0.88 * (left + 0.375), 2.4), (0.88 * left, 2.4)], colour
        )
    sheet.box(-1.45, 2.5, 1.45, 2.68, tint(paint, 0.75))
    sheet.box(-0.9, 2.68, 0.9, 2.95, (200, 206, 210))
    sheet.box(-0.7, 2.75, 0.7, 2.88, (60, 50, 120))
    return sheet, 1.3, 0.8


def _car(rng: np.random.Generator, scale: float) -> tuple[Drawing, float, float]:
    sheet = Drawing(4.5, 1.6, scale)
    paints: tuple[Colour, ...] = (
        (126, 128, 130),
        (60, 48, 42),
        (46, 44, 118),
        (196, 200, 204),
        (110, 82, 48),
        (40, 40, 42),
    )
    paint = paints[int(rng.integers(len(paints)))]
    glass = (88, 80, 72)
    sheet.polygon([(-2.1, 0.3), (2.1, 0.3), (2.15, 0.75), (1.3, 0.92), (-2.0, 0.95), (-2.15, 0.7)], paint)
    sheet.polygon([(-1.7, 0.92), (1.25, 0.9), (0.55, 1.42), (-1.1, 1.46)], tint(paint, 0.95))
    sheet.polygon([(-1.5, 0.94), (-0.35, 0.94), (-0.35, 1.37), (-1.02, 1.38)], glass)
    sheet.polygon([(-0.25, 0.94), (1.05, 0.92), (0.48, 1.35), (-0.25, 1.37)], glass)
    sheet.polygon([(-1.4, 1.0), (-1.2, 1.0), (-0.75, 1.36), (-0.95, 1.36)], tint(glass, 1.5))
    sheet.box(-2.12, 0.62, 2.12, 0.66, tint(paint, 1.25))
    sheet.box(-2.1, 0.28, 2.1, 0.38, tint(paint, 0.55))
    sheet.box(-0.31, 0.4, -0.29, 0.93, tint(paint, 0.7))
    sheet.box(2.0, 0.62, 2.15, 0.74, (180, 214, 226))
    sheet.box(-2.15, 0.62, -2.02, 0.78, (40, 40, 160))
    for x in (-1.35, 1.35):
        sheet.disc(x, 0.34, 0.36, (28, 28, 28))
        sheet.disc(x, 0.32, 0.31, (38, 38, 38))
        sheet.disc(x, 0.32, 0.19, (140, 142, 144))
    return sheet, 2.1, 0.9


_Maker = Callable[[np.random.Generator, float], tuple[Drawing, float, float]]

# What stands where: the thing, across the canvas (-1 to 1), and metres from the camera.
_PLAN: tuple[tuple[_Maker, float, float], ...] = (
    (_lamp, -0.62, 8.6),
    (_column, 0.58, 13.2),
    (_kiosk, -0.30, 19.6),
    (_bench, 0.12, 16.0),
    (_bin, 0.30, 16.2),
    (_tree, -0.78, 15.0),
    (_lamp, 0.36, 18.0),
    (_tree, 0.88, 17.5),
    (_tree, 0.10, 21.0),
    (_lamp, -0.10, 21.0),
    (_bench, -0.62, 18.2),
    (_car, -0.66, 23.2),
    (_car, 0.42, 23.2),
    (_car, 0.74, 23.2),
)


def furnish(rng: np.random.Generator, camera: Camera) -> list[Obstacle]:
    """The furniture of a street, farthest first."""
    things = []
    mirrored = float(rng.choice([-1.0, 1.0]))
    for copy in range(round(camera.spread)):
        for make, across, depth in _PLAN:
            if rng.random() < 0.12:
                continue
            z = depth * camera.spread * (1 + 0.06 * copy) + rng.uniform(-0.3, 0.3)
            # Copies, in a larger street, stand between the others.
            share = np.mod(mirrored * across + 1 + 0.77 * copy + rng.uniform(-0.06, 0.06), 2.0) - 1
            x = float(share * camera.edge(z))
            feet, scale = camera.project(np.array([x, 0.0, z]))
            sheet, half_length, radius = make(rng, float(scale))
            sprite = sheet.sprite(float(feet[0]), float(feet[1]))
            things.append(Obstacle(x, z, half_length, radius, sprite))
    return sorted(things, key=lambda thing: -thing.z)
