"""The importance-weighted upper bound on the KL term (FMVAE, 3)."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from reid.models.gaussian import DiagonalGaussian
from reid.models.prior import Prior


def log_prior_density(prior: Prior, z: Tensor, samples: int, generator: Generator | None = None) -> Tensor:
    """Lower bound on log p(z), of shape (B,): log 1/K Σ_k p(z|ζ_k) p(ζ_k) / q(ζ_k|z).

    It rises with the number of samples K and is exact where q(ζ|z) is the true posterior.
    """
    log_weights = prior.log_weights(z, samples, generator)
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))


def kl_bound(
    posterior: DiagonalGaussian, z: Tensor, prior: Prior, samples: int, generator: Generator | None = None
) -> Tensor:
    """F of (FMVAE, 3): batch mean of log q(z|x) − log p(z), estimated at one z ~ q(z|x) for each x.

    Args:
        posterior: q(z|x) of each sample.
        z: (B, N) one draw of it each.
        prior: the learned prior, or a standard normal.
        samples: K, importance samples for each z.
        generator: source of the draws of ζ.
    """
    return (posterior.log_density(z) - log_prior_density(prior, z, samples, generator)).mean()


def latent_information(posterior: DiagonalGaussian) -> Tensor:
    """Nats that the latents of a batch carry about its samples, as if their means were normally distributed.

    Zero if and only if all posteriors have the same mean, which is what a collapsed posterior means; unlike
    the KL bound it does not depend on how well the prior is trained.
    """
    signal = posterior.mean.var(dim=0, correction=0)
    noise = posterior.log_variance.exp().mean(dim=0)
    return 0.5 * torch.log1p(signal / noise).sum()
