"""The importance-weighted bound on log p(x) (Chen et al. 2018, 3 and 4; Burda et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reid.models.vae import VAE
from reid.objective.bound import log_prior_density
from reid.objective.precision import full_precision


@dataclass(frozen=True)
class ImportanceWeighted:
    """The bound for one batch."""

    bound: Tensor
    """Lower bound on log p(x) for each sample, (B,), in nats."""
    error: Tensor
    """Mean squared error per dimension over all draws."""
    effective_samples: Tensor
    """Batch mean of (Σw)² / Σw²: of K draws, how many count."""


def importance_weighted_bound(
    model: VAE,
    x: Tensor,
    targets: Mapping[str, Tensor],
    samples: int,
    log_variance: Tensor,
    generator: Generator | None = None,
) -> ImportanceWeighted:
    """Bound log 1/K Σ_k p(x|z_k) p(z_k) / q(z_k|x) with z_k ~ q(z|x): with K = 1 the ELBO, tighter with more.

    Args:
        model: whose networks are trained; its prior may be the standard normal, as in the paper, or learned.
        x: what the encoder reads.
        targets: the parts of the observation.
        samples: K.
        log_variance: logarithm of a Gaussian likelihood's variance, one number for all dimensions.
        generator: source of the draws.
    """
    posterior = model.encode(x)
    with full_precision(x.device):
        z = posterior.sample(generator, count=samples)
        target = model.observation.pack(targets)
        log_likelihood, squared = model.log_likelihood(z, target, log_variance)
        flat = z.reshape(-1, z.shape[-1])
        log_prior = log_prior_density(model.prior, flat, 1, generator).reshape(samples, -1)
        log_weights = log_likelihood + log_prior - posterior.log_density(z)
        total = torch.logsumexp(log_weights, dim=0)
        effective = torch.exp(2.0 * total - torch.logsumexp(2.0 * log_weights, dim=0)).mean()
        return ImportanceWeighted(total - math.log(samples), squared, effective.detach())
