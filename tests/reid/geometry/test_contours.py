from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from reid.geometry.contours import Grid, grid_edges, ray_field


def doubled(z: Tensor) -> Tensor:
    return 2.0 * z


def test_rays_in_a_flat_space_are_circles() -> None:
    centre = np.array([1.0, -2.0])
    field = ray_field(doubled, centre, 3.0, rays=12, samples=20)
    assert field.distances.shape == (13, 20)
    np.testing.assert_allclose(
        field.distances, 2.0 * np.hypot(field.x - 1.0, field.y + 2.0), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(field.distances[0], field.distances[-1], rtol=1e-4)


def test_the_grid_of_a_flat_space_is_nearly_circles() -> None:
    grid = Grid(doubled, np.array([-1.0, -1.0]), np.array([1.0, 1.0]), side=41)
    field = grid.field(np.array([0.0, 0.0]))
    exact = 2.0 * np.hypot(field.x, field.y)
    away = exact > 0.2
    ratio = field.distances[away] / exact[away]
    assert ratio.min() > 0.999
    assert ratio.max() < 1.014


def test_the_grid_finds_great_circles(sphere: Any) -> None:
    grid = Grid(sphere.decode, np.array([0.5, -1.2]), np.array([2.6, 1.2]), side=81)
    centre = np.array([1.2, 0.0])
    field = grid.field(centre)
    (node,) = grid.nearest(centre[None])
    start = torch.from_numpy(grid.points[node])[None]
    exact = sphere.distance(start, torch.from_numpy(grid.points)).numpy().reshape(field.x.shape)
    away = exact > 0.3
    np.testing.assert_allclose(field.distances[away], exact[away], rtol=0.02)


@pytest.mark.parametrize("reach, directions", [(1, 8), (2, 16), (3, 32)])
def test_grid_edges_go_every_way_once(reach: int, directions: int) -> None:
    side = 9
    edges = grid_edges(side, reach)
    assert len({frozenset(edge) for edge in edges.tolist()}) == len(edges)
    middle = side * side // 2
    assert int((edges == middle).any(axis=1).sum()) == directions
    rows, columns = np.divmod(edges, side)
    moves = np.stack([np.diff(rows)[:, 0], np.diff(columns)[:, 0]], axis=1)
    assert np.abs(moves).max() == reach
    assert all(math.gcd(*move) == 1 for move in moves.tolist())


def test_nearest_grid_points() -> None:
    grid = Grid(doubled, np.array([0.0, 0.0]), np.array([4.0, 2.0]), side=5)
    found = grid.points[grid.nearest(np.array([[1.2, 0.4], [-5.0, 9.0]]))]
    np.testing.assert_allclose(found, [[1.0, 0.5], [0.0, 2.0]])


def test_a_grid_may_be_smaller_than_its_edges_reach() -> None:
    grid = Grid(doubled, np.array([0.0, 0.0]), np.array([1.0, 1.0]), side=2)
    distances = grid.field(np.array([0.0, 0.0])).distances
    np.testing.assert_allclose(distances, [[0.0, 2.0], [2.0, math.sqrt(8.0)]], rtol=1e-6)
