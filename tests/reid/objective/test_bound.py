import math

import pytest
import torch
from torch import nn

from reid.models.gaussian import DiagonalGaussian
from reid.models.prior import HierarchicalPrior, HierarchicalPriorSettings, NormalPrior, build_prior
from reid.objective.bound import kl_bound, latent_information, log_prior_density

SLOPE = torch.tensor([1.5, -0.7, 0.2])
OFFSET = torch.tensor([0.5, 0.0, -2.0])
NOISE = 0.36
MARGINAL = DiagonalGaussian(OFFSET, torch.log(SLOPE.square() + NOISE))


class Affine(nn.Module):
    """x ↦ N(slope · x + offset, variance)."""

    def __init__(self, slope, offset, variance):
        super().__init__()
        self.slope, self.offset, self.variance = slope, offset, variance

    def forward(self, x):
        mean = self.slope * x + self.offset
        return DiagonalGaussian(mean, torch.log(torch.as_tensor(self.variance)).expand_as(mean))


def linear_prior(recognition_error=0.0):
    """p(ζ) = N(0, 1), p(z|ζ) = N(SLOPE ζ + OFFSET, NOISE): everything is known in closed form."""
    posterior_variance = NOISE / (SLOPE.square() + NOISE)
    gain = SLOPE / (SLOPE.square() + NOISE)
    recognition = Affine(gain, -gain * OFFSET + recognition_error, posterior_variance)
    return HierarchicalPrior(recognition, Affine(SLOPE, OFFSET, NOISE))


@pytest.mark.parametrize("samples", [1, 7])
def test_bound_is_the_exact_density_where_the_recognition_network_is_right(samples):
    z = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    bound = log_prior_density(linear_prior(), z, samples, torch.Generator().manual_seed(2))
    torch.testing.assert_close(bound, MARGINAL.log_density(z), atol=1e-4, rtol=1e-4)


def test_bound_tightens_with_more_samples_and_stays_below_the_density():
    z = torch.randn(2000, 3, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(3)
    exact = MARGINAL.log_density(z).mean()
    gaps = [
        float(exact - log_prior_density(linear_prior(recognition_error=0.4), z, samples, generator).mean())
        for samples in (1, 8, 512)
    ]
    assert gaps[0] > gaps[1] > gaps[2] > -0.005
    assert gaps[2] < 0.02


def test_kl_bound_is_the_kl_divergence_of_gaussians():
    mean = torch.tensor([0.3, -1.0, 2.0])
    log_variance = torch.tensor([-2.0, 0.1, -1.0])
    posterior = DiagonalGaussian(mean.expand(40_000, 3), log_variance.expand(40_000, 3))
    z = posterior.sample(torch.Generator().manual_seed(0))
    ratio = (log_variance - MARGINAL.log_variance).exp()
    shift = (mean - MARGINAL.mean).square() * torch.exp(-MARGINAL.log_variance)
    exact = 0.5 * (ratio + shift - 1.0 - ratio.log()).sum()
    bound = kl_bound(posterior, z, linear_prior(), samples=4)
    assert float(bound) == pytest.approx(float(exact), abs=0.03)


def test_kl_bound_to_the_standard_normal():
    mean, log_variance = torch.tensor([0.5, -0.5]), torch.tensor([-1.0, 0.5])
    posterior = DiagonalGaussian(mean.expand(40_000, 2), log_variance.expand(40_000, 2))
    z = posterior.sample(torch.Generator().manual_seed(0))
    exact = 0.5 * (log_variance.exp() + mean.square() - 1.0 - log_variance).sum()
    assert float(kl_bound(posterior, z, NormalPrior(), samples=4)) == pytest.approx(float(exact), abs=0.02)


def test_gradients_reach_both_prior_networks_and_the_latents():
    torch.manual_seed(0)
    prior = build_prior(HierarchicalPriorSettings(hidden=(8,)), 3)
    z = torch.randn(5, 3, requires_grad=True)
    kl_bound(DiagonalGaussian(torch.zeros(5, 3), torch.zeros(5, 3)), z, prior, samples=4).backward()
    gradients = [parameter.grad for parameter in prior.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
    assert z.grad is not None


def test_information_is_zero_for_equal_posteriors_and_exact_for_a_gaussian_channel():
    same = DiagonalGaussian(torch.ones(64, 4), torch.zeros(64, 4))
    assert float(latent_information(same)) == 0.0
    mean = 3.0 * torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    channel = DiagonalGaussian(mean, torch.zeros_like(mean))
    assert float(latent_information(channel)) == pytest.approx(0.5 * math.log(10.0), abs=0.02)
