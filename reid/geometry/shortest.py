"""The shortest curve known between two latents: a graph's path, or the straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reid.geometry.graph import LatentGraph, Points
from reid.geometry.metric import Decode


@dataclass(frozen=True, slots=True)
class Geodesic:
    """A shortest curve between two latents.

    Attributes:
        path: (T, N) corners of the curve, both ends included.
        length: of the curve in observation space.
        straight_length: of the straight line between the ends: the same where the space is flat.
    """

    path: Points
    length: float
    straight_length: float


def shortest_curves(
    decode: Decode,
    start: Points,
    end: Points,
    *,
    data: Points,
    nodes: int,
    neighbours: int,
    unit: float = 1.0,
) -> list[Geodesic]:
    """Shortest curves from each start (P, N) to its end (P, N), all on one graph.

    A graph's path has corners, so the straight line may be shorter. Between equal latents there is nothing.

    Args:
        decode: f.
        start: latents.
        end: latents.
        data: (n, N) latents that span the box that the graph fills.
        nodes: of the graph.
        neighbours: nodes that each is joined with.
        unit: that lengths are multiplied by.
    """
    # A point that several curves share is one node: copies of it would only be each other's neighbours.
    points, number = np.unique(np.concatenate([start, end]), axis=0, return_inverse=True)
    graph = LatentGraph.build(decode, points, data=data, nodes=nodes, neighbours=neighbours)
    pairs = number.reshape(2, len(start)).T
    curves = [Geodesic(np.stack(ends), 0.0, 0.0) for ends in zip(start, end, strict=True)]
    apart = np.flatnonzero(pairs[:, 0] != pairs[:, 1])
    found = graph.geodesics(pairs[apart])
    for row, path, along, straight in zip(
        apart, found.paths, found.observed, found.straight_observed, strict=True
    ):
        if straight < along:
            path, along = path[[0, -1]], straight
        curves[row] = Geodesic(path, unit * float(along), unit * float(straight))
    return curves
