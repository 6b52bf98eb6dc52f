from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from reid.geometry.curves import straight_lengths
from reid.geometry.graph import LatentGraph, nearest_neighbour_edges


def pairs_of(count: int) -> np.ndarray:
    return np.arange(2 * count).reshape(count, 2)


def identity(z: Tensor) -> Tensor:
    return z


def test_in_a_flat_space_all_ratios_are_the_ceiling() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    found = LatentGraph.build(identity, points, nodes=3000).geodesics(pairs_of(30))
    np.testing.assert_allclose(found.latent_ratio, found.ceiling, rtol=1e-5)
    np.testing.assert_allclose(found.observation_ratio, found.ceiling, rtol=1e-4)
    assert 0.95 < found.ceiling.mean() < 0.99
    assert (found.ceiling < 1).all()


def test_more_neighbours_raise_the_ceiling() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    few, many = (
        LatentGraph.build(identity, points, nodes=3000, neighbours=k).geodesics(pairs_of(30)).ceiling.mean()
        for k in (12, 30)
    )
    assert few < 0.985 < 0.99 < many


def test_paths_join_their_ends_and_are_as_long_as_they_say() -> None:
    points = np.random.default_rng(0).normal(size=(10, 2))
    found = LatentGraph.build(identity, points, nodes=500).geodesics(pairs_of(5))
    for number, path in enumerate(found.paths):
        np.testing.assert_array_equal(path[[0, -1]], points[[2 * number, 2 * number + 1]])
        along = straight_lengths(identity, path[:-1], path[1:], 5).sum()
        assert along == pytest.approx(found.observed[number], rel=1e-5)
        assert found.latent[number] == pytest.approx(found.observed[number], rel=1e-4)


def test_great_circles_on_a_sphere(sphere: Any) -> None:
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(0.5, 2.6, 40), rng.uniform(-1.5, 1.5, 40)], axis=1)
    graph = LatentGraph.build(sphere.decode, points, nodes=14_400, neighbours=60, margin=0.3)
    expected = sphere.distance(*torch.from_numpy(points).view(20, 2, 2).unbind(dim=1)).numpy()
    far = expected > 0.5
    found = graph.geodesics(pairs_of(20)[far])
    np.testing.assert_allclose(found.observed, expected[far], rtol=0.01)
    assert (found.observed >= 0.999 * expected[far]).all()
    assert (found.observation_ratio > 0.99).all()


def test_the_swiss_roll_is_followed_along_the_sheet(swiss_roll: Any) -> None:
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(5.0, 14.0, 20), rng.uniform(0.0, 4.0, 20)], axis=1)
    graph = LatentGraph.build(swiss_roll.decode, points, nodes=9000, neighbours=100, segments=6)
    expected = swiss_roll.distance(*torch.from_numpy(points).view(10, 2, 2).unbind(dim=1)).numpy()
    found = graph.geodesics(pairs_of(10))
    np.testing.assert_allclose(found.observed, expected, rtol=0.01)
    ends = swiss_roll.decode(torch.from_numpy(points)).view(10, 2, 3)
    chord = torch.linalg.vector_norm(ends.diff(dim=1), dim=-1)
    assert (found.observed > chord[:, 0].numpy()).all()


def test_a_graph_that_falls_apart_is_refused() -> None:
    nodes = np.random.default_rng(0).normal(size=(40, 2))
    nodes[20:] += 100.0
    with pytest.raises(ValueError, match="2 parts, the largest with 20 of 40 nodes"):
        LatentGraph.of(identity, nodes, neighbours=5)


def test_a_path_from_a_node_to_itself_is_refused() -> None:
    graph = LatentGraph.of(identity, np.random.default_rng(0).normal(size=(40, 2)), neighbours=5)
    with pytest.raises(ValueError, match="two different nodes"):
        graph.geodesics(np.array([[3, 3]]))


def test_every_edge_is_named_once_and_coinciding_nodes_keep_theirs() -> None:
    nodes = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    edges = nearest_neighbour_edges(nodes, 2)
    assert (edges[:, 0] < edges[:, 1]).all()
    assert len(np.unique(edges, axis=0)) == len(edges)
    assert [0, 1] in edges.tolist()
    with pytest.raises(ValueError, match="1 … 3 neighbours"):
        nearest_neighbour_edges(nodes, 4)


def test_a_decoder_that_stands_still_leaves_the_graph_whole() -> None:
    points = np.random.default_rng(0).normal(size=(4, 2))
    found = LatentGraph.build(lambda z: 0.0 * z, points, nodes=200).geodesics(pairs_of(2))
    assert found.observed.max() < 1e-200
    assert (found.latent_ratio <= 1.0).all()


def test_the_same_seed_gives_the_same_graph() -> None:
    points = np.random.default_rng(0).normal(size=(4, 2))
    one, same, other = (LatentGraph.build(identity, points, nodes=100, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.nodes, same.nodes)
    assert not np.array_equal(one.nodes, other.nodes)


def test_nodes_fill_the_box_around_the_data() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    data = np.array([[-4.0, 0.0], [6.0, 2.0]])
    nodes = LatentGraph.build(identity, points, data=data, nodes=2000, margin=0.1).nodes
    np.testing.assert_array_equal(nodes[:2], points)
    np.testing.assert_allclose(nodes.min(axis=0), [-5.0, -0.2], atol=0.05)
    np.testing.assert_allclose(nodes.max(axis=0), [7.0, 2.2], atol=0.05)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_nodes_may_be_any_array(smoothing: float) -> None:
    nodes = np.random.default_rng(0).normal(size=(60, 2))

    def length(some: Any) -> float:
        return float(LatentGraph.of(identity, some, smoothing=smoothing).geodesics([[0, 1]]).observed[0])

    expected = length(nodes)
    assert length(nodes[::-1].copy()[::-1]) == expected
    assert length(nodes.tolist()) == expected
