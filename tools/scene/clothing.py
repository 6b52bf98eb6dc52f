"""Cloth: what is wrapped around a body, as small pictures of a full turn.

A wrap has ROWS rows from the shoulders (``TOP`` heights above the ground) to below the knees (``BOTTOM``) and
COLUMNS columns around the body: the front is at column 0, the person's right a quarter of the columns on.
Colours are BGR, as everywhere where pictures are drawn.
"""

from __future__ import annotations

import cv2
import numpy as np

from .paint import Colour, Picture, colour_of

ROWS, COLUMNS = 96, 160
TOP, BOTTOM = 0.84, 0.24

CLOTH: tuple[Colour, ...] = (
    (62, 42, 30), (36, 34, 34), (58, 58, 62), (128, 126, 124), (226, 228, 230), (178, 198, 212), (60, 88, 92),
    (48, 36, 110), (52, 48, 168), (60, 152, 196), (196, 164, 120), (138, 116, 42), (176, 152, 206),
    (52, 78, 118), (150, 96, 52), (72, 112, 64), (116, 62, 96), (150, 190, 160), (80, 110, 200),
)  # fmt: skip
LEGWEAR: tuple[Colour, ...] = (
    (92, 66, 44), (124, 96, 70), (70, 48, 34), (34, 32, 32), (52, 52, 54), (112, 112, 112), (116, 148, 172),
    (64, 92, 98), (54, 68, 90), (196, 206, 212), (60, 44, 76),
)  # fmt: skip
LEATHER: tuple[Colour, ...] = (
    (28, 28, 30),
    (40, 60, 92),
    (70, 52, 40),
    (200, 205, 210),
    (52, 44, 130),
    (70, 90, 60),
)
PATTERNS = (
    "plain",
    "plain",
    "plain",
    "bands",
    "pinstripe",
    "check",
    "logo",
    "print",
    "block",
    "dots",
    "vest",
)


def row_of(height: float) -> int:
    """The row of a wrap at a height above the ground, in body heights."""
    return int(np.clip(round((TOP - height) / (TOP - BOTTOM) * ROWS), 0, ROWS))


def pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of the colours, a little dyed so that no two are the same."""
    colour = np.array(colours[int(rng.integers(len(colours)))], dtype=np.float64)
    shade = colour * rng.uniform(0.85, 1.15) + rng.normal(0, 5, 3)
    return colour_of(shade)


def contrasting(rng: np.random.Generator, colour: Colour) -> Colour:
    """A cloth colour that is easy to tell from the given one."""
    others = sorted(CLOTH, key=lambda other: -float(np.abs(np.subtract(other, colour)).sum()))
    return others[int(rng.integers(6))]


def mean_colour(wrap: Picture, top: float, bottom: float) -> Colour:
    """The mean colour of a wrap between two heights."""
    return colour_of(wrap[row_of(top) : row_of(bottom)].mean(axis=(0, 1)))


def woven(rng: np.random.Generator, colour: Colour, pattern: str) -> Picture:
    """A wrap of one cloth with a pattern."""
    wrap = np.empty((ROWS, COLUMNS, 3), dtype=np.uint8)
    wrap[:] = colour
    other = contrasting(rng, colour)
    if pattern == "bands":
        period = int(rng.choice([6, 8, 12]))
        wrap[np.arange(ROWS) % period < period // 2] = other
    elif pattern == "pinstripe":
        wrap[:, np.arange(COLUMNS) % 8 < 2] = other
    elif pattern == "check":
        period = int(rng.choice([10, 16]))
        along = (np.arange(ROWS) % period < period // 2)[:, None]
        across = (np.arange(COLUMNS) % period < period // 2)[None]
        blend = (0.5 * along + 0.5 * across)[..., None]
        wrap[:] = np.array(colour) * (1 - blend) + np.array(other) * blend
    elif pattern == "dots":
        for row in range(3, ROWS, 9):
            for column in range(4 + 4 * (row // 9 % 2), COLUMNS, 10):
                cv2.circle(wrap, (column, row), 2, other, -1)
    elif pattern == "block":
        wrap[: row_of(float(rng.choice([0.74, 0.68])))] = other
    elif pattern == "logo":
        _on_front(wrap, row_of(0.72), 9, int(rng.integers(3)), other)
    elif pattern == "print":
        _on_front(wrap, row_of(0.70), 17, int(rng.integers(3)), other)
        cv2.rectangle(wrap, (COLUMNS // 2 - 14, row_of(0.77)), (COLUMNS // 2 + 14, row_of(0.74)), other, -1)
    elif pattern == "vest":
        front = np.minimum(np.arange(COLUMNS), COLUMNS - np.arange(COLUMNS)) < 12
        wrap[:, front] = other
    return wrap


def add_folds(rng: np.random.Generator, wrap: Picture) -> None:
    """Let light and dark folds run down the cloth."""
    coarse = rng.normal(0, 1, (8, 20)).astype(np.float32)
    folds = cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    wrap[:] = np.clip(wrap * (1 + 0.06 * folds[..., None]), 0, 255)


def add_opening(wrap: Picture, bottom: float, colour: Colour) -> None:
    """The line where a jacket or coat is closed, down to a height."""
    wrap[: row_of(bottom), :2] = colour
    wrap[: row_of(bottom), -1:] = colour


def add_strap(wrap: Picture, colour: Colour, *, both_sides: bool) -> None:
    """The strap of a shoulder bag, or the two of a backpack."""
    if both_sides:
        for column in (COLUMNS // 9, COLUMNS - COLUMNS // 9):
            wrap[: row_of(0.66), column - 3 : column + 3] = colour
        return
    low, quarter = row_of(0.56), COLUMNS // 4
    for start, end in ((-quarter // 2, quarter), (COLUMNS // 2 + quarter // 2, quarter)):
        layer = np.roll(wrap, COLUMNS // 2, axis=1)
        shift = COLUMNS // 2
        cv2.line(layer, ((start + shift) % COLUMNS, 0), ((end + shift) % COLUMNS, low), colour, 4)
        wrap[:] = np.roll(layer, -shift, axis=1)


def _on_front(wrap: Picture, row: int, size: int, shape: int, colour: Colour) -> None:
    layer = np.roll(wrap, COLUMNS // 2, axis=1)
    middle = (COLUMNS // 2, row)
    if shape == 0:
        cv2.circle(layer, middle, size, colour, -1)
    elif shape == 1:
        corner = (middle[0] - size, middle[1] - size // 2)
        cv2.rectangle(layer, corner, (middle[0] + size, middle[1] + size // 2), colour, -1)
    else:
        points = np.array([(-size, size), (size, size), (0, -size)]) + middle
        cv2.fillPoly(layer, [points.astype(np.int32)], colour)
    wrap[:] = np.roll(layer, -(COLUMNS // 2), axis=1)
