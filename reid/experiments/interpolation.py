"""Geodesics beside straight lines, as in (Chen et al. 2018): by networks, by a graph, by smoothed metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import Delaunay

from reid.geometry.curves import middle_tensors, straight_lines, tensor_velocities
from reid.geometry.graph import Geodesics, LatentGraph, Pairs
from reid.geometry.metric import Decode, metric_tensors
from reid.geometry.network import GeodesicSettings, network_geodesics

STRAIGHT, GEODESIC, ALONG_DATA = "straight line", "geodesic", "along the data"

NETWORK = GeodesicSettings(samples=60, steps=200)
QUICK_NETWORK = GeodesicSettings(samples=30, steps=10, hidden=16, candidates=2, fit_steps=5)

#: With 30 neighbours a path in a flat space is half a percent too long, with the usual 12 it is 2.6 %.
_NEIGHBOURS = 30

_FRAMES = 15


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve between two latents.

    Attributes:
        points: (T, N) latents.
        velocity: (T − 1,) of the observation along it (Chen et al. 2018, 11).
    """

    points: NDArray[np.float64]
    velocity: NDArray[np.float64]

    @property
    def length(self) -> float:
        """In observation space, or by the smoothed metric tensor if that is what its velocity is."""
        return float(self.velocity.mean())

    def film(self, decode: Decode) -> NDArray[np.float64]:
        """What its points at equal times are decoded to, (15, D)."""
        times = np.linspace(0, len(self.points) - 1, _FRAMES).round().astype(int)
        with torch.no_grad():
            return decode(torch.from_numpy(self.points[times]).float()).double().numpy()


def smoothing_strength(decode: Decode, latents: NDArray[np.float64], factor: float) -> float:
    """λ_s as a multiple of the square of the metric tensor's mean eigenvalue at the data (n, N).

    λ_s has the unit of G², so that one number would mean something else for every model.
    """
    tensors = metric_tensors(decode, torch.from_numpy(latents))
    return factor * float(torch.diagonal(tensors, dim1=1, dim2=2).mean()) ** 2


def curve(decode: Decode, points: NDArray[np.float64], smoothing: float = 0.0) -> Curve:
    """A curve (T, N) with its velocity under the metric tensor smoothed by λ_s."""
    path = torch.from_numpy(points)[None]
    return Curve(points, tensor_velocities(middle_tensors(decode, path), path, smoothing)[0].numpy())


def straight_and_geodesic(
    decode: Decode,
    ends: NDArray[np.float64],
    settings: GeodesicSettings,
    guide: NDArray[np.float64],
) -> dict[str, Curve]:
    """Straight line and network geodesic between two latents.

    Args:
        decode: f.
        ends: (2, N).
        settings: of the network.
        guide: (T, N) a curve that the network may start from, beside random ones.
    """
    start, end = torch.from_numpy(ends).float()[:, None]
    found = network_geodesics(decode, start, end, settings, guides=torch.from_numpy(guide).float()[None])
    lines = straight_lines(start, end, settings.samples)
    return {
        GEODESIC: curve(decode, found.curves[0].double().numpy()),
        STRAIGHT: curve(decode, lines[0].double().numpy()),
    }


def graph_paths(
    decode: Decode,
    latents: NDArray[np.float64],
    pairs: Pairs,
    nodes: int,
    smoothing: float = 0.0,
    seed: int = 0,
) -> Geodesics:
    """Shortest paths between pairs (P, 2) of data (n, 2) on a graph that fills their convex hull.

    Not beyond: far from all data a decoder stands still, and a smoothed metric tensor all but vanishes there.

    Args:
        decode: f.
        latents: of the data.
        pairs: numbers of data.
        nodes: how many are spread over the box around the data; those in the hull are kept.
        smoothing: λ_s.
        seed: of the nodes.
    """
    low, high = latents.min(axis=0), latents.max(axis=0)
    spread = np.random.default_rng(seed).uniform(low, high, (nodes, latents.shape[1]))
    within = spread[Delaunay(latents).find_simplex(spread) >= 0]
    ends = latents[pairs.ravel()]
    graph = LatentGraph.of(
        decode, np.concatenate([ends, within]), neighbours=_NEIGHBOURS, smoothing=smoothing
    )
    return graph.geodesics(np.arange(2 * len(pairs)).reshape(-1, 2))


def eased(path: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """A path of straight pieces (M, N) without its corners, (samples, N); its ends stay."""
    even = resampled(path, samples)
    # What bends is the way off the straight line, which is nothing at both ends.
    line = np.linspace(even[0], even[-1], samples)
    bend = np.pad(even - line, ((samples, samples), (0, 0)), mode="reflect", reflect_type="odd")
    return line + gaussian_filter1d(bend, samples / 40.0, axis=0)[samples:-samples]


def resampled(path: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """A path of straight pieces (M, N) as points (samples, N) at equal distances along it."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, travelled[-1], samples)
    return np.stack([np.interp(wanted, travelled, column) for column in path.T], axis=1)


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson's."""
    return float(np.corrcoef(one, other)[0, 1])
