from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reid.experiments.distances import graph_geodesics, interpolation_smoothness, random_pairs
from reid.experiments.measures import Flatness, Measures
from reid.experiments.tables import (
    BELOW_CEILING,
    LATENT,
    MEDIAN,
    OBSERVATION,
    flatness_numbers,
    ratio_numbers,
    times_above,
)


def measures(condition: list[float], rmse: float) -> Measures:
    some = Flatness(np.array(condition), np.ones(len(condition)), 0.5, 0.0)
    return Measures(np.zeros((3, 2)), some, some, 1.0, rmse)


def flat(z: Tensor) -> Tensor:
    return torch.cat([2.0 * z, torch.ones_like(z)], dim=1)


def bent(z: Tensor) -> Tensor:
    """A gutter: its floor is a detour to nowhere, its middle is steep."""
    return torch.stack([z[:, 0], z[:, 1], 3.0 * torch.exp(-4.0 * z.square().sum(dim=1))], dim=1)


def test_flatness_comes_with_the_reconstruction_it_was_reached_at() -> None:
    rows = flatness_numbers("Figure 4", "M", "drawn", [measures([1, 2, 9], 0.1)], 0.05, {MEDIAN: (None, 1.5)})
    (median,) = [row for row in rows if row.quantity == MEDIAN]
    assert list(median.values) == [2.0]
    assert not median.met
    error = rows[-1]
    assert error.quantity == "RMSE, beside κ = 0.05"
    assert not error.met


def test_seeds_are_compared_one_by_one() -> None:
    low = flatness_numbers("F", "A", "", [measures([1.0], 0.0), measures([2.0], 0.0)], 1.0)
    high = flatness_numbers("F", "B", "", [measures([6.0], 0.0), measures([8.0], 0.0)], 1.0)
    row = times_above("F", MEDIAN, low, high, "-", 5.0)
    assert list(row.values) == [6.0, 4.0]
    assert row.model == "B"
    assert not row.met


def test_a_flat_space_reaches_its_ceiling() -> None:
    latents = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    pairs = random_pairs(60, 10)
    found = graph_geodesics(flat, latents, pairs, nodes=2000, neighbours=12)
    rows = {row.quantity: row.values[0] for row in ratio_numbers("T", "M", ("", ""), [found])}
    assert rows[BELOW_CEILING] == pytest.approx(0.0, abs=1e-3)
    assert rows[OBSERVATION] == pytest.approx(rows[LATENT], abs=1e-3)
    assert rows[LATENT] < 1


def test_a_bent_space_does_not() -> None:
    rng = np.random.default_rng(0)
    latents = np.stack([np.repeat([-1.0, 1.0], 20), rng.normal(0, 0.1, 40)], axis=1)
    pairs = np.stack([np.arange(10), np.arange(20, 30)], axis=1)
    box = np.concatenate([latents, [[0.0, -1.5], [0.0, 1.5]]])
    found = graph_geodesics(bent, box, pairs, nodes=3000, neighbours=12)
    rows = {row.quantity: row.values[0] for row in ratio_numbers("T", "M", ("", ""), [found])}
    assert rows[OBSERVATION] > 1.5
    assert rows[BELOW_CEILING] > 0.1


def test_pairs_are_of_different_data() -> None:
    pairs = random_pairs(40, 20)
    assert len(np.unique(pairs)) == 40
    np.testing.assert_array_equal(pairs, random_pairs(40, 20))


def test_of_few_data_there_are_fewer_pairs() -> None:
    pairs = random_pairs(7, 100)
    assert pairs.shape == (3, 2)
    assert len(np.unique(pairs)) == 6


def test_a_linear_decoder_is_smooth() -> None:
    latents = np.random.default_rng(0).normal(size=(20, 2))
    pairs = random_pairs(20, 5)
    assert interpolation_smoothness(flat, latents, pairs).max() < 0.1
    rough = interpolation_smoothness(lambda z: torch.sin(20.0 * z), latents, pairs)
    assert rough.shape == (5, 2)
    assert rough.mean() > 10
