from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from reid.geometry.curves import (
    lengths,
    smoothed_straight_lengths,
    smoothed_velocities,
    smoothness,
    straight_lengths,
    straight_lines,
    velocities,
)


def circle(angle: Tensor) -> Tensor:
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def test_length_and_velocity_on_a_circle() -> None:
    curve = straight_lines(torch.tensor([[0.0]]), torch.tensor([[math.pi]]), 400)
    assert lengths(circle, curve).item() == pytest.approx(math.pi, rel=1e-4)
    torch.testing.assert_close(velocities(circle, curve), torch.full((1, 399), math.pi), rtol=1e-3, atol=0)


def test_straight_lines_under_a_linear_decoder_have_the_length_of_their_image() -> None:
    rng = np.random.default_rng(0)
    weight, start, end = rng.normal(size=(5, 3)), rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    matrix = torch.from_numpy(weight).float()
    expected = np.linalg.norm((end - start) @ weight.T, axis=1)
    for segments in (1, 7):
        found = straight_lengths(lambda z: z @ matrix.T, start, end, segments)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_many_lines_go_through_the_decoder_in_parts() -> None:
    rows: list[int] = []

    def decode(z: Tensor) -> Tensor:
        rows.append(len(z))
        return z

    ends = np.random.default_rng(0).normal(size=(9000, 2))
    found = straight_lengths(decode, np.zeros_like(ends), ends, 4)
    np.testing.assert_allclose(found, np.linalg.norm(ends, axis=1), rtol=1e-5)
    assert max(rows) <= 16_384
    assert sum(rows) == 9000 * 5


def test_no_line_has_no_length() -> None:
    assert straight_lengths(circle, np.empty((0, 1)), np.empty((0, 1)), 3).shape == (0,)


def test_smoothed_velocities_follow_the_formula() -> None:
    scale = torch.tensor([2.0, 0.5])
    start, end = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    curve = straight_lines(start, end, 5)
    plain = smoothed_velocities(lambda z: z * scale, curve, 0.0)
    torch.testing.assert_close(plain, velocities(lambda z: z * scale, curve))
    values = scale**2
    shrunk = values**3 / (values**2 + 0.1)
    expected = (torch.tensor([3.0, 4.0]).square() * shrunk).sum().sqrt()
    found = smoothed_velocities(lambda z: z * scale, curve, 0.1)
    torch.testing.assert_close(found, expected.expand(1, 4))


def test_a_decoder_that_stands_still_has_a_velocity_with_a_gradient() -> None:
    curve = straight_lines(torch.zeros(1, 2), torch.ones(1, 2), 4).requires_grad_(True)
    smoothed_velocities(lambda z: 0.0 * z, curve, 0.1).sum().backward()
    assert curve.grad is not None
    assert curve.grad.isfinite().all()


def test_smoothness_is_the_second_derivative() -> None:
    start, end = torch.zeros(2, 1), torch.tensor([[1.0], [2.0]])
    found = smoothness(lambda z: torch.cat([z, 3.0 * z**2], dim=1), start, end, samples=50)
    torch.testing.assert_close(found, torch.tensor([[0.0, 6.0], [0.0, 24.0]]), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_a_path_is_as_long_the_other_way_round(smoothing: float) -> None:
    path = np.random.default_rng(0).normal(size=(5, 1))

    def length(corners: np.ndarray) -> float:
        pieces = circle, corners[:-1], corners[1:], 10
        found = smoothed_straight_lengths(*pieces, smoothing) if smoothing else straight_lengths(*pieces)
        return float(found.sum())

    assert length(path[::-1]) == pytest.approx(length(path), rel=1e-5)
