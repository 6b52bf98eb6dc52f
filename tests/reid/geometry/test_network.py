from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, nn

from reid.geometry.curves import lengths, straight_lines
from reid.geometry.graph import LatentGraph
from reid.geometry.network import CurveNetworks, GeodesicSettings, bezier_curves, network_geodesics

QUICK = GeodesicSettings(hidden=48, samples=100, steps=300, candidates=8)


def test_great_circles_on_a_sphere(sphere: Any) -> None:
    start = torch.tensor([[0.6, 0.2], [1.0, 0.0], [0.5, -1.0]])
    end = torch.tensor([[0.7, 2.5], [2.0, 1.0], [0.5, 1.0]])
    expected = sphere.distance(start, end)
    found = network_geodesics(sphere.decode, start, end, QUICK)
    torch.testing.assert_close(found.lengths.double(), expected, rtol=0.01, atol=0)
    # A straight line in the angles may be much longer.
    assert (found.straight[[0, 2]] > 1.1 * expected[[0, 2]]).all()


def test_the_swiss_roll_is_followed_along_the_sheet(swiss_roll: Any) -> None:
    start = torch.tensor([[5.0, 0.0], [13.0, 0.2]])
    end = torch.tensor([[12.0, 1.5], [6.0, 2.0]])
    found = network_geodesics(swiss_roll.decode, start, end, QUICK)
    torch.testing.assert_close(found.lengths.double(), swiss_roll.distance(start, end), rtol=0.01, atol=0)


def test_graph_and_network_agree() -> None:
    torch.manual_seed(3)
    decode = nn.Sequential(nn.Linear(2, 40), nn.Tanh(), nn.Linear(40, 12)).requires_grad_(False)
    decode[0].weight.mul_(2.0)
    points = np.random.default_rng(0).normal(size=(12, 2))
    start, end = torch.from_numpy(points).float().view(6, 2, 2).unbind(dim=1)
    network = network_geodesics(decode, start, end, QUICK)
    graph = LatentGraph.build(decode, points, nodes=10_000, neighbours=60, margin=0.3)
    by_graph = graph.geodesics(np.arange(12).reshape(6, 2)).observed
    np.testing.assert_allclose(network.lengths.numpy(), by_graph, rtol=0.01)


def test_in_a_flat_space_the_straight_line_stays() -> None:
    start, end = torch.randn(3, 4), torch.randn(3, 4)
    found = network_geodesics(lambda z: 2.0 * z, start, end, QUICK)
    torch.testing.assert_close(found.lengths, 2.0 * (end - start).norm(dim=1), rtol=1e-4, atol=0)
    assert (found.lengths <= found.straight).all()


def test_no_curve_is_longer_than_the_straight_line() -> None:
    def step(z: torch.Tensor) -> torch.Tensor:
        # A wall: whoever crosses it slowly has a lower peak, on a longer way.
        return torch.cat([z, 0.5 * torch.tanh(100.0 * z[:, :1])], dim=1)

    start = torch.tensor([[-1.0, 0.0]] * 4)
    end = torch.tensor([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0], [0.7, -0.2]])
    settings = GeodesicSettings(samples=60, steps=100, hidden=50, fit_steps=50, candidates=16)
    found = network_geodesics(step, start, end, settings)
    assert (found.lengths <= found.straight).all()
    measured = lengths(step, found.curves)
    torch.testing.assert_close(measured, found.lengths, rtol=0.05, atol=0)


def test_ends_are_exact_whatever_the_weights() -> None:
    start, end = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.0, -1.0], [0.0, 5.0]])
    networks = CurveNetworks(start, end, 10, Generator().manual_seed(0))
    # The first pair shares a coordinate: the paper's form divides by its difference.
    curves = networks(torch.linspace(0.0, 1.0, 30))
    torch.testing.assert_close(curves[:, 0], start)
    torch.testing.assert_close(curves[:, -1], end)
    assert (curves[0, 1:-1, 0] - 1.0).abs().max() > 0


def test_bezier_curves_keep_their_ends_and_go_aside_at_right_angles() -> None:
    start, end = torch.tensor([[0.0, 0.0, 0.0]]).expand(50, 3), torch.tensor([[2.0, 0.0, 0.0]]).expand(50, 3)
    curves = bezier_curves(start, end, 3, 20, Generator().manual_seed(0))
    torch.testing.assert_close(curves[:, 0], start)
    torch.testing.assert_close(curves[:, -1], end)
    # Control points do not move along the line, so neither does the curve at any time.
    torch.testing.assert_close(curves[..., 0], torch.linspace(0.0, 2.0, 20).expand(50, 20))
    aside = curves[..., 1:].norm(dim=-1)
    assert 0.2 < aside.max() <= 1.0


def test_smoothing_keeps_the_curve_on_the_ridge() -> None:
    # One direction hardly moves the observation: under the smoothed metric it costs nearly nothing.
    scale = torch.tensor([1.0, 0.1])
    start, end = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 1.0]])
    plain = network_geodesics(lambda z: z * scale, start, end, QUICK)
    smooth = network_geodesics(
        lambda z: z * scale, start, end, QUICK.model_copy(update={"smoothing": 1.0, "steps": 20})
    )
    values = scale**2
    expected = (values**3 / (values**2 + 1.0)).sum().sqrt()
    torch.testing.assert_close(smooth.lengths, expected[None], rtol=1e-3, atol=0)
    assert (smooth.lengths < plain.lengths).all()


def test_the_same_seed_finds_the_same_and_the_decoder_gets_no_gradient() -> None:
    torch.manual_seed(0)
    decode = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3))
    start, end = torch.zeros(1, 2), torch.ones(1, 2)
    settings = GeodesicSettings(hidden=8, samples=20, steps=5, candidates=2)
    first, again = (network_geodesics(decode, start, end, settings, seed=4) for _ in range(2))
    torch.testing.assert_close(first.curves, again.curves, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in decode.parameters())
    torch.testing.assert_close(lengths(decode, first.curves), first.lengths)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="samples"):
        GeodesicSettings(samples=2)


def test_a_guide_may_have_double_precision_and_must_have_as_many_points_as_the_curves() -> None:
    start, end = torch.tensor([[0.6, 0.2]]), torch.tensor([[0.7, 2.5]])
    settings = GeodesicSettings(hidden=4, samples=20, steps=1, candidates=0, fit_steps=0)
    decode = nn.Linear(2, 3).requires_grad_(False)
    guide = straight_lines(start, end, 20).double()
    found = network_geodesics(decode, start, end, settings, guides=guide)
    assert found.curves.dtype == torch.float32
    with pytest.raises(ValueError, match=r"guides have shape \(1, 7, 2\); expected \(1, 20, 2\)"):
        network_geodesics(decode, start, end, settings, guides=guide[:, :7])
