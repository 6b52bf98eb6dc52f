"""What somebody looks like in a few hundred numbers, without learning: appearance statistics.

These are an observation for the model of `reid.models` to reconstruct, and the floor that every learnt
descriptor has to leave behind. All of this module works on numpy and OpenCV alone.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.crops import Images

STRIPES = 8
HUES, SATURATIONS, VALUES = 8, 4, 8
STATISTICS = STRIPES * (HUES * SATURATIONS + VALUES)

#: Share of the width that is left out on either side: there is the background of a squashed box, and
#: without it the same numbers find twice as many people again.
SIDE_MARGIN = 0.25

_CHUNK = 64


def appearance_statistics(crops: Images) -> NDArray[np.float32]:
    """Square roots of colour histograms of horizontal stripes, (N, 320).

    The middle half of each crop is cut into 8 stripes. Each has a joint histogram of 8 hues × 4 saturations
    and one of 8 values (brightnesses), each as shares that add up to 1. Square roots make the Euclidean
    distance that of Hellinger, in which a change of a rare colour counts more than one of a common one.

    Args:
        crops: (N, H, W, 3) uint8 RGB, at least 8 rows and 4 columns.
    """
    count, height, width, _ = crops.shape
    if height < STRIPES or width < 4:
        raise ValueError(f"crops of {width}×{height} pixels are too small; expected at least 4×{STRIPES}")
    margin = round(width * SIDE_MARGIN)
    stripe = np.arange(height) * STRIPES // height
    out = np.empty((count, STATISTICS), dtype=np.float32)
    # In pieces that stay in the processor's cache.
    for start in range(0, count, _CHUNK):
        middle = np.ascontiguousarray(crops[start : start + _CHUNK, :, margin : width - margin])
        out[start : start + _CHUNK] = _histograms(middle, stripe)
    return np.sqrt(out, out=out)


def _histograms(crops: Images, stripe: NDArray[np.intp]) -> NDArray[np.float64]:
    """Both histograms of every stripe, as shares, (N, 320): stripe by stripe, colours before values."""
    count, height, width, _ = crops.shape
    hsv = cv2.cvtColor(crops.reshape(count * height, width, 3), cv2.COLOR_RGB2HSV)
    # One table look-up gives each channel's bin; the colour bin is the sum of two of them.
    bins = cv2.LUT(hsv, _BINS).reshape(count, height * width, 3)
    cells = np.arange(count)[:, None] * STRIPES + np.repeat(stripe, width)
    pixels = np.bincount(stripe, minlength=STRIPES)[:, None] * width
    parts = []
    for bin_of, bins_in_all in ((bins[..., 0] + bins[..., 1], HUES * SATURATIONS), (bins[..., 2], VALUES)):
        counts = np.bincount((cells * bins_in_all + bin_of).ravel(), minlength=count * STRIPES * bins_in_all)
        parts.append(counts.reshape(count, STRIPES, bins_in_all) / pixels)
    return np.concatenate(parts, axis=2).reshape(count, STATISTICS)


def _bin_table() -> NDArray[np.uint8]:
    """(1, 256, 3): bin of each hue (OpenCV has 180 of them) times 4, of each saturation, of each value."""
    levels = np.arange(256)
    hue = np.minimum(levels * HUES // 180, HUES - 1) * SATURATIONS
    return np.stack([hue, levels * SATURATIONS // 256, levels * VALUES // 256], axis=1)[None].astype(np.uint8)


_BINS = _bin_table()
