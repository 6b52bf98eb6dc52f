"""The street itself: paving, road, houses and sky, with the shadows of what stands there."""

from __future__ import annotations

import cv2
import numpy as np

from .camera import Camera
from .furniture import Obstacle
from .paint import Array, Colour, Picture, picture, tint

KERB, FAR_KERB, HOUSES = 22.0, 29.5, 33.5  # metres from the camera, for a scene of spread 1
SUN = (0.62, -0.34)  # how far a shadow reaches along X and Z for each metre of height
_SHADE = 0.62  # light in a shadow

_PLASTER: tuple[Colour, ...] = (
    (150, 176, 196), (128, 150, 190), (168, 178, 182), (132, 168, 188), (120, 132, 168), (158, 168, 156),
    (176, 190, 204),
)  # fmt: skip


def shade_at(z: Array, spread: float) -> Array:
    """The light on the ground at a depth: the houses' shadow lies over the far pavement."""
    edge = (HOUSES - 5.0) * spread
    return np.asarray(1.0 - 0.30 / (1.0 + np.exp(-(z - edge) / (0.25 * spread))))


def paint_street(rng: np.random.Generator, camera: Camera, furniture: list[Obstacle]) -> Picture:
    """The canvas without people."""
    canvas = _ground(rng, camera)
    _houses(rng, camera, canvas)
    shadows = np.zeros(canvas.shape[:2], dtype=np.uint8)
    for thing in furniture:
        _cast_shadow(thing, camera, shadows)
    darken(canvas, picture(cv2.GaussianBlur(shadows, (0, 0), 1.5)))
    for thing in furniture:
        thing.sprite.onto(canvas)
    return canvas


def darken(canvas: Picture, shadow: Picture) -> None:
    """Lay a shadow (0: none, 255: full) over the canvas."""
    light = cv2.convertScaleAbs(shadow, alpha=1 - _SHADE)
    cv2.multiply(canvas, cv2.merge([cv2.bitwise_not(light)] * 3), dst=canvas, scale=1 / 255)


def _ground(rng: np.random.Generator, camera: Camera) -> Picture:
    fine = 2
    rows = (np.arange(camera.height * fine) + 0.5) / fine
    columns = (np.arange(camera.width * fine) + 0.5) / fine
    below = rows > camera.horizon + 2
    z = camera.focal * camera.above / (rows[below] - camera.horizon)
    x = (columns[None] - camera.centre) * (z / camera.focal)[:, None]
    depth = np.broadcast_to((z / camera.spread)[:, None], x.shape)
    z = np.broadcast_to(z[:, None], x.shape)
    pixel = z / camera.focal  # metres a pixel covers
    grain = rng.normal(0, 1, (512, 512))
    # Wrapped around before it is enlarged, so that the pattern can be repeated without a seam.
    coarse = np.pad(rng.normal(0, 1, (64, 64)), 8, mode="wrap")
    large = cv2.resize(coarse, (640, 640), interpolation=cv2.INTER_CUBIC)
    blotch = np.asarray(large[64:-64, 64:-64], dtype=np.float64)

    def rough(noise: Array, size: float) -> Array:
        near = noise[np.floor(z / size).astype(int) % 512, np.floor(x / size).astype(int) % 512]
        return np.asarray(near * np.clip(size / pixel, 0, 1))

    slabs = _slabs(rng, x, z, pixel, 0.75)
    pavement = np.array((152, 160, 166)) * slabs[..., None]
    asphalt = np.broadcast_to(np.array((98, 98, 98), dtype=np.float64), pavement.shape)
    dashes = (np.abs(depth - 26.0) < 0.08) & (np.mod(x, 4.0) < 2.2)
    asphalt = np.where(dashes[..., None], 190.0, asphalt)
    road = (depth > KERB) & (depth < FAR_KERB)
    colour = np.where(road[..., None], asphalt, pavement)
    kerb = (np.abs(depth - KERB) < 0.12) | (np.abs(depth - FAR_KERB) < 0.16)
    colour = np.where(kerb[..., None], np.array((178, 182, 184)), colour)
    gutter = (np.abs(depth - KERB - 0.25) < 0.12) | (np.abs(depth - FAR_KERB + 0.3) < 0.12)
    colour = np.where(gutter[..., None], np.array((72, 74, 76)), colour)
    texture = 1 + 0.035 * rough(grain, 0.03) + 0.05 * rough(blotch, 0.02) + 0.06 * rough(blotch, 0.08)
    colour = colour * (texture * shade_at(z, camera.spread))[..., None]
    ground = np.full((len(rows), len(columns), 3), 180, dtype=np.uint8)
    ground[below] = np.clip(colour, 0, 255)
    return picture(cv2.resize(ground, (camera.width, camera.height), interpolation=cv2.INTER_AREA))


