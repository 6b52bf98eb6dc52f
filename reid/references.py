"""Descriptors that learn next to nothing: the rows beside which every learnt one is shown.

Each is made by ``fit`` on the same unlabelled crops as the networks, and is called like any descriptor:
uint8 RGB crops (N, H, W, 3) in, float32 (N, D) out, centred on the mean of the crops it was fitted on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from reid.appearance import appearance_statistics
from reid.crops import Images

Vectors = NDArray[np.float32]


class CropDescriptor(Protocol):
    """What a descriptor is to evaluation: crops in, vectors out."""

    def __call__(self, crops: Images) -> Vectors:
        """Describe uint8 RGB crops (N, H, W, 3) by float32 vectors (N, D)."""


_SIDE = 64
#: Principal components come from at most this many crops: their Gram matrix is this large, squared.
_PCA_CROPS = 2000
#: A mean comes from at most this many.
_MEAN_CROPS = 20_000
_CHUNK = 1024


def pixels(crops: Images) -> Vectors:
    """The pixels of crops, made 64×64, from 0 to 1, (N, 12288)."""
    return _squashed(crops).reshape(len(crops), -1).astype(np.float32) / np.float32(255)


def observed_statistics(crops: Images) -> Vectors:
    """The stripe statistics of crops, made 64×64, with opponent colours, (N, 544)."""
    # The other references do without PyTorch, which takes seconds to import.
    import torch

    from reid.models.stripes import statistics_of_crops

    # A copy, because PyTorch warns of arrays that cannot be written.
    channels_first = torch.from_numpy(np.array(_squashed(crops))).permute(0, 3, 1, 2)
    return statistics_of_crops(channels_first, "opponent").numpy()


def _squashed(crops: Images) -> Images:
    if crops.shape[1:3] == (_SIDE, _SIDE):
        return crops
    resized = np.empty((len(crops), _SIDE, _SIDE, 3), dtype=np.uint8)
    for crop, small in zip(crops, resized, strict=True):
        cv2.resize(crop, (_SIDE, _SIDE), dst=small, interpolation=cv2.INTER_AREA)
    return resized


@dataclass(frozen=True, slots=True)
class LinearPixels:
    """A linear map of the centred pixels.

    Attributes:
        mean: (12288,) what is subtracted.
        axes: (12288, D) what it is multiplied with.
    """

    mean: Vectors
    axes: Vectors

    def __call__(self, crops: Images) -> Vectors:
        """Describe crops."""
        out = np.empty((len(crops), self.axes.shape[1]), dtype=np.float32)
        for start in range(0, len(crops), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            out[chunk] = (pixels(crops[chunk]) - self.mean) @ self.axes
        return out


def fit_principal_components(crops: Images, dimensions: int = 128, seed: int = 0) -> LinearPixels:
    """The leading principal components of the pixels."""
    sample = pixels(_sample(crops, _PCA_CROPS, seed))
    dimensions = min(dimensions, len(sample) - 1)
    mean = sample.mean(axis=0)
    sample -= mean
    # There are fewer crops than pixels: the Gram matrix has the same spectrum and is the smaller one.
    powers, weights = eigh(sample @ sample.T, subset_by_index=[len(sample) - dimensions, len(sample) - 1])
    # Crops that are there twice leave directions without any power, but for rounding.
    there = powers > np.finfo(np.float32).eps * powers[-1]
    axes = sample.T @ (weights[:, there][:, ::-1] / np.sqrt(powers[there][::-1]))
    return LinearPixels(mean, axes.astype(np.float32))


def fit_random_projection(crops: Images, dimensions: int = 128, seed: int = 0) -> LinearPixels:
    """A random projection of the pixels, which keeps distances roughly."""
    mean = pixels(_sample(crops, _PCA_CROPS, seed)).mean(axis=0)
    axes = np.random.default_rng(seed).standard_normal((mean.size, dimensions), dtype=np.float32)
    return LinearPixels(mean, axes / np.float32(np.sqrt(dimensions)))


@dataclass(frozen=True, slots=True)
class CentredStatistics:
    """Statistics of each crop alone, centred.

    Attributes:
        statistics: of crops, (N, D).
        mean: (D,) what is subtracted.
    """

    statistics: Callable[[Images], Vectors]
    mean: Vectors

    def __call__(self, crops: Images) -> Vectors:
        """Describe crops."""
        return self.statistics(crops) - self.mean


def fit_colour_histogram(crops: Images, seed: int = 0) -> CentredStatistics:
    """Colour histograms in stripes; only their mean is taken from the crops."""
    return _centred(appearance_statistics, crops, seed)


def fit_stripe_statistics(crops: Images, seed: int = 0) -> CentredStatistics:
    """Colours and edges in stripes, as `fmvae` may observe them; only their mean is taken from the crops."""
    return _centred(observed_statistics, crops, seed)


def _centred(statistics: Callable[[Images], Vectors], crops: Images, seed: int) -> CentredStatistics:
    return CentredStatistics(statistics, statistics(_sample(crops, _MEAN_CROPS, seed)).mean(axis=0))


def _sample(crops: Images, count: int, seed: int) -> Images:
    if len(crops) < 2:
        raise ValueError(f"{len(crops)} crops are too few to fit a descriptor on")
    if len(crops) <= count:
        return np.asarray(crops)
    rows = np.random.default_rng(seed).choice(len(crops), count, replace=False)
    return np.asarray(crops[np.sort(rows)])


#: Name in tables: how it is fitted.
REFERENCES: dict[str, Callable[[Images], CropDescriptor]] = {
    "random projection of pixels": fit_random_projection,
    "PCA-128 of pixels": fit_principal_components,
    "HSV histogram": fit_colour_histogram,
    "stripe statistics": fit_stripe_statistics,
}
