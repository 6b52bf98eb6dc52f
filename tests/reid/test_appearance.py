from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest

from reid.appearance import STATISTICS, appearance_statistics


def by_hand(crop: np.ndarray) -> list[float]:
    """Pixel by pixel, for a 64×64 crop whose colours are far from the bins' borders."""
    out = []
    for stripe in range(8):
        colours, values = [0] * 32, [0] * 8
        for r, g, b in crop[stripe * 8 : stripe * 8 + 8, 16:48].reshape(-1, 3) / 255:
            hue, saturation, value = colorsys.rgb_to_hsv(r, g, b)
            colours[min(int(hue * 8), 7) * 4 + min(int(saturation * 4), 3)] += 1
            values[min(int(value * 8), 7)] += 1
        out += [math.sqrt(count / 256) for count in colours + values]
    return out


def test_statistics_are_those_counted_by_hand() -> None:
    rng = np.random.default_rng(0)
    palette = []
    while len(palette) < 40:
        colour = rng.integers(0, 256, 3)
        hue, saturation, value = colorsys.rgb_to_hsv(*(colour / 255))
        # OpenCV's integers round, so a colour on a border may fall on either side of it.
        if all(0.1 < (x * bins) % 1 < 0.9 for x, bins in ((hue, 8), (saturation, 4), (value, 8))):
            palette.append(colour)
    crops = np.array(palette, dtype=np.uint8)[rng.integers(0, 40, (2, 64, 64))]
    np.testing.assert_allclose(appearance_statistics(crops), [by_hand(crop) for crop in crops], atol=1e-6)


@pytest.mark.parametrize("shape", [(128, 64), (64, 64), (60, 30), (8, 4)])
def test_every_histogram_adds_up_to_one(shape: tuple[int, int]) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (70, *shape, 3)).astype(np.uint8)
    statistics = appearance_statistics(crops)
    assert statistics.shape == (70, STATISTICS)
    assert statistics.dtype == np.float32
    squares = (statistics**2).reshape(70, 8, 40)
    np.testing.assert_allclose(squares[..., :32].sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(squares[..., 32:].sum(axis=2), 1, rtol=1e-5)


def test_the_background_at_the_sides_does_not_count() -> None:
    crops = np.random.default_rng(2).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    other = crops.copy()
    other[:, :, :16] = 0
    other[:, :, 48:] = 255
    np.testing.assert_array_equal(appearance_statistics(crops), appearance_statistics(other))


def test_crops_do_not_influence_each_other() -> None:
    crops = np.random.default_rng(3).integers(0, 256, (130, 32, 16, 3)).astype(np.uint8)
    alone = np.concatenate([appearance_statistics(crop[None]) for crop in crops])
    np.testing.assert_array_equal(appearance_statistics(crops), alone)
    assert appearance_statistics(crops[:0]).shape == (0, STATISTICS)


def test_too_small_crops_are_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        appearance_statistics(np.zeros((1, 7, 64, 3), np.uint8))
