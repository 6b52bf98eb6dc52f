"""Priors over the latents: the learned hierarchical one (VHP), and the plain standard normal.

Both give importance weights w_k with E[w_k] = p(z); what the bound does with them stands in
``reid.objective.bound``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Generator, Tensor, nn

from reid.models.gaussian import DiagonalGaussian, GaussianHead, standard_log_density
from reid.models.layers import Activation, Widths, hidden_layers, last_width
from reid.settings import Settings


class HierarchicalPriorSettings(Settings):
    """p(z) = ∫ p(z|ζ) p(ζ) dζ with as many ζ as z, both networks fully connected."""

    kind: Literal["hierarchical"] = "hierarchical"
    hidden: Widths = (512, 512)
    activation: Activation = "relu"


class NormalPriorSettings(Settings):
    """p(z) = N(0, 1)."""

    kind: Literal["normal"] = "normal"


PriorSettings = Annotated[HierarchicalPriorSettings | NormalPriorSettings, Field(discriminator="kind")]


class Prior(nn.Module):
    """What the bound needs of a prior."""

    def log_weights(self, z: Tensor, samples: int, generator: Generator | None = None) -> Tensor:
        """Logarithms of importance weights for p(z), of shape (samples, B), or (1, B) where one is exact."""
        raise NotImplementedError


class HierarchicalPrior(Prior):
    """The variational hierarchical prior of (FMVAE, 3).

    Args:
        recognition: q_Φ(ζ|z), latents to a Gaussian.
        generation: p_Θ(z|ζ), the other way.
    """

    def __init__(self, recognition: nn.Module, generation: nn.Module) -> None:
        super().__init__()
        self.recognition = recognition
        self.generation = generation

    def log_weights(self, z: Tensor, samples: int, generator: Generator | None = None) -> Tensor:
        """The logarithm of p_Θ(z|ζ_k) p(ζ_k) / q_Φ(ζ_k|z) with ζ_k ~ q_Φ(ζ|z), of shape (samples, B)."""
        posterior: DiagonalGaussian = self.recognition(z)
        zeta = posterior.sample(generator, count=samples)
        likelihood: DiagonalGaussian = self.generation(zeta)
        return likelihood.log_density(z) + standard_log_density(zeta) - posterior.log_density(zeta)


class NormalPrior(Prior):
    """The standard normal: its single weight is the density itself."""

    def log_weights(self, z: Tensor, samples: int, generator: Generator | None = None) -> Tensor:
        """The logarithm of N(z; 0, 1), of shape (1, B)."""
        return standard_log_density(z)[None]


def build_prior(settings: PriorSettings, latents: int) -> Prior:
    """The prior that ``settings`` describe."""
    if isinstance(settings, NormalPriorSettings):
        return NormalPrior()
    recognition, generation = (
        nn.Sequential(
            hidden_layers(latents, settings.hidden, settings.activation),
            GaussianHead(last_width(latents, settings.hidden), latents),
        )
        for _ in range(2)
    )
    return HierarchicalPrior(recognition, generation)
