"""Images of a pendulum: one angle is all there is to know about each (FMVAE, 4.1; Chen et al. 2018, 4.3).

The encoder reads noisy images, the decoder is compared with clean ones: with noise of 0.05 in the targets
no model could reach the paper's reconstruction error of 0.025.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 16
NOISE = 0.05

#: Deviation of the rod across itself, and its length, in pixels: it stays within the image at every angle.
_THICKNESS = 1.2
_LENGTH = 6.5


@dataclass(frozen=True, slots=True)
class Pendulum:
    """Pictures of a pendulum, sorted by nothing.

    Attributes:
        images: (n, 1, 16, 16) float32 in [0, 1], clean.
        noisy: the same with noise.
        angles: (n,) radians in [0, 2π), 0 hanging down, counter-clockwise.
    """

    images: NDArray[np.float32]
    noisy: NDArray[np.float32]
    angles: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.angles)


def pendulum(count: int = 15_000, noise: float = NOISE, seed: int = 0) -> Pendulum:
    """Images at angles drawn uniformly from the whole circle.

    Args:
        count: how many.
        noise: deviation of the Gaussian noise on each pixel.
        seed: of angles and noise.
    """
    rng = np.random.default_rng(seed)
    angles = rng.uniform(0.0, 2.0 * np.pi, count)
    images = pendulum_images(angles)
    noisy = images + rng.normal(0.0, noise, images.shape).astype(np.float32)
    return Pendulum(images, noisy, angles)


def pendulum_images(angles: NDArray[np.float64]) -> NDArray[np.float32]:
    """Draw a rod from the middle of the image to its tip at each angle, with soft edges.

    Args:
        angles: (n,) radians.

    Returns:
        (n, 1, 16, 16) in [0, 1].
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2.0
    across, down = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    along = np.clip(across * columns + down * rows, 0.0, _LENGTH)
    squared = (columns - along * across) ** 2 + (rows - along * down) ** 2
    images: NDArray[np.float32] = np.exp(-0.5 * squared / _THICKNESS**2).astype(np.float32)[:, None]
    return images
