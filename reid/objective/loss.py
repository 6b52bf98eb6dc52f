"""The objective of VHP-FMVAE (FMVAE, 12), and its parts for algorithm 1.

One step of the algorithm reads::

    terms = objective(model, x, targets, settings, constraint, generator)
    numbers = terms.numbers()
    constraint.update(numbers["error"], numbers["information"])
    terms.loss(constraint.state.beta).backward()
    step θ, φ; and Θ, Φ unless constraint.state.initial_phase
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Generator, Tensor

from reid.models.vae import VAE
from reid.objective.bound import kl_bound, latent_information
from reid.objective.constraint import Constraint, ConstraintSettings, ConstraintState
from reid.objective.errors import NonFiniteLossError
from reid.objective.flatness import Flatness, FlatnessSettings, flatness
from reid.objective.precision import full_precision
from reid.settings import Settings


class ObjectiveSettings(Settings):
    """What is optimised."""

    constraint: ConstraintSettings
    flatness: FlatnessSettings = FlatnessSettings()
    importance_samples: int = Field(8, ge=1)
    """K of (FMVAE, 3)."""


@dataclass(frozen=True)
class Terms:
    """The terms of one batch, as tensors with gradients where they are minimised."""

    error: Tensor
    """C, the mean squared error per dimension, which the constraint holds down to κ²."""
    reconstruction: Tensor
    """What is minimised for it: C, or a Bernoulli likelihood's cross-entropy."""
    bound: Tensor
    """F, in nats."""
    flatness: Flatness | None
    """None where the regulariser is off."""
    eta: float
    """η in force at this step."""
    information: Tensor
    """Nats in the latents."""

    def loss(self, beta: float) -> Tensor:
        """C + β (F + η R): (FMVAE, 12) divided by λ = 1/β, without the constant κ².

        Note where η stands: C + βF + ηR, with β around 1e-4, would drown the reconstruction.
        """
        regularised = self.bound
        if self.flatness is not None:
            regularised = regularised + self.eta * self.flatness.penalty
        return self.reconstruction + beta * regularised

    def numbers(self) -> dict[str, float]:
        """All terms as plain numbers, fetched from the device at once.

        Raises:
            NonFiniteLossError: if one of them is infinite or not a number.
        """
        tensors = {
            "error": self.error,
            "reconstruction": self.reconstruction,
            "bound": self.bound,
            "information": self.information,
        }
        if (flat := self.flatness) is not None:
            tensors |= {
                "penalty": flat.penalty,
                "c2": flat.c2,
                "deviation": flat.deviation,
                "relative_deviation": flat.relative,
                "effective_dimension": flat.effective_dimension,
            }
        values = torch.stack([tensor.detach().float() for tensor in tensors.values()]).tolist()
        numbers = dict(zip(tensors, values, strict=True))
        if not all(math.isfinite(value) for value in values):
            said = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
            raise NonFiniteLossError(
                f"the loss is not a finite number ({said}): lower the learning rate or eta, or clip gradients"
            )
        return numbers


def objective(
    model: VAE,
    x: Tensor,
    targets: Mapping[str, Tensor],
    settings: ObjectiveSettings,
    constraint: Constraint,
    generator: Generator | None = None,
) -> Terms:
    """Terms of the objective for one batch.

    Args:
        model: whose networks are trained.
        x: what the encoder reads; may be augmented or noisy.
        targets: the clean parts of the observation that it should explain.
        settings: of the terms.
        constraint: its state decides whether the relative regulariser acts yet; it is not changed.
        generator: source of all randomness, on the device of ``x``.
    """
    posterior = model.encode(x)
    z = posterior.sample(generator)
    errors = model.reconstruction_error(z, model.observation.pack(targets))
    with full_precision(z.device):
        bound = kl_bound(posterior, z, model.prior, settings.importance_samples, generator)
        information = latent_information(posterior).detach()
    eta = regulariser_strength(settings.flatness, constraint.state)
    flat = flatness(model.decoder, model.decode, z, settings.flatness, generator) if eta > 0 else None
    return Terms(errors.squared, errors.loss, bound, flat, eta, information)


def regulariser_strength(settings: FlatnessSettings, state: ConstraintState) -> float:
    """η at this step.

    The paper's form acts from the start. The relative form would be satisfied by a constant decoder at
    once, so it waits until the model reconstructs and then grows steadily, unless it is told not to.
    """
    if settings.regulariser == "none":
        return 0.0
    if settings.regulariser == "paper" or settings.ramp is None:
        return settings.eta
    if state.initial_phase:
        return 0.0
    return settings.eta * min(1.0, state.constrained_steps / max(1, settings.ramp))
