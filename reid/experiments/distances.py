"""Whether straight lines in the latent space are shortest paths (FMVAE, tables 1 and 3; figures 3 and 5)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from reid.geometry.curves import smoothness
from reid.geometry.graph import Geodesics, LatentGraph, Pairs
from reid.geometry.metric import Decode
from reid.geometry.network import GeodesicSettings, NetworkGeodesics, network_geodesics
from reid.objective.precision import full_precision


def random_pairs(count: int, pairs: int, seed: int = 0) -> Pairs:
    """Pairs (P, 2) of different ones of ``count`` data, none drawn twice: of few data fewer than wanted."""
    drawn = np.random.default_rng(seed).choice(count, 2 * min(pairs, count // 2), replace=False)
    return drawn.reshape(-1, 2).astype(np.int64)


def graph_geodesics(
    decode: Decode,
    latents: NDArray[np.float64],
    pairs: Pairs,
    *,
    nodes: int = 14_400,
    neighbours: int = 12,
    seed: int = 0,
) -> Geodesics:
    """Shortest paths between data on the paper's graph: its nodes fill the box around all data.

    Args:
        decode: f.
        latents: (n, N) of the data.
        pairs: (P, 2) numbers of data.
        nodes: of the graph; the paper's 14,400.
        neighbours: of each node; the paper's 12.
        seed: of the nodes.
    """
    graph = LatentGraph.build(
        decode, latents[pairs.ravel()], data=latents, nodes=nodes, neighbours=neighbours, seed=seed
    )
    return graph.geodesics(np.arange(2 * len(pairs)).reshape(-1, 2))


def curve_geodesics(
    decode: Decode, latents: NDArray[np.float64], pairs: Pairs, settings: GeodesicSettings, seed: int = 0
) -> NetworkGeodesics:
    """Shortest curves between data by small networks: they may go anywhere, not along edges only."""
    start, end = (torch.from_numpy(latents[pairs[:, side]]) for side in (0, 1))
    return network_geodesics(decode, start, end, settings, seed)


def interpolation_smoothness(
    decode: Decode, latents: NDArray[np.float64], pairs: Pairs, samples: int = 100
) -> NDArray[np.float64]:
    """Mean absolute second derivative of each observed number along straight lines, (P, D)."""
    start, end = (torch.from_numpy(latents[pairs[:, side]]).float() for side in (0, 1))
    with torch.no_grad(), full_precision(torch.device("cpu")):
        return smoothness(decode, start, end, samples).double().numpy()
