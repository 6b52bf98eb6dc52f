from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reid.experiments.interpolation import resampled
from reid.geometry.curves import (
    lengths,
    middle_tensors,
    smoothed_straight_lengths,
    smoothed_velocities,
    straight_lines,
    tensor_velocities,
)
from reid.geometry.graph import LatentGraph
from reid.geometry.network import GeodesicSettings, network_geodesics

QUICK = GeodesicSettings(hidden=48, samples=60, steps=200, candidates=8)


@pytest.fixture
def decode() -> nn.Module:
    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(2, 40), nn.Tanh(), nn.Linear(40, 12)).requires_grad_(False)
    network[0].weight.mul_(2.0)
    return network


@pytest.mark.parametrize("strength", [0.0, 0.5, 100.0])
def test_speeds_by_tensors_are_those_with_gradients(decode: nn.Module, strength: float) -> None:
    curves = torch.randn(3, 20, 2)
    found = tensor_velocities(middle_tensors(decode, curves), curves, strength)
    expected = smoothed_velocities(decode, curves, strength).double()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_without_smoothing_they_are_the_chords_lengths(decode: nn.Module) -> None:
    lines = straight_lines(torch.randn(4, 2), torch.randn(4, 2), 200)
    found = tensor_velocities(middle_tensors(decode, lines), lines).mean(dim=1)
    torch.testing.assert_close(found, lengths(decode, lines).double(), rtol=1e-3, atol=0)


def test_in_a_flat_space_smoothing_is_one_factor() -> None:
    points = np.random.default_rng(0).normal(size=(12, 2))
    graph = LatentGraph.build(lambda z: 3.0 * z, points, nodes=500, smoothing=2.0)
    found = graph.geodesics(np.arange(12).reshape(6, 2))
    # G is 9 in every direction, and becomes 9³ / (9² + λ).
    factor = np.sqrt(9.0**3 / (9.0**2 + 2.0))
    np.testing.assert_allclose(found.observed, factor * found.latent, rtol=1e-5)
    np.testing.assert_allclose(found.straight_observed, factor * found.straight_latent, rtol=1e-5)


def test_graph_and_network_agree_under_smoothing(decode: nn.Module) -> None:
    points = np.random.default_rng(0).normal(size=(8, 2))
    start, end = torch.from_numpy(points).float().view(4, 2, 2).unbind(dim=1)
    strength = 50.0
    graph = LatentGraph.build(decode, points, nodes=8000, neighbours=40, margin=0.3, smoothing=strength)
    found = graph.geodesics(np.arange(8).reshape(4, 2))
    guides = torch.from_numpy(np.stack([resampled(path, QUICK.samples) for path in found.paths])).float()
    settings = QUICK.model_copy(update={"smoothing": strength})
    network = network_geodesics(decode, start, end, settings, guides=guides)
    np.testing.assert_allclose(network.lengths.numpy(), found.observed, rtol=0.05)
    straight = smoothed_straight_lengths(decode, points[::2], points[1::2], 59, strength)
    np.testing.assert_allclose(network.straight.numpy(), straight, rtol=1e-3)
    assert (found.observed <= 1.01 * found.straight_observed).all()


def test_a_guide_shows_the_way_round(sphere: Any) -> None:
    # Through the pole the way is short, but on the map it is far from the straight line.
    start, end = torch.tensor([[0.3, -1.5]]), torch.tensor([[0.3, 1.5]])
    over = torch.stack(
        [
            torch.cat([torch.linspace(0.3, 0.02, 30), torch.linspace(0.02, 0.3, 30)]),
            torch.linspace(-1.5, 1.5, 60),
        ],
        dim=1,
    )
    settings = QUICK.model_copy(update={"steps": 0, "fit_steps": 0, "candidates": 0})
    alone = network_geodesics(sphere.decode, start, end, settings)
    guided = network_geodesics(sphere.decode, start, end, settings, guides=over[None])
    assert float(guided.lengths) < float(alone.lengths)
