from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from reid.geometry.metric import (
    SMALLEST,
    Decode,
    condition_numbers,
    eigenvalues,
    jacobians,
    log_magnification,
    metric_tensors,
    normalised_magnification,
    relative_deviations,
    smoothed,
)


def curved_decoder() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 20)).requires_grad_(False)


def difference_jacobians(decode: Decode, z: Tensor, step: float) -> Tensor:
    """Jacobians (B, D, N) at latents (B, N) by central differences."""
    steps = step * torch.eye(z.shape[1], dtype=z.dtype)
    return torch.stack([(decode(z + each) - decode(z - each)) / (2.0 * step) for each in steps], dim=2)


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_exact_jacobians_agree_with_differences(chunk: int) -> None:
    decode, z = curved_decoder().double(), torch.randn(10, 3, dtype=torch.float64)
    exact = jacobians(decode, z, chunk)
    assert exact.shape == (10, 20, 3)
    torch.testing.assert_close(exact, difference_jacobians(decode, z, step=1e-5), rtol=1e-6, atol=1e-9)


def test_exact_jacobians_of_a_rectified_decoder_agree_with_differences_away_from_its_kinks() -> None:
    torch.manual_seed(0)
    decode = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 5)).double()
    z = torch.randn(20, 2, dtype=torch.float64)
    difference = difference_jacobians(decode, z, step=1e-7)
    torch.testing.assert_close(jacobians(decode, z), difference, rtol=1e-5, atol=1e-7)


def test_gradients_flow_through_exact_jacobians() -> None:
    decode, z = curved_decoder().double(), torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda points: jacobians(decode, points), z)


def test_a_linear_decoder_has_its_gram_matrix_everywhere() -> None:
    weight = torch.randn(7, 3, dtype=torch.float64)
    tensors = metric_tensors(lambda z: z @ weight.float().T, torch.randn(5, 3), chunk=2)
    assert tensors.dtype == torch.float64
    torch.testing.assert_close(tensors, (weight.T @ weight).expand(5, 3, 3), rtol=1e-5, atol=1e-5)


def test_figures_of_known_eigenvalues() -> None:
    tensors = torch.diag_embed(torch.tensor([[4.0, 1.0], [9.0, 1.0]], dtype=torch.float64))
    values, raised = eigenvalues(tensors)
    assert values.tolist() == [[1, 4], [1, 9]]
    assert not raised.any()
    assert condition_numbers(values).tolist() == [4, 9]
    torch.testing.assert_close(log_magnification(values).exp(), torch.tensor([2.0, 3.0]).double())
    torch.testing.assert_close(normalised_magnification(values), torch.tensor([0.8, 1.2]).double())
    c2 = 15 / 4
    expected = [((4 / c2 - 1) ** 2 + (1 / c2 - 1) ** 2) / 2, ((9 / c2 - 1) ** 2 + (1 / c2 - 1) ** 2) / 2]
    torch.testing.assert_close(relative_deviations(values), torch.tensor(expected).double())


def test_collapsed_directions_are_finite_and_counted() -> None:
    tensors = torch.diag_embed(torch.tensor([[0.0, 2.0], [1.0, 1.0], [0.0, 0.0]], dtype=torch.float64))
    values, raised = eigenvalues(tensors)
    assert raised.tolist() == [True, False, True]
    # Where the decoder stands still altogether it is as far from flat as can be.
    assert condition_numbers(values).tolist() == pytest.approx([1 / SMALLEST, 1, 1 / SMALLEST])
    assert log_magnification(values).isfinite().all()
    assert relative_deviations(values)[2].item() == pytest.approx(1)
    assert relative_deviations(values[2:]).tolist() == pytest.approx([1])


def test_magnification_of_many_latents_does_not_underflow() -> None:
    values = torch.full((3, 128), 1e-6, dtype=torch.float64)
    assert values.prod(dim=1).tolist() == [0, 0, 0]
    torch.testing.assert_close(normalised_magnification(values), torch.ones(3).double())


def test_smoothing_is_the_paper_s_singular_value_formula() -> None:
    torch.manual_seed(0)
    factors = torch.randn(6, 8, 4, dtype=torch.float64)
    tensors, strength = factors.transpose(1, 2) @ factors, 3.0
    left, values, right = torch.linalg.svd(tensors)
    shrunk = values**3 / (values**2 + strength)
    torch.testing.assert_close(smoothed(tensors, strength), left @ torch.diag_embed(shrunk) @ right)
    shrunk[:, 2:] = 0
    torch.testing.assert_close(smoothed(tensors, strength, rank=2), left @ torch.diag_embed(shrunk) @ right)


def test_no_smoothing_changes_nothing_and_gradients_survive_equal_singular_values() -> None:
    tensors = torch.eye(3, dtype=torch.float64).expand(2, 3, 3).clone().requires_grad_(True)
    torch.testing.assert_close(smoothed(tensors, 0.0), tensors)
    smoothed(tensors, 0.5).sum().backward()
    assert tensors.grad is not None
    assert tensors.grad.isfinite().all()


@pytest.mark.parametrize("strength, rank", [(-1.0, None), (1.0, 0), (1.0, 4)])
def test_impossible_smoothing_is_refused(strength: float, rank: int | None) -> None:
    with pytest.raises(ValueError, match="rank of 1 … 3"):
        smoothed(torch.eye(3)[None], strength, rank)


def test_a_rotation_of_the_latent_space_changes_no_figure() -> None:
    decode = curved_decoder()
    torch.manual_seed(1)
    z, rotation = torch.randn(30, 3), torch.linalg.qr(torch.randn(3, 3))[0]
    plain = metric_tensors(decode, z)
    turned = metric_tensors(lambda points: decode(points @ rotation.T), z @ rotation)
    for figure in (condition_numbers, log_magnification, relative_deviations):
        torch.testing.assert_close(
            figure(eigenvalues(turned)[0]), figure(eigenvalues(plain)[0]), rtol=1e-3, atol=1e-4
        )
    assert math.isfinite(float(plain.sum()))


def test_the_user_hears_nothing_of_what_pytorch_deprecates_within_itself() -> None:
    program = (
        "import torch; from reid.geometry.metric import metric_tensors; "
        "metric_tensors(torch.square, torch.zeros(1, 2))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
