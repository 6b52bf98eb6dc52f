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


def centre_cameras(values: Tensor, camera: NDArray[np.intp]) -> Tensor:
    """Values (N, D) without each camera's mean."""
    out = values.clone()
    for rows in _rows_of_cameras(camera):
        out[rows] -= values[rows].mean(dim=0)
    return out


def level_cameras(values: Tensor, camera: NDArray[np.intp]) -> Tensor:
    """Standardise values (N, D) within each camera: what is left is what sets a crop apart from its like."""
    out = values.clone()
    for rows in _rows_of_cameras(camera):
        some = values[rows]
        out[rows] = (some - some.mean(dim=0)) / (some.std(dim=0, correction=0) + LEAST_DEVIATION)
    return out


def even(values: Tensor, power: float) -> Tensor:
    """Values (N, D) without their mean, each principal component over its deviation to that power.

    What varies most, how light the clothes are, then counts less beside what varies less and tells people
    apart as well. The components are put together again: the D numbers go on to mean what they did.
    """
    centred = (values - values.mean(dim=0)).double()
    variance, components = torch.linalg.eigh(centred.T @ centred / len(centred))
    floored = variance.clamp_min(0.0) + (LEAST_VARIANCE * variance.mean()).clamp_min(1e-12)
    evened: Tensor = centred @ (components * floored.pow(-0.5 * power)) @ components.T
    return evened.to(values.dtype)


def _rows_of_cameras(camera: NDArray[np.intp]) -> list[Tensor]:
    return [torch.from_numpy(np.flatnonzero(camera == number)) for number in range(int(camera.max()) + 1)]
