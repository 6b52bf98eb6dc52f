"""Statistics of crops made ready to be explained, without what a camera does and with even components.

A descriptor with a flat space measures distances as the observation does. So what counts in them has to be
settled here, in the values that are to be reconstructed.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Added to each deviation before values are divided by it: bins that are nearly always empty must not be
#: blown up.
LEAST_DEVIATION = 0.132

#: Added to each variance, in units of the mean one: components of next to none are noise.
LEAST_VARIANCE = 0.1


def level_cameras(values: Tensor, camera: NDArray[np.intp]) -> Tensor:
    """Standardise values (N, D) within each camera: what is left is what sets a crop apart from its like."""
    out = values.clone()
    for rows in _rows_of_cameras(camera):
        some = values[rows]
        out[rows] = (some - some.mean(dim=0)) / (some.std(dim=0, correction=0) + LEAST_DEVIATION)
    return out


class OwnStatistics:
    """A crop's own statistics made ready to be explained; also of crops that are varied later.

    Args:
        values: (N, D) of all crops: what is taken away is theirs.
        camera: (N,) numbers of their cameras, whose means are taken away; None leaves cameras alone.
        power: each principal component is divided by its deviation to that power. What varies most, how light
            the clothes are, then counts less beside what varies less and tells people apart as well. The
            components are put together again: the D numbers go on to mean what they did.
        deviation: that they get, all numbers taken together.
    """

    def __init__(
        self, values: Tensor, camera: NDArray[np.intp] | None, power: float, deviation: Tensor
    ) -> None:
        size = values.shape[1]
        self._means = torch.zeros(1, size)
        if camera is not None:
            self._means = torch.stack([values[rows].mean(dim=0) for rows in _rows_of_cameras(camera)])
        centred = values - self._of_cameras(camera)
        self._matrix = torch.eye(size)
        if power:
            mean = centred.mean(dim=0)
            self._means, centred = self._means + mean, centred - mean
            self._matrix = _evening(centred, power)
        spread = (centred @ self._matrix).std(correction=0).clamp_min(1e-12)
        self._matrix = self._matrix * (deviation / spread)

    def __call__(self, values: Tensor, camera: NDArray[np.intp]) -> Tensor:
        """Values (B, D) of crops of the cameras ``camera`` (B,), made ready."""
        means, matrix = self._of_cameras(camera), self._matrix
        return (values - means.to(values.device)) @ matrix.to(values.device)

    def _of_cameras(self, camera: NDArray[np.intp] | None) -> Tensor:
        return self._means if len(self._means) == 1 or camera is None else self._means[camera]


def _evening(centred: Tensor, power: float) -> Tensor:
    """What centred values (N, D) are to be multiplied with to even out their components, (D, D)."""
    exact = centred.double()
    variance, components = torch.linalg.eigh(exact.T @ exact / len(exact))
    floored = variance.clamp_min(0.0) + (LEAST_VARIANCE * variance.mean()).clamp_min(1e-12)
    matrix: Tensor = (components * floored.pow(-0.5 * power)) @ components.T
    return matrix.to(centred.dtype)


def _rows_of_cameras(camera: NDArray[np.intp]) -> list[Tensor]:
    return [torch.from_numpy(np.flatnonzero(camera == number)) for number in range(int(camera.max()) + 1)]
