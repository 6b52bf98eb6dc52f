"""A made-up scene: people walk to and fro behind a pillar. For quick runs and tests; it proves nothing.

It is written in MOTChallenge's layout, with images, ground truth, and detections of whoever can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.crops import Images
from reid.files import write_text, written_atomically
from reid.footage.sequence import write_description

_WIDTH, _HEIGHT, _FRAME_RATE = 480, 270, 25
_PILLAR = (205, 275)
_TALL, _WIDE = 96, 36

#: Pixels between two people, each of whom keeps to a lane of his own.
_LANES = (150, 162, 174)

#: A detector misses whom it sees less of.
_SEEN = 0.6

_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Walker:
    coat: _Colour
    trousers: _Colour
    hair: _Colour
    start: float
    speed: float
    top: int

    def box(self, frame: int) -> NDArray[np.float64]:
        left = self.start + self.speed * frame
        return np.array([left, self.top, left + _WIDE, self.top + _TALL])

    def visible(self, frame: int) -> float:
        """Share that neither the pillar nor the edge of the picture hides."""
        left, _, right, _ = self.box(frame)
        inside = max(0.0, min(right, _WIDTH) - max(left, 0.0))
        hidden = max(0.0, min(right, _PILLAR[1]) - max(left, _PILLAR[0]))
        return float(inside - hidden) / _WIDE


def make_crossing(folder: Path, frames: int = 110, seed: int = 0) -> Path:
    """Draw the scene and write it.

    Args:
        folder: what becomes the sequence; its name is the sequence's.
        frames: how many.
        seed: of clothes, texture and the detector's errors.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(seed)
    walkers = _walkers(rng)
    ground = _ground(rng)
    truth, found = [], []
    (folder / "img1").mkdir(parents=True, exist_ok=True)
    for frame in range(1, frames + 1):
        picture = ground.copy()
        for walker in walkers:
            _draw(picture, walker, frame)
        picture[:, slice(*_PILLAR)] = ground[:, slice(*_PILLAR)]
        with written_atomically(folder / "img1" / f"{frame:06d}.jpg") as path:
            cv2.imwrite(str(path), picture[..., ::-1])
        for number, walker in enumerate(walkers, start=1):
            share = walker.visible(frame)
            if share > 0.0:
                truth.append(f"{_row(frame, number, walker.box(frame))},1,1,{share:.2f}")
            if share >= _SEEN:
                box = walker.box(frame) + rng.normal(0.0, 0.8, 4)
                found.append(f"{_row(frame, -1, box)},{rng.uniform(0.7, 1.0):.2f}")
    for name, rows in (("gt/gt.txt", truth), ("det/det.txt", found)):
        write_text(folder / name, "\n".join(rows) + "\n")
    write_description(folder, folder.name, frames, _FRAME_RATE, (_WIDTH, _HEIGHT))
    return folder


def _walkers(rng: np.random.Generator) -> list[_Walker]:
    """Three people in different clothes, the nearest last."""
    coats = rng.permuted(np.array([(190, 40, 40), (40, 80, 190), (230, 200, 60)]), axis=0)
    walkers = []
    for place, (coat, top) in enumerate(zip(coats.tolist(), _LANES, strict=True)):
        forward = place % 2 == 0
        walkers.append(
            _Walker(
                coat=(coat[0], coat[1], coat[2]),
                trousers=_shade(rng, 20, 90),
                hair=_shade(rng, 10, 120),
                start=20.0 + 25.0 * place if forward else _WIDTH - 70.0,
                speed=3.4 if forward else -3.2,
                top=top,
            )
        )
    return walkers


def _shade(rng: np.random.Generator, low: int, high: int) -> _Colour:
    red, green, blue = rng.integers(low, high, 3).tolist()
    return red, green, blue


def _ground(rng: np.random.Generator) -> Images:
    """A pavement before a wall, and the pillar."""
    picture = np.empty((_HEIGHT, _WIDTH, 3))
    picture[:] = np.linspace(205.0, 120.0, _HEIGHT)[:, None, None]
    picture[: _HEIGHT // 3] = (170.0, 160.0, 150.0)
    picture[:, slice(*_PILLAR)] = (105.0, 110.0, 100.0)
    picture += cv2.GaussianBlur(rng.normal(0.0, 30.0, picture.shape), (0, 0), 1.5)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _draw(picture: Images, walker: _Walker, frame: int) -> None:
    left, top, *_ = walker.box(frame).round().astype(int).tolist()
    middle, hip, foot = left + _WIDE // 2, top + 54, top + _TALL - 2
    stride = round(11.0 * np.sin(0.45 * frame))
    for side in (-1, 1):
        cv2.line(picture, (middle, hip), (middle + side * stride, foot), walker.trousers, 9, cv2.LINE_AA)
        cv2.line(picture, (middle, top + 26), (middle - side * stride, top + 56), walker.coat, 6, cv2.LINE_AA)
    cv2.ellipse(picture, (middle, top + 38), (12, 20), 0, 0, 360, walker.coat, -1, cv2.LINE_AA)
    cv2.circle(picture, (middle, top + 11), 8, (205, 165, 135), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (middle, top + 8), (8, 6), 0, 180, 360, walker.hair, -1, cv2.LINE_AA)


def _row(frame: int, number: int, box: NDArray[np.float64]) -> str:
    left, top, right, bottom = box
    return f"{frame},{number},{left + 1:.2f},{top + 1:.2f},{right - left:.2f},{bottom - top:.2f}"
