"""Fields of equal observation-space distance around a latent (FMVAE, figures 1, 3, 7, 8).

Either along straight rays from it, which is the length (FMVAE, 6) of straight lines, or by shortest paths
over a grid, which is the distance (FMVAE, 7) itself. Where the space is flat, both are circles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from reid.geometry.curves import ROWS
from reid.geometry.graph import LatentGraph, Pairs
from reid.geometry.metric import Decode
from reid.objective.precision import full_precision

#: On a flat grid a path is at most 1.3 % longer than the straight line if it may go this far in one step.
_REACH = 3


@dataclass(frozen=True, slots=True)
class DistanceField:
    """Distances in observation space from a centre.

    Attributes:
        x: (…) first latent of each point.
        y: (…) second latent.
        distances: (…) from the centre.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    distances: NDArray[np.float64]


def ray_field(
    decode: Decode, centre: NDArray[np.float64], radius: float, rays: int = 180, samples: int = 100
) -> DistanceField:
    """Lengths along straight rays, as a polar grid (rays + 1, samples); the last ray is the first again.

    Args:
        decode: f, of two latents.
        centre: (2,) where the rays start.
        radius: where they end, in the latent space.
        rays: how many.
        samples: points on each.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, rays + 1)[:, None]
    radii = np.linspace(0.0, radius, samples)
    x, y = centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)
    decoded = _decoded(decode, np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(rays + 1, samples, -1)
    steps = np.linalg.norm(np.diff(decoded, axis=1), axis=-1)
    distances = np.concatenate([np.zeros((rays + 1, 1)), np.cumsum(steps, axis=1)], axis=1)
    return DistanceField(x, y, distances)


class Grid:
    """A grid over a rectangle of the latent plane, measured once for shortest distances from any point.

    Args:
        decode: f, of two latents.
        low: (2,) lower corner.
        high: (2,) upper corner.
        side: points along each axis.
        segments: chords for each edge.
    """

    def __init__(
        self,
        decode: Decode,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        side: int = 100,
        segments: int = 3,
    ) -> None:
        x, y = (np.linspace(low[axis], high[axis], side) for axis in (0, 1))
        self.x, self.y = np.meshgrid(x, y)
        self.points = np.stack([self.x.ravel(), self.y.ravel()], axis=1)
        self._graph = LatentGraph.with_edges(decode, self.points, grid_edges(side), segments)

    def field(self, centre: NDArray[np.float64]) -> DistanceField:
        """Shortest distances from the grid point nearest to a centre (2,)."""
        (node,) = self.nearest(centre[None])
        return DistanceField(self.x, self.y, self._graph.distances(int(node)).reshape(self.x.shape))

    def nearest(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Numbers of the grid points nearest to some points (n, 2), row by row."""
        steps = (self.points[-1] - self.points[0]) / (len(self.x) - 1)
        column, row = np.rint((points - self.points[0]) / steps).clip(0, len(self.x) - 1).astype(np.int64).T
        numbers: NDArray[np.int64] = row * len(self.x) + column
        return numbers


def grid_edges(side: int, reach: int = _REACH) -> Pairs:
    """Edges between the points of a square grid, numbered row by row, (E, 2).

    A point is joined with those at most ``reach`` rows and columns away, but for those that lie behind
    another one: an edge over a point would be one long chord where there could be two.
    """
    numbers = np.arange(side * side).reshape(side, side)
    reach = min(reach, side - 1)
    edges = []
    for rows in range(reach + 1):
        for columns in range(-reach, reach + 1):
            if math.gcd(rows, columns) != 1 or (rows == 0 and columns < 0):
                continue
            here = numbers[: side - rows, max(0, -columns) : side - max(0, columns)]
            there = numbers[rows:, max(0, columns) : side + min(0, columns)]
            edges.append(np.stack([here.ravel(), there.ravel()], axis=1))
    return np.concatenate(edges)


def _decoded(decode: Decode, points: NDArray[np.float64]) -> NDArray[np.float64]:
    with torch.no_grad(), full_precision(torch.device("cpu")):
        parts = [decode(rows) for rows in torch.split(torch.from_numpy(points).float(), ROWS)]
    return torch.cat(parts).double().numpy()
