"""Decoders of two latents whose geometry is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor


@dataclass(frozen=True)
class Surface:
    """A surface in space: how to get there, and how far two of its points (n, 2) are from each other."""

    decode: Callable[[Tensor], Tensor]
    distance: Callable[[Tensor, Tensor], Tensor]


@pytest.fixture
def sphere() -> Surface:
    """Colatitude and longitude to the unit sphere."""

    def decode(angles: Tensor) -> Tensor:
        polar, azimuth = angles.unbind(dim=1)
        return torch.stack([polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()], dim=1)

    def great_circle(start: Tensor, end: Tensor) -> Tensor:
        return torch.acos((decode(start.double()) * decode(end.double())).sum(dim=1).clamp(-1, 1))

    return Surface(decode, great_circle)


@pytest.fixture
def swiss_roll() -> Surface:
    """Angle and height to a rolled-up sheet; distances are those on the sheet laid flat.

    The height counts ten times: a sheet that is much longer than wide in its own coordinates would need edges
    in nearly the same direction, which no graph of nearest neighbours has.
    """

    def decode(points: Tensor) -> Tensor:
        angle, height = points.unbind(dim=1)
        return torch.stack([angle * angle.cos(), 10.0 * height, angle * angle.sin()], dim=1)

    def unrolled(angle: Tensor) -> Tensor:
        return 0.5 * (angle * (1 + angle**2).sqrt() + angle.asinh())

    def on_the_sheet(start: Tensor, end: Tensor) -> Tensor:
        across = unrolled(end[:, 0].double()) - unrolled(start[:, 0].double())
        return torch.hypot(across, 10.0 * (end[:, 1] - start[:, 1]).double())

    return Surface(decode, on_the_sheet)
