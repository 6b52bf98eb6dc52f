"""Statistics of crops made ready to be explained, without what a camera does and with even components.

A descriptor with a flat space measures distances as the observation does. So what counts in them has to be
settled here, in the values that are to be reconstructed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Added to each deviation before values are divided by it: bins that are nearly always empty must not be
#: blown up.
LEAST_DEVIATION = 0.132

#: Added to each variance, in units of the mean one: components of next to none are noise.
LEAST_VARIANCE = 0.3

#: What is computed in double precision, and what is put aside, is so for this many rows at once.
ROWS_AT_ONCE = 8192


def level_cameras(values: Tensor, camera: NDArray[np.intp]) -> Tensor:
    """Standardise values (N, D) within each camera: what is left is what sets a crop apart from its like."""
    out = values.clone()
    for rows in _rows_of_cameras(camera):
        some = values[rows]
        out[rows] = (some - some.mean(dim=0)) / (some.std(dim=0, correction=0) + LEAST_DEVIATION)
    return out


class OwnStatistics:
    """A crop's own statistics made ready to be explained; also of crops that are varied later.

    What counts too much is divided by a power of its deviation, component by component. The components are
    put together again: the D numbers go on to mean what they did.

    Args:
        values: (N, D) of all crops: what is taken away is theirs.
        camera: (N,) numbers of their cameras, whose means are taken away; None leaves cameras alone.
        power: of each principal component's deviation. What varies most, how light the clothes are, then
            counts less beside what varies less and tells people apart as well.
        deviation: that they get, all numbers taken together.

    Attributes:
        matrix: (D, D) what values are multiplied with, once a mean is taken from them.
    """

    def __init__(
        self, values: Tensor, camera: NDArray[np.intp] | None, power: float, deviation: Tensor
    ) -> None:
        size = values.shape[1]
        self._means = torch.zeros(1, size)
        if camera is not None:
            self._means = torch.stack([values[rows].mean(dim=0) for rows in _rows_of_cameras(camera)])
        self._centred = values - self._of_cameras(camera)
        self._deviation = deviation
        evening = torch.eye(size)
        if power:
            mean = self._centred.mean(dim=0)
            self._means += mean
            self._centred -= mean
            evening = _evening(second_moments(torch.split(self._centred, ROWS_AT_ONCE)), power)
        self.matrix = self._evened = self._scaled(evening)

    def steady(self, pairs: Tensor, power: float) -> None:
        """Divide by what varies between crops of one person, no longer by what varies between all.

        Pose, light and what else is not the person then counts less; what one person keeps and another has
        not counts more. Fewer pairs than numbers say too little, and change nothing: also what earlier pairs
        have changed is taken back, or a run that is resumed with these would go on with other values.

        Args:
            pairs: (P, 2) rows of crops that probably show the same person.
            power: of the deviation between them.
        """
        if len(pairs) < self._centred.shape[1]:
            self.matrix = self._evened
            return
        pieces = (piece.unbind(dim=1) for piece in torch.split(pairs, ROWS_AT_ONCE))
        differences = (self._centred[one] - self._centred[other] for one, other in pieces)
        self.matrix = self._scaled(_evening(second_moments(differences), power))

    def of_all(self) -> Tensor:
        """Those of the crops themselves, made ready, (N, D)."""
        return self._centred @ self.matrix

    def __call__(self, values: Tensor, camera: NDArray[np.intp]) -> Tensor:
        """Values (B, D) of crops of the cameras ``camera`` (B,), made ready."""
        means, matrix = self._of_cameras(camera), self.matrix
        return (values - means.to(values.device)) @ matrix.to(values.device)

    def _of_cameras(self, camera: NDArray[np.intp] | None) -> Tensor:
        return self._means if len(self._means) == 1 or camera is None else self._means[camera]

    def _scaled(self, matrix: Tensor) -> Tensor:
        spread = (self._centred @ matrix).std(correction=0).clamp_min(1e-12)
        return matrix * (self._deviation / spread)


def second_moments(pieces: Iterable[Tensor]) -> Tensor:
    """Mean product of each two of D numbers over the rows of all pieces (N, D), in double precision."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for piece in pieces:
        exact = piece.double()
        total, count = total + exact.T @ exact, count + len(exact)
    return total / count


def _evening(moments: Tensor, power: float) -> Tensor:
    """What values are to be multiplied with to even out the components of these moments, (D, D)."""
    variance, components = torch.linalg.eigh(moments)
    floored = variance.clamp_min(0.0) + (LEAST_VARIANCE * variance.mean()).clamp_min(1e-12)
    matrix: Tensor = (components * floored.pow(-0.5 * power)) @ components.T
    return matrix.float()


def _rows_of_cameras(camera: NDArray[np.intp]) -> list[Tensor]:
    return [torch.from_numpy(np.flatnonzero(camera == number)) for number in range(int(camera.max()) + 1)]