def _slabs(rng: np.random.Generator, x: Array, z: Array, pixel: Array, size: float) -> Array:
    """Brightness of paving slabs with joints, laid in shifted rows."""
    row = np.floor(z / size).astype(np.int64)
    along = x / size + 0.5 * (row % 2)
    column = np.floor(along).astype(np.int64)
    tone = rng.normal(1.0, 0.04, (256, 256))[row % 256, column % 256]
    joint = 0.02
    gap_x = np.minimum(along - column, 1 - along + column) * size
    gap_z = np.minimum(z / size - row, 1 - z / size + row) * size
    # Far away a joint is thinner than a pixel, and paler.
    deep = pixel * z / 2.8
    in_x = np.clip((joint - gap_x) / pixel + 0.5, 0, 1) * np.clip(joint / pixel, 0, 1)
    in_z = np.clip((joint - gap_z) / deep + 0.5, 0, 1) * np.clip(joint / deep, 0, 1)
    return np.asarray(tone * (1 - 0.28 * np.maximum(in_x, in_z)))


def _houses(rng: np.random.Generator, camera: Camera, canvas: Picture) -> None:
    """A row of house fronts behind the far pavement, and sky above them."""
    z = HOUSES * camera.spread
    scale = camera.focal / z
    foot = camera.horizon + camera.above * scale
    sky_rows = round(foot)
    ramp = np.linspace(0, 1, sky_rows)[:, None, None]
    canvas[:sky_rows] = np.array((226, 206, 182)) * (1 - ramp) + np.array((232, 226, 218)) * ramp
    x, end = -float(camera.edge(z)) - rng.uniform(0, 4), float(camera.edge(z))
    while x < end:
        wide = float(rng.uniform(7.0, 12.0))
        tall = float(rng.choice([7.4, 8.2, 9.6, 13.0, 14.5]))
        sheet = _House(rng, wide, tall, scale).paint()
        left, top = round(camera.centre + x * scale), round(foot) - sheet.shape[0]
        rows, columns = slice(max(top, 0), round(foot)), slice(max(left, 0), max(left + sheet.shape[1], 0))
        part = canvas[rows, columns]
        part[:] = sheet[max(-top, 0) :, max(-left, 0) :][:, : part.shape[1]]
        x += sheet.shape[1] / scale


