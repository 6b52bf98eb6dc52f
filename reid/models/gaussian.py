"""Gaussians with a diagonal covariance, and the layer that makes them: posterior and prior networks."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

LOG_VARIANCE_RANGE = (-10.0, 6.0)


class DiagonalGaussian(NamedTuple):
    """Independent normal distributions along the last axis."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: Generator | None = None, count: int | None = None) -> Tensor:
        """One reparametrised draw, or ``count`` of them along a new first axis."""
        shape = self.mean.shape if count is None else (count, *self.mean.shape)
        noise = torch.randn(shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype)
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def log_density(self, x: Tensor) -> Tensor:
        """Log density of ``x``, summed over the last axis."""
        squared = (x - self.mean).square() * torch.exp(-self.log_variance)
        return -0.5 * (squared + self.log_variance + math.log(2.0 * math.pi)).sum(-1)


def standard_log_density(x: Tensor) -> Tensor:
    """Log density of ``x`` under a standard normal, summed over the last axis."""
    return -0.5 * (x.square() + math.log(2.0 * math.pi)).sum(-1)


class GaussianHead(nn.Module):
    """Features to the mean and log variance of a Gaussian.

    Computed in float32 whatever the mixed precision: a posterior may be a thousand times narrower than its
    mean is large, which bfloat16 cannot hold.
    """

    def __init__(self, features: int, latents: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 2 * latents)

    def forward(self, features: Tensor) -> DiagonalGaussian:
        """Distributions of shape (..., latents) from features of shape (..., features)."""
        with torch.autocast(features.device.type, enabled=False):
            mean, raw = self.linear(features.float()).chunk(2, dim=-1)
        return DiagonalGaussian(mean, bounded_log_variance(raw))


def bounded_log_variance(raw: Tensor) -> Tensor:
    """Squeeze a number into the allowed range, nearly unchanged around zero.

    Smoothly, unlike a hard clamp: a variance that has reached its bound must still feel a gradient, or it
    could never come back.
    """
    low, high = LOG_VARIANCE_RANGE
    span = high - low
    # Slope 1 in the middle, and an offset that maps 0 to 0.
    return low + span * torch.sigmoid(4.0 / span * raw + math.log(-low / high))


def unbounded_log_variance(bounded: float) -> float:
    """The number that ``bounded_log_variance`` squeezes into this one, or into the nearest in the range."""
    low, high = LOG_VARIANCE_RANGE
    span = high - low
    share = min(max((bounded - low) / span, 0.01), 0.99)
    return (math.log(share / (1.0 - share)) - math.log(-low / high)) * span / 4.0
