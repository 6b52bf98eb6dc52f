from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reid.experiments.circle import Circle, random_pairs_around
from reid.experiments.interpolation import (
    GEODESIC,
    QUICK_NETWORK,
    STRAIGHT,
    correlation,
    curve,
    eased,
    graph_paths,
    resampled,
    smoothing_strength,
    straight_and_geodesic,
)
from reid.experiments.mnist_2018 import classes_crossed


def stretched(z: Tensor) -> Tensor:
    return z * torch.tensor([1.0, 3.0], dtype=z.dtype)


def doubled(z: Tensor) -> Tensor:
    return 2.0 * z


def circle(count: int = 36) -> Circle:
    angles = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return Circle(None, angles, np.stack([np.cos(angles), np.sin(angles)], axis=1))  # type: ignore[arg-type]


def test_a_resampled_path_keeps_its_ends_and_its_way() -> None:
    path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 3.0]])
    found = resampled(path, 5)
    np.testing.assert_allclose(found, [[0, 0], [1, 0], [1, 1], [1, 2], [1, 3]])


def test_a_curve_is_as_long_as_its_image() -> None:
    line = np.stack([np.linspace(0.0, 3.0, 50), np.linspace(0.0, 4.0, 50)], axis=1)
    found = curve(stretched, line)
    assert found.length == pytest.approx(np.hypot(3.0, 12.0))
    np.testing.assert_allclose(found.velocity, np.hypot(3.0, 12.0))


def test_the_unit_of_smoothing_is_the_metric_tensor_s_own() -> None:
    latents = np.random.default_rng(0).normal(size=(20, 2))
    one = smoothing_strength(stretched, latents, 2.0)
    assert one == pytest.approx(2.0 * 5.0**2)
    # A decoder twice as steep has a metric tensor four times as large: the lengths' ratios stay the same.
    other = smoothing_strength(lambda z: 2.0 * stretched(z), latents, 2.0)
    first, second = (
        curve(lambda z, k=k: k * stretched(z), latents, strength).length
        for k, strength in ((1.0, one), (2.0, other))
    )
    assert second == pytest.approx(2.0 * first, rel=1e-5)


def test_geodesics_of_a_flat_space_are_straight_by_either_way() -> None:
    latents = np.random.default_rng(0).normal(size=(30, 2))
    pairs = np.arange(8).reshape(4, 2)
    graph = graph_paths(doubled, latents, pairs, nodes=4000)
    for pair, path, by_graph in zip(pairs, graph.paths, graph.observed, strict=True):
        found = straight_and_geodesic(
            doubled, latents[pair], QUICK_NETWORK, resampled(path, QUICK_NETWORK.samples)
        )
        assert found[GEODESIC].length == pytest.approx(found[STRAIGHT].length, rel=1e-3)
        # A short way has few edges, none of which is in its direction.
        assert by_graph == pytest.approx(found[STRAIGHT].length, rel=0.1)


def test_an_eased_path_has_no_corners_and_the_same_ends() -> None:
    path = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    found = eased(path, 100)
    np.testing.assert_allclose(found[[0, -1]], path[[0, -1]], atol=1e-9)
    assert (
        np.abs(np.diff(found, n=2, axis=0)).max()
        < 0.3 * np.abs(np.diff(resampled(path, 100), n=2, axis=0)).max()
    )
    assert np.abs(found - resampled(path, 100)).max() < 0.1


def test_pairs_around_a_circle_are_at_most_half_of_it_apart() -> None:
    around = circle(36)
    pairs = random_pairs_around(500, 36)
    angles = around.between(pairs)
    assert angles.min() == pytest.approx(np.radians(10.0))
    assert angles.max() == pytest.approx(np.pi)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert pairs.min() == 0
    assert pairs.max() == 35


def test_the_way_along_the_data_is_the_shorter_one() -> None:
    around = circle(360)
    for start, end in ((10, 350), (350, 10), (100, 200), (0, 179)):
        (path,) = around.along(np.array([[start, end]]), 50)
        np.testing.assert_allclose(path[[0, -1]], around.latents[[start, end]], atol=1e-9)
        length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        expected = np.radians(min((start - end) % 360, (end - start) % 360))
        assert length == pytest.approx(expected, rel=0.01)
    assert around.at(np.radians(359.9)) == 0
    assert around.at(np.radians(90.2)) == 90


def test_classes_on_the_way_are_counted_once() -> None:
    latents = np.repeat(np.array([[0.0, 0.0], [5.0, 0.0], [10.0, 0.0]]), 20, axis=0)
    labels = np.repeat([3, 7, 3], 20)
    path = np.stack([np.linspace(0.0, 10.0, 30), np.zeros(30)], axis=1)
    assert classes_crossed(path, latents, labels) == 2
    assert classes_crossed(path[:5], latents, labels) == 1


def test_correlation_of_a_line() -> None:
    values = np.arange(5.0)
    assert correlation(values, 3.0 - values) == pytest.approx(-1.0)