class _House:
    """The front of a house: shops below, windows above."""

    def __init__(self, rng: np.random.Generator, wide: float, tall: float, scale: float) -> None:
        self._rng, self._wide, self._tall, self._scale = rng, wide, tall, scale
        self._fine = 3
        size = (round(tall * scale) * self._fine, round(wide * scale) * self._fine)
        self._paper: Picture = np.zeros((*size, 3), dtype=np.uint8)

    def _box(self, left: float, low: float, right: float, high: float, colour: Colour) -> None:
        unit = self._scale * self._fine
        top_left = round(left * unit), round((self._tall - high) * unit)
        cv2.rectangle(
            self._paper, top_left, (round(right * unit), round((self._tall - low) * unit)), colour, -1
        )

    def paint(self) -> Picture:
        rng = self._rng
        wall = _PLASTER[int(rng.integers(len(_PLASTER)))]
        wall = tint(wall, float(rng.uniform(0.6, 0.85)))
        self._box(0, 0, self._wide, self._tall, wall)
        rough = cv2.resize(
            rng.normal(0, 1, (40, 60)), self._paper.shape[1::-1], interpolation=cv2.INTER_LINEAR
        )
        self._paper[:] = np.clip(self._paper * (1 + 0.03 * rough[..., None]), 0, 255)
        self._shops(wall)
        floor = 3.6
        while floor + 2.2 < self._tall:
            self._windows(floor, wall)
            floor += 2.9
        self._box(0, self._tall - 0.35, self._wide, self._tall, tint(wall, 0.7))
        self._box(self._wide - 0.12, 0, self._wide, self._tall, tint(wall, 0.6))
        size = self._paper.shape[1] // self._fine, self._paper.shape[0] // self._fine
        return picture(cv2.resize(self._paper, size, interpolation=cv2.INTER_AREA))

    def _shops(self, wall: Colour) -> None:
        rng = self._rng
        sign = tint((int(rng.integers(40, 150)), int(rng.integers(40, 120)), int(rng.integers(40, 150))), 0.9)
        self._box(0, 0, self._wide, 3.3, tint(wall, 0.72))
        self._box(0.3, 2.55, self._wide - 0.3, 3.05, sign)
        letter = 0.9
        while letter < self._wide - 1.2:
            self._box(letter, 2.68, letter + 0.16, 2.92, (196, 206, 210))
            letter += 0.26 if rng.random() < 0.85 else 0.6
        x = 0.5
        while x + 1.2 < self._wide:
            wide = float(rng.choice([1.0, 1.9, 2.4]))
            wide = min(wide, self._wide - x - 0.3)
            glass = tint((104, 96, 84), float(rng.uniform(0.55, 0.95)))
            low = 0.05 if wide <= 1.0 else 0.5
            self._box(x - 0.06, low - 0.05, x + wide + 0.06, 2.42, tint(wall, 0.5))
            self._box(x, low, x + wide, 2.36, glass)
            self._box(x, 1.2, x + wide * 0.4, 2.36, tint(glass, 1.25))
            for _ in range(int(wide * 2)):
                at = float(rng.uniform(x, x + wide - 0.2))
                goods = tint((90, 110, 150), float(rng.uniform(0.5, 1.3)))
                self._box(at, low, at + 0.18, low + float(rng.uniform(0.2, 0.7)), goods)
            x += wide + 0.35

    def _windows(self, floor: float, wall: Colour) -> None:
        count = max(2, round(self._wide / 2.3))
        for i in range(count):
            middle = self._wide * (i + 0.5) / count
            self._box(middle - 0.62, floor - 0.12, middle + 0.62, floor + 1.72, tint(wall, 1.18))
            glass = tint((112, 98, 82), float(self._rng.uniform(0.6, 1.1)))
            self._box(middle - 0.5, floor, middle + 0.5, floor + 1.6, glass)
            self._box(middle - 0.5, floor + 0.8, middle + 0.1, floor + 1.6, tint(glass, 1.2))
            self._box(middle - 0.03, floor, middle + 0.03, floor + 1.6, tint(wall, 1.1))
            self._box(middle - 0.5, floor + 1.05, middle + 0.5, floor + 1.11, tint(wall, 1.1))
        self._box(0, floor - 0.42, self._wide, floor - 0.30, tint(wall, 0.85))


def _cast_shadow(thing: Obstacle, camera: Camera, shadows: Picture) -> None:
    """Lay the sprite's outline down on the ground, away from the sun."""
    height, width = thing.sprite.opacity.shape
    scale = camera.focal / thing.z
    foot = camera.horizon + camera.above * scale
    rows = np.array([0.0, height])
    corners, ground = [], []
    for row in rows:
        up = (foot - (thing.sprite.top + row)) / scale
        for column in (0.0, float(width)):
            x = (thing.sprite.left + column - camera.centre) / scale
            corners.append((column, row))
            ground.append((x + SUN[0] * up, 0.0, thing.z + SUN[1] * up))
    target, _ = camera.project(np.array(ground))
    turn = cv2.getPerspectiveTransform(np.array(corners, np.float32), target.astype(np.float32))
    cast = cv2.warpPerspective(thing.sprite.opacity, turn, (camera.width, camera.height))
    np.maximum(shadows, cast, out=shadows)
