"""The variational auto-encoder: encoder, decoder and prior over one observation.

Person crops, images and plain vectors differ in their settings only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from reid.models.decoders import build_decoder
from reid.models.encoders import EncoderSettings, build_encoder, untrained
from reid.models.gaussian import DiagonalGaussian
from reid.models.observation import Observation, PartSettings, Signal, SignalSettings
from reid.models.prior import HierarchicalPriorSettings, PriorSettings, build_prior
from reid.settings import Settings


class VAESettings(Settings):
    """All that is needed to build a model."""

    input: SignalSettings
    """What the encoder reads."""
    observation: dict[str, PartSettings] = Field(min_length=1)
    """What the decoder must explain, part by part; often the input itself."""
    encoder: EncoderSettings
    prior: PriorSettings = HierarchicalPriorSettings()
    latents: int = Field(128, ge=1)
    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"

    def untrained(self) -> VAESettings:
        """The same without weights to start from, for a model that is to get others."""
        return self.model_copy(update={"encoder": untrained(self.encoder)})

    @model_validator(mode="after")
    def _check(self) -> VAESettings:
        if self.likelihood == "bernoulli":
            parts = list(self.observation.values())
            plain = (parts[0].mean, parts[0].std, parts[0].foreground) == ((0.0,), (1.0,), None)
            if len(parts) > 1 or not plain:
                raise ValueError(
                    "a bernoulli likelihood needs one part in [0, 1] with mean 0, std 1 and no foreground"
                )
        return self


class ReconstructionError(NamedTuple):
    """How far the decoder is from the target, per dimension."""

    squared: Tensor
    """Mean squared error: C of (FMVAE, 4), what the constraint is about."""
    loss: Tensor
    """What is minimised: C itself, or the cross-entropy of a Bernoulli likelihood."""


class JointDecoder(nn.Module):
    """One head for each part of the observation, side by side."""

    def __init__(self, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleDict(heads)

    def forward(self, z: Tensor) -> Tensor:
        """Standardised values (Gaussian) or logits (Bernoulli) of shape (B, size of the observation)."""
        return torch.cat([head(z) for head in self.heads.values()], dim=1).float()


class VAE(nn.Module):
    """q_φ(z|x), p_θ(x|z) and the prior p_Θ(z) with its q_Φ(ζ|z).

    Raw data goes in (images as uint8 RGB, channels first); standardisation happens inside.
    """

    def __init__(self, settings: VAESettings) -> None:
        super().__init__()
        self.settings = settings
        self.input = Signal(settings.input)
        self.observation = Observation(settings.observation)
        self.encoder = build_encoder(settings.encoder, settings.latents, settings.input)
        self.decoder = JointDecoder(
            {
                name: build_decoder(part.decoder, settings.latents, part.shape)
                for name, part in settings.observation.items()
            }
        )
        self.prior = build_prior(settings.prior, settings.latents)

    def encode(self, x: Tensor) -> DiagonalGaussian:
        """Mean and log variance of q_φ(z|x), each (B, latents), float32."""
        posterior: DiagonalGaussian = self.encoder(self.input(x))
        return posterior

    def decode(self, z: Tensor) -> Tensor:
        """f(z), the mean of p_θ(x|z), as weighted observations (B, size)."""
        return self._mean(self.decoder(z))

    def reconstruction_error(self, z: Tensor, target: Tensor) -> ReconstructionError:
        """Errors against weighted observations (B, size), averaged over batch and dimensions."""
        raw = self.decoder(z)
        squared = functional.mse_loss(self._mean(raw), target)
        if self.settings.likelihood == "gaussian":
            return ReconstructionError(squared, squared)
        return ReconstructionError(squared, functional.binary_cross_entropy_with_logits(raw, target))

    def log_likelihood(self, z: Tensor, target: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
        """Log p(x|z) of weighted observations (B, size) at latents (K, B, N), (K, B), and the squared error.

        Args:
            z: draws for each observation.
            target: the observations.
            log_variance: of a Gaussian likelihood, one number; a Bernoulli likelihood has none.
        """
        raw = self.decoder(z.flatten(0, 1)).unflatten(0, z.shape[:2])
        squared = (self._mean(raw) - target).square()
        if self.settings.likelihood == "gaussian":
            terms = -0.5 * (squared * torch.exp(-log_variance) + log_variance + math.log(2.0 * math.pi))
        else:
            expanded = target.expand_as(raw)
            terms = -functional.binary_cross_entropy_with_logits(raw, expanded, reduction="none")
        return terms.sum(-1), squared.mean()

    def reconstruct(self, x: Tensor) -> dict[str, Tensor]:
        """The observation that the mean of q_φ(z|x) decodes to, part by part in the data's units."""
        return self.observation.unpack(self.decode(self.encode(x).mean))

    def autoencoder_parameters(self) -> Iterator[nn.Parameter]:
        """θ and φ, which are trained from the first step."""
        yield from self.encoder.parameters()
        yield from self.decoder.parameters()

    def prior_parameters(self) -> Iterator[nn.Parameter]:
        """Θ and Φ, which are trained once the constraint is met; none for a standard normal."""
        yield from self.prior.parameters()

    def _mean(self, raw: Tensor) -> Tensor:
        return torch.sigmoid(raw) if self.settings.likelihood == "bernoulli" else self.observation.weigh(raw)
