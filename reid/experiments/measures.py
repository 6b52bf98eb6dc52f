"""What the paper measures of a latent space of few dimensions: where, how flat, how wide, how true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from reid.geometry.metric import (
    Decode,
    condition_numbers,
    eigenvalues,
    metric_tensors,
    normalised_magnification,
    relative_deviations,
)
from reid.models import VAE
from reid.objective.flatness import FlatnessSettings, mixup
from reid.objective.precision import full_precision


@dataclass(frozen=True, slots=True)
class Flatness:
    """The metric tensor at some points.

    Attributes:
        condition: (B,) condition numbers.
        magnification: (B,) magnification factors over their mean.
        relative_deviation: R̄.
        clamped: share of points with a collapsed direction, whose condition number is a bound and no more.
    """

    condition: NDArray[np.float64]
    magnification: NDArray[np.float64]
    relative_deviation: float
    clamped: float


@dataclass(frozen=True, slots=True)
class Measures:
    """A model's latent space.

    Attributes:
        latents: (n, N) means of the posterior at the given images.
        at_data: flatness there.
        between: flatness between and beyond them (mixup), where a flat space must be flat too.
        spread: deviation of the latents, all dimensions together: root of their mean variance.
        rmse: reconstruction error at draws from the posterior, what κ bounds.
    """

    latents: NDArray[np.float64]
    at_data: Flatness
    between: Flatness
    spread: float
    rmse: float


def flatness_at(decode: Decode, z: Tensor) -> Flatness:
    """Measure the metric tensor at latents (B, N)."""
    values, raised = eigenvalues(metric_tensors(decode, z))
    return Flatness(
        condition=condition_numbers(values).numpy(),
        magnification=normalised_magnification(values).numpy(),
        relative_deviation=float(relative_deviations(values).mean()),
        clamped=float(raised.double().mean()),
    )


@torch.no_grad()
def measure(
    model: VAE, noisy: NDArray[np.float32], clean: dict[str, NDArray[np.float32]], points: int, seed: int = 0
) -> Measures:
    """Measure a model on some samples.

    Args:
        model: in evaluation mode, on the CPU.
        noisy: (n, …) what the encoder reads.
        clean: the parts of the observation.
        points: at how many latents of each kind the metric tensor is looked at.
        seed: of the choice of points and the posterior's draws.
    """
    generator = Generator().manual_seed(seed)
    with full_precision(torch.device("cpu")):
        posterior = model.encode(torch.from_numpy(noisy))
        target = model.observation.pack({part: torch.from_numpy(values) for part, values in clean.items()})
        error = model.reconstruction_error(posterior.sample(generator), target).squared
    mean = posterior.mean
    chosen = torch.randperm(len(mean), generator=generator)[:points]
    between = mixup(mean, FlatnessSettings().mixup_reach, generator)[chosen]
    return Measures(
        latents=mean.double().numpy(),
        at_data=flatness_at(model.decode, mean[chosen]),
        between=flatness_at(model.decode, between),
        spread=float(mean.var(dim=0).mean().sqrt()),
        rmse=float(error.sqrt()),
    )
