from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from reid.models import VAE, DiagonalGaussian, VAESettings
from reid.objective.iwae import importance_weighted_bound
from reid.settings import check_settings

SIZE = 5
NOISE = 0.3


class Recognition(nn.Module):
    """The true posterior of a linear model with orthogonal columns, its mean moved by an error."""

    def __init__(self, columns: Tensor, offset: Tensor, error: float) -> None:
        super().__init__()
        self.variance = 1.0 / (1.0 + columns.square().sum(dim=0) / NOISE**2)
        self.gain = self.variance * columns / NOISE**2
        self.offset, self.error = offset, error

    def forward(self, x: Tensor) -> DiagonalGaussian:
        mean = (x - self.offset) @ self.gain + self.error
        return DiagonalGaussian(mean, self.variance.log().expand_as(mean))


def linear_model(error: float = 0.0) -> tuple[VAE, torch.distributions.MultivariateNormal]:
    """z ~ N(0, 1), x = Az + b + noise, and what is then known of x."""
    tree = {
        "latents": 2,
        "input": {"shape": [SIZE]},
        "observation": {"x": {"shape": [SIZE], "decoder": {"kind": "mlp", "hidden": []}}},
        "encoder": {"kind": "mlp", "hidden": []},
        "prior": {"kind": "normal"},
    }
    model = VAE(check_settings(VAESettings, tree, "test")).requires_grad_(False)
    columns = torch.tensor([[1.0, 0.0], [0.5, 0.0], [0.0, -0.7], [0.0, 0.2], [0.0, 0.0]])
    offset = torch.linspace(-1.0, 1.0, SIZE)
    last: Any = model.decoder.heads["x"].last
    last.weight.copy_(columns)
    last.bias.copy_(offset)
    model.encoder = Recognition(columns, offset, error)
    covariance = columns @ columns.T + NOISE**2 * torch.eye(SIZE)
    return model, torch.distributions.MultivariateNormal(offset, covariance)


def bound(model: VAE, x: Tensor, samples: int, seed: int = 0) -> Tensor:
    log_variance = torch.tensor(2.0 * math.log(NOISE))
    return importance_weighted_bound(
        model, x, {"x": x}, samples, log_variance, Generator().manual_seed(seed)
    ).bound


@pytest.mark.parametrize("samples", [1, 9])
def test_with_the_true_posterior_the_bound_is_the_likelihood(samples: int) -> None:
    model, truth = linear_model()
    x = truth.sample((40,))
    torch.testing.assert_close(bound(model, x, samples), truth.log_prob(x), atol=1e-3, rtol=1e-4)


def test_the_bound_rises_with_the_samples_up_to_the_likelihood() -> None:
    model, truth = linear_model(error=0.4)
    torch.manual_seed(0)
    x = truth.sample((1500,))
    gaps = [float((truth.log_prob(x) - bound(model, x, samples)).mean()) for samples in (1, 5, 400)]
    assert gaps[0] > gaps[1] + 0.1 > gaps[2] + 0.1
    assert -0.01 < gaps[2] < 0.05
    # One sample is the ELBO, whose gap is the divergence of the two posteriors.
    variance = model.encoder.variance
    assert gaps[0] == pytest.approx(float((0.5 * 0.4**2 / variance).sum()), rel=0.1)


def test_all_samples_count_where_the_proposal_is_right() -> None:
    x = torch.zeros(8, SIZE)
    variance = torch.tensor(2.0 * math.log(NOISE))
    right, wrong = (
        importance_weighted_bound(model, x, {"x": x}, 50, variance, Generator().manual_seed(0))
        for model, _ in (linear_model(), linear_model(error=1.0))
    )
    assert float(right.effective_samples) == pytest.approx(50.0, rel=1e-3)
    assert float(wrong.effective_samples) < 10.0
    assert float(wrong.error) > float(right.error)


def test_a_bernoulli_likelihood_is_a_probability_of_bits() -> None:
    tree = {
        "latents": 2,
        "likelihood": "bernoulli",
        "input": {"shape": [3]},
        "observation": {"x": {"shape": [3], "decoder": {"kind": "residual", "width": 4, "blocks": 2}}},
        "encoder": {"kind": "mlp", "hidden": [4]},
        "prior": {"kind": "normal"},
    }
    model = VAE(check_settings(VAESettings, tree, "test"))
    bits = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    z = torch.randn(6, 1, 2).expand(-1, 8, -1)
    log_probability, _ = model.log_likelihood(z, bits, torch.tensor(0.0))
    torch.testing.assert_close(log_probability.exp().sum(dim=1), torch.ones(6))
