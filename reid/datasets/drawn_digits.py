"""Digits drawn with OpenCV's fonts: a stand-in of MNIST's size and shape where the real one is not needed."""

from __future__ import annotations

import cv2
import numpy as np

from reid.datasets.mnist import SIDE, Digits

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)


def drawn_digits(count: int, seed: int = 0) -> Digits:
    """White digits on black, of many fonts, sizes, weights and slants, each pixel 0 or 1.

    Args:
        count: how many.
        seed: of everything about them.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = np.stack([_draw(str(label), rng) for label in labels])
    return Digits(images[:, None], labels)


def _draw(text: str, rng: np.random.Generator) -> np.ndarray:
    font, size, weight = _FONTS[rng.integers(len(_FONTS))], rng.uniform(0.65, 0.85), int(rng.integers(1, 3))
    (width, height), _ = cv2.getTextSize(text, font, size, weight)
    canvas = np.zeros((SIDE, SIDE), dtype=np.uint8)
    origin = ((SIDE - width) // 2, (SIDE + height) // 2)
    cv2.putText(canvas, text, origin, font, size, 255, weight, cv2.LINE_AA)
    slant, turn = rng.uniform(-0.25, 0.25), rng.uniform(-0.15, 0.15)
    linear = np.array([[np.cos(turn), -slant - np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.full(2, 0.5 * (SIDE - 1))
    shift = middle - linear @ middle + rng.uniform(-1.0, 1.0, 2)
    moved = cv2.warpAffine(canvas, np.column_stack([linear, shift]), (SIDE, SIDE))
    return (moved > 127).astype(np.float32)
