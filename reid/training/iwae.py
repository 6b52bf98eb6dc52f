"""A step of the importance-weighted auto-encoder (Chen et al. 2018, 2.1)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Generator, Tensor, nn

from reid.models import VAE
from reid.objective.errors import NonFiniteLossError
from reid.objective.iwae import importance_weighted_bound
from reid.training.batches import Batch
from reid.training.methods import FlatVAEMethod, Method
from reid.training.settings import IWAE, FlatVAE, OptimiserSettings


class IWAEMethod(Method):
    """Maximises the importance-weighted bound; a Gaussian likelihood's deviation is learned with it."""

    def __init__(self, settings: IWAE, optimiser: OptimiserSettings, device: torch.device) -> None:
        self.network: VAE = VAE(settings.model).to(device)
        self._samples = settings.importance_samples
        self._clip = optimiser.clip
        # Not part of the network: what is decoded does not depend on it.
        self._log_variance = nn.Parameter(torch.tensor(2.0 * math.log(settings.noise), device=device))
        self.optimiser = torch.optim.Adam(
            [*self.network.parameters(), self._log_variance], lr=optimiser.learning_rate
        )

    @property
    def encoder(self) -> VAE:
        """The whole model."""
        return self.network

    def step(self, batch: Batch, generator: Generator) -> dict[str, float]:
        """One step on all parameters.

        Raises:
            NonFiniteLossError: if the bound is infinite or not a number.
        """
        terms = importance_weighted_bound(
            self.network, batch.x, batch.targets, self._samples, self._log_variance, generator
        )
        loss = -terms.bound.mean()
        bound, error, effective = torch.stack([-loss, terms.error, terms.effective_samples]).tolist()
        if not (math.isfinite(bound) and math.isfinite(error)):
            raise NonFiniteLossError(
                f"the bound is {bound:.4g} at error {error:.4g}: lower the learning rate or clip gradients"
            )
        parameters = [*self.network.parameters(), self._log_variance]
        # Per dimension, so that one clipping norm fits every size of observation.
        norm = self._apply(loss / self.network.observation.size, parameters, self._clip)
        return {
            "log_likelihood_bound": bound,
            "rmse": math.sqrt(error),
            "effective_samples": effective,
            "noise": math.exp(0.5 * float(self._log_variance.detach())),
            "gradient": norm,
        }

    def describe(self, images: Tensor) -> Tensor:
        """The means of the posteriors."""
        return self.network.encode(images).mean

    def in_words(self, numbers: dict[str, float]) -> str:
        """The bound, the reconstruction and how many draws count."""
        return (
            f"log p ≥ {numbers['log_likelihood_bound']:.1f} RMSE {numbers['rmse']:.3f} "
            f"{numbers['effective_samples']:.1f} of {self._samples} samples"
        )

    def state(self) -> dict[str, Any]:
        """The likelihood's variance."""
        return {"log_variance": float(self._log_variance.detach())}

    def restore(self, state: dict[str, Any]) -> None:
        """The likelihood's variance."""
        with torch.no_grad():
            self._log_variance.fill_(state["log_variance"])


def autoencoder_method(
    settings: FlatVAE | IWAE, optimiser: OptimiserSettings, device: torch.device
) -> FlatVAEMethod | IWAEMethod:
    """The unsupervised method that ``settings`` describe."""
    if isinstance(settings, IWAE):
        return IWAEMethod(settings, optimiser, device)
    return FlatVAEMethod(settings, optimiser, device)
