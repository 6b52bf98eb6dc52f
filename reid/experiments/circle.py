"""Data that one angle describes, and paths between them (Chen et al. 2018, 4.3 and 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from reid.experiments.interpolation import (
    ALONG_DATA,
    GEODESIC,
    STRAIGHT,
    Curve,
    curve,
    eased,
    graph_paths,
    resampled,
    smoothing_strength,
)
from reid.experiments.trainings import Trained
from reid.geometry.curves import middle_tensors, straight_lines, tensor_velocities
from reid.geometry.graph import Pairs

#: λ_s over the squared mean eigenvalue of the metric tensor: of most figures, and what figure 3 goes through.
FACTOR = 100.0
FACTORS = np.geomspace(1e-4, 1e4, 17)

_SAMPLES, _NODES = 100, 14_400


@dataclass(frozen=True, slots=True)
class Circle:
    """Clean data all around a circle, as a model sees them.

    Attributes:
        trained: the model.
        angles: (n,) from 0 on at equal distances, radians.
        latents: (n, 2).
    """

    trained: Trained
    angles: NDArray[np.float64]
    latents: NDArray[np.float64]

    @classmethod
    def encoded(cls, trained: Trained, angles: NDArray[np.float64], data: NDArray[np.float32]) -> Circle:
        """Encode the data (n, …) at some angles."""
        with torch.no_grad():
            latents = trained.model.encode(torch.from_numpy(data)).mean
        return cls(trained, angles, latents.double().numpy())

    def at(self, angle: float) -> int:
        """Number of the datum nearest to an angle."""
        count = len(self.angles)
        return round(angle / (2.0 * np.pi) * count) % count

    def between(self, pairs: Pairs) -> NDArray[np.float64]:
        """The angle between the two data of each pair (P, 2), 0 … π."""
        difference = np.abs(np.diff(self.angles[pairs], axis=1)[:, 0])
        return np.asarray(np.minimum(difference, 2.0 * np.pi - difference))

    def along(self, pairs: Pairs, samples: int) -> NDArray[np.float64]:
        """Latents (P, samples, 2) of the data between the two of each pair, the shorter way round."""
        count = len(self.angles)
        turn = (pairs[:, 1] - pairs[:, 0] + count // 2) % count - count // 2
        steps = pairs[:, :1] + np.linspace(0.0, 1.0, samples) * turn[:, None]
        return self.latents[np.rint(steps).astype(np.int64) % count]


@dataclass(frozen=True, slots=True)
class CircleLengths:
    """How long paths between pairs of data are.

    Attributes:
        strength: λ_s.
        smoothed: by the path's name, (P,) lengths under the smoothed metric tensor.
        plain: the same paths' lengths in observation space.
        factors: (S,) of λ_s that figure 3 goes through.
        sweep: (S, P) lengths under these, of the paths that do not depend on them.
    """

    strength: float
    smoothed: dict[str, NDArray[np.float64]]
    plain: dict[str, NDArray[np.float64]]
    factors: NDArray[np.float64]
    sweep: dict[str, NDArray[np.float64]]


def random_pairs_around(count: int, around: int, seed: int = 0) -> Pairs:
    """Numbers (count, 2) of data out of ``around`` ones that are up to half a circle apart."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, around, count)
    apart = rng.integers(1, around // 2 + 1, count) * rng.choice([-1, 1], count)
    return np.stack([first, (first + apart) % around], axis=1).astype(np.int64)


def smoothing_note(factor: float = FACTOR) -> str:
    """What a report says about λ_s."""
    return (
        f"λ_s has the unit of G² and is not printed; ours is {factor:,.0f} times the squared mean eigenvalue "
        f"at the data."
    )


def measure_circle(
    circle: Circle, pairs: Pairs, quick: bool = False, factor: float = FACTOR
) -> CircleLengths:
    """Measure the geodesics, the straight lines and the paths along the data between pairs (P, 2)."""
    decode, latents = circle.trained.model.decode, circle.latents
    samples = 30 if quick else _SAMPLES
    unit = smoothing_strength(decode, latents, 1.0)
    strength = factor * unit
    graph = graph_paths(decode, latents, pairs, 1500 if quick else _NODES, strength)
    start, end = (torch.from_numpy(latents[pairs[:, side]]) for side in (0, 1))
    curves = {
        GEODESIC: torch.from_numpy(np.stack([resampled(path, samples) for path in graph.paths])),
        STRAIGHT: straight_lines(start, end, samples),
        ALONG_DATA: torch.from_numpy(circle.along(pairs, samples)),
    }
    tensors = {name: middle_tensors(decode, several) for name, several in curves.items()}

    def lengths(name: str, smoothing: float) -> NDArray[np.float64]:
        found: NDArray[np.float64] = tensor_velocities(tensors[name], curves[name], smoothing).mean(1).numpy()
        return found

    factors = FACTORS[::8] if quick else FACTORS
    others = (STRAIGHT, ALONG_DATA)
    return CircleLengths(
        strength=strength,
        smoothed={GEODESIC: graph.observed} | {name: lengths(name, strength) for name in others},
        plain={name: lengths(name, 0.0) for name in curves},
        factors=factors,
        sweep={name: np.stack([lengths(name, one * unit) for one in factors]) for name in others},
    )


def shown_curves(
    circle: Circle, angles: Sequence[float], strength: float, quick: bool = False
) -> dict[str, Curve]:
    """Geodesic and straight line between the data at two angles, for the figures."""
    decode, pair = circle.trained.model.decode, np.array([[circle.at(angle) for angle in angles]])
    (path,) = graph_paths(decode, circle.latents, pair, 500 if quick else _NODES, strength).paths
    start, end = circle.latents[pair[0]]
    line = np.linspace(start, end, _SAMPLES)
    return {
        GEODESIC: curve(decode, eased(path, _SAMPLES), strength),
        STRAIGHT: curve(decode, line, strength),
    }
