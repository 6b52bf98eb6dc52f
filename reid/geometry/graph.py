"""Geodesics on a graph in the latent space (Chen et al. 2019; FMVAE, table 1).

Nodes are spread over the latent box, each is joined with its nearest ones, and an edge is as long as its
image in observation space. A shortest path on a graph can only go where edges are, so even in a perfectly
flat space it is longer than the straight line: by 2.6 % with the paper's graph in two dimensions, by 35 %
in five. What the same graph would find in a flat space, the *flat ceiling*, is therefore part of every
answer: no ratio can be better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from reid.geometry.curves import smoothed_straight_lengths, straight_lengths
from reid.geometry.metric import Decode, metric_tensors, smoothed

Points = NDArray[np.float64]
Pairs = NDArray[np.int64]

#: Sources of shortest paths at a time: each takes 12 bytes for every node.
_SOURCES = 128

#: A straight line is measured about as finely as a path, or its longer chords would cut more corners.
_LINE_CHORDS = 256


@dataclass(frozen=True, slots=True)
class Geodesics:
    """Shortest paths between pairs of points, with all that is needed to judge them.

    Attributes:
        paths: for each pair the latents along its path, both ends included.
        observed: length of each path in observation space.
        latent: length of each path in the latent space.
        straight_observed: length of the straight line in observation space.
        straight_latent: distance of the two latents.
        ceiling: distance of the two latents over the graph's shortest path in the latent space: the latent
            ratio that the same graph reaches in a flat space.
    """

    paths: list[Points]
    observed: NDArray[np.float64]
    latent: NDArray[np.float64]
    straight_observed: NDArray[np.float64]
    straight_latent: NDArray[np.float64]
    ceiling: NDArray[np.float64]

    @property
    def observation_ratio(self) -> NDArray[np.float64]:
        """Straight line over geodesic in observation space: 1 is flat, more is not; at least the ceiling."""
        return self.straight_observed / self.observed

    @property
    def latent_ratio(self) -> NDArray[np.float64]:
        """Straight line over geodesic in the latent space: at most 1, and in a flat space the ceiling."""
        return self.straight_latent / self.latent


@dataclass(frozen=True, slots=True)
class LatentGraph:
    """Nodes and edges with two lengths each.

    Attributes:
        nodes: (n, N); the points that paths are wanted between come first.
        observed: (n, n), symmetric: the edges' lengths in observation space.
        latent: (n, n), the same edges: their lengths in the latent space.
        decode: f, which the lengths are of.
        smoothing: λ_s of the metric tensor that they are measured by, 0 for the plain one.
    """

    nodes: Points
    observed: csr_array
    latent: csr_array
    decode: Decode
    smoothing: float = 0.0

    @classmethod
    def build(
        cls,
        decode: Decode,
        points: Points,
        *,
        data: Points | None = None,
        nodes: int = 14_400,
        neighbours: int = 12,
        segments: int = 5,
        margin: float = 0.1,
        seed: int = 0,
        smoothing: float = 0.0,
    ) -> LatentGraph:
        """Spread nodes uniformly over the box around the data, join neighbours and measure.

        Args:
            decode: f, latents to observations, on the CPU.
            points: (P, N) nodes that must be there, the ends of paths.
            data: (n, N) latents that span the box; None: the points themselves.
            nodes: how many others.
            neighbours: with how many of the nearest each node is joined.
            segments: chords for each edge.
            margin: how far the box extends beyond the data, as a share of its sides.
            seed: of the nodes.
            smoothing: λ_s of (Chen et al. 2018, 17), by whose metric tensor edges are measured; with 0 they
                are measured along the chords.

        Raises:
            ValueError: if the graph falls apart.
        """
        points = np.asarray(points, dtype=np.float64)
        spanning = points if data is None else np.concatenate([data, points])
        low, high = spanning.min(axis=0), spanning.max(axis=0)
        low, high = low - margin * (high - low), high + margin * (high - low)
        spread = np.random.default_rng(seed).uniform(low, high, (nodes, points.shape[1]))
        return cls.of(
            decode,
            np.concatenate([points, spread]),
            neighbours=neighbours,
            segments=segments,
            smoothing=smoothing,
        )

    @classmethod
    def of(
        cls,
        decode: Decode,
        nodes: Points,
        *,
        neighbours: int = 12,
        segments: int = 5,
        smoothing: float = 0.0,
    ) -> LatentGraph:
        """Join given nodes (n, N) with their neighbours and measure.

        Raises:
            ValueError: if the graph falls apart.
        """
        nodes = np.ascontiguousarray(nodes, dtype=np.float64)
        edges = nearest_neighbour_edges(nodes, neighbours)
        return cls.with_edges(decode, nodes, edges, segments, smoothing)

    @classmethod
    def with_edges(
        cls, decode: Decode, nodes: Points, edges: Pairs, segments: int, smoothing: float = 0.0
    ) -> LatentGraph:
        """Measure given edges (E, 2), each of which is named once.

        Raises:
            ValueError: if the graph falls apart.
        """
        start, end = nodes[edges[:, 0]], nodes[edges[:, 1]]
        latent = _symmetric(edges, np.linalg.norm(end - start, axis=1), len(nodes))
        parts, part_of = connected_components(latent, directed=False)
        if parts > 1:
            largest = int(np.bincount(part_of).max())
            raise ValueError(
                f"the graph falls into {parts} parts, the largest with {largest} of {len(nodes)} nodes: "
                f"expected one; join each node with more neighbours"
            )
        lengths = (
            _smoothed_edge_lengths(decode, nodes, edges, smoothing)
            if smoothing
            else straight_lengths(decode, start, end, segments)
        )
        return cls(nodes, _symmetric(edges, lengths, len(nodes)), latent, decode, smoothing)

    def geodesics(self, pairs: Pairs) -> Geodesics:
        """Shortest paths.

        Args:
            pairs: (P, 2) numbers of nodes, two different ones each.
        """
        pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        if (pairs[:, 0] == pairs[:, 1]).any():
            raise ValueError("a path needs two different nodes")
        start, end = self.nodes[pairs[:, 0]], self.nodes[pairs[:, 1]]
        observed, paths = np.empty(len(pairs)), [np.empty((0, 0))] * len(pairs)
        flat = np.empty(len(pairs))
        sources, source_of = np.unique(pairs[:, 0], return_inverse=True)
        for first in range(0, len(sources), _SOURCES):
            some = sources[first : first + _SOURCES]
            distances, before = dijkstra(self.observed, indices=some, return_predecessors=True)
            straight = dijkstra(self.latent, indices=some)
            for number in np.flatnonzero((source_of >= first) & (source_of < first + _SOURCES)):
                row, goal = source_of[number] - first, pairs[number, 1]
                observed[number], flat[number] = distances[row, goal], straight[row, goal]
                paths[number] = self.nodes[_path(before[row], goal)]
        straight_latent = np.linalg.norm(end - start, axis=1)
        return Geodesics(
            paths=paths,
            observed=observed,
            latent=np.array([np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in paths]),
            straight_observed=(
                smoothed_straight_lengths(self.decode, start, end, _LINE_CHORDS, self.smoothing)
                if self.smoothing
                else straight_lengths(self.decode, start, end, _LINE_CHORDS)
            ),
            straight_latent=straight_latent,
            ceiling=straight_latent / flat,
        )

    def distances(self, node: int) -> NDArray[np.float64]:
        """Shortest distance in observation space from one node to all, (n,)."""
        found: NDArray[np.float64] = dijkstra(self.observed, indices=np.array([node]))[0]
        return found


def nearest_neighbour_edges(nodes: Points, neighbours: int) -> Pairs:
    """Edges (E, 2) from each node to its nearest ones, each named once however many name it."""
    if not 1 <= neighbours < len(nodes):
        raise ValueError(f"expected 1 … {len(nodes) - 1} neighbours for {len(nodes)} nodes, not {neighbours}")
    _, nearest = cKDTree(nodes).query(nodes, neighbours + 1)
    here = np.repeat(np.arange(len(nodes)), neighbours + 1)
    both = np.sort(np.stack([here, nearest.ravel()], axis=1), axis=1)
    # Usually a node is its own nearest neighbour, but not where two coincide.
    edges: Pairs = np.unique(both[both[:, 0] != both[:, 1]], axis=0).astype(np.int64)
    return edges


def _smoothed_edge_lengths(
    decode: Decode, nodes: Points, edges: Pairs, strength: float
) -> NDArray[np.float64]:
    """Length of each edge by the smoothed metric tensors at its two nodes, each computed once."""
    tensors = smoothed(metric_tensors(decode, torch.from_numpy(nodes)), strength).numpy()
    moves = nodes[edges[:, 1]] - nodes[edges[:, 0]]
    speeds = [np.einsum("ei,eij,ej->e", moves, tensors[ends], moves) for ends in edges.T]
    lengths: NDArray[np.float64] = 0.5 * np.sqrt(np.maximum(speeds, 0.0)).sum(axis=0)
    return lengths


def _symmetric(edges: Pairs, weights: NDArray[np.float64], count: int) -> csr_array:
    # An entry of zero is no edge to scipy: a decoder that does not move at all still leaves a path open.
    weights = np.maximum(weights, np.finfo(np.float64).tiny)
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    return csr_array(coo_array((np.concatenate([weights, weights]), (rows, columns)), shape=(count, count)))


def _path(before: NDArray[np.int32], goal: int) -> list[int]:
    """Nodes from the source to the goal, by each node's predecessor; the source has none, below 0."""
    path = [goal]
    while (node := int(before[path[-1]])) >= 0:
        path.append(node)
    return path[::-1]
