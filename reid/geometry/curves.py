"""Curves in the latent space, and how long they are in observation space (FMVAE, 6; Chen et al. 2018, 9–11).

A curve is a row of points. Its length is measured along the chords between their decoded images, which is
what the Jacobian's integral tends to, and costs one pass of the decoder for each point.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reid.geometry.metric import Decode, jacobians, metric_tensors, smoothed
from reid.objective.precision import full_precision

#: Rows that go through the decoder at a time.
ROWS = 16_384


def straight_lines(start: Tensor, end: Tensor, samples: int) -> Tensor:
    """Straight lines from each start (P, N) to its end (P, N), (P, samples, N)."""
    t = torch.linspace(0.0, 1.0, samples, dtype=start.dtype, device=start.device)[:, None]
    return (1.0 - t) * start[:, None] + t * end[:, None]


def velocities(decode: Decode, curves: Tensor) -> Tensor:
    """Speed φ of the observation along curves (P, T, N) that are run through in one unit of time, (P, T−1).

    Gradients flow through it, also those of a rectified decoder: a chord feels a kink that it crosses.
    """
    count, samples, latents = curves.shape
    decoded = decode(curves.reshape(-1, latents)).reshape(count, samples, -1)
    speeds: Tensor = (samples - 1) * torch.linalg.vector_norm(decoded.diff(dim=1), dim=-1)
    return speeds


def smoothed_velocities(decode: Decode, curves: Tensor, strength: float, rank: int | None = None) -> Tensor:
    """Speed along curves (P, T, N) under the smoothed metric tensor, in the middle of each step, (P, T−1).

    Args:
        decode: f, smooth: its Jacobian is differentiated.
        curves: run through in one unit of time.
        strength: λ_s, see ``smoothed``.
        rank: see ``smoothed``.
    """
    latents = curves.shape[2]
    middle = 0.5 * (curves[:, 1:] + curves[:, :-1]).reshape(-1, latents)
    moves = curves.diff(dim=1).reshape(-1, 1, latents)
    slopes = jacobians(decode, middle)
    tensors = smoothed(slopes.transpose(1, 2) @ slopes, strength, rank)
    squared = (moves @ tensors @ moves.transpose(1, 2)).reshape(len(curves), -1)
    # The root has no derivative at 0, where the decoder stands still.
    return (curves.shape[1] - 1) * squared.clamp_min(1e-24).sqrt()


def lengths(decode: Decode, curves: Tensor) -> Tensor:
    """Length in observation space of curves (P, T, N), (P,)."""
    return velocities(decode, curves).mean(dim=1)


def straight_lengths(
    decode: Decode, start: NDArray[np.float64], end: NDArray[np.float64], segments: int
) -> NDArray[np.float64]:
    """Length in observation space of many straight lines, measured in chords.

    Args:
        decode: f, for float32.
        start: (E, N).
        end: (E, N).
        segments: chords for each line.

    Returns:
        (E,).
    """
    found = [np.empty(0)]
    lines = max(1, ROWS // (segments + 1))
    with torch.no_grad(), full_precision(torch.device("cpu")):
        for first in range(0, len(start), lines):
            some = slice(first, first + lines)
            points = straight_lines(_tensor(start[some]).float(), _tensor(end[some]).float(), segments + 1)
            found.append(lengths(decode, points).double().numpy())
    return np.concatenate(found)


def middle_tensors(decode: Decode, curves: Tensor) -> Tensor:
    """Metric tensors in the middle of each step of curves (P, T, N), without gradients, (P, T−1, N, N)."""
    middle = 0.5 * (curves[:, 1:] + curves[:, :-1])
    count, steps, latents = middle.shape
    return metric_tensors(decode, middle.reshape(-1, latents)).reshape(count, steps, latents, latents)


def tensor_velocities(tensors: Tensor, curves: Tensor, strength: float = 0.0) -> Tensor:
    """Speed along curves (P, T, N) by the metric tensors in the middle of their steps, (P, T−1).

    Args:
        tensors: (P, T−1, N, N); computed once, they serve for every strength.
        curves: run through in one unit of time.
        strength: λ_s, see ``smoothed``.
    """
    moves = curves.diff(dim=1).double()[..., None]
    squared = moves.transpose(-1, -2) @ smoothed(tensors, strength) @ moves
    found: Tensor = (curves.shape[1] - 1) * squared[..., 0, 0].clamp_min(0.0).sqrt()
    return found


def smoothed_straight_lengths(
    decode: Decode, start: NDArray[np.float64], end: NDArray[np.float64], segments: int, strength: float
) -> NDArray[np.float64]:
    """Length of many straight lines under the smoothed metric tensor, (E,).

    Args:
        decode: f.
        start: (E, N).
        end: (E, N).
        segments: in which each is measured.
        strength: λ_s, see ``smoothed``.
    """
    lines = straight_lines(_tensor(start), _tensor(end), segments + 1)
    speeds = tensor_velocities(middle_tensors(decode, lines), lines, strength)
    found: NDArray[np.float64] = speeds.mean(dim=1).numpy()
    return found


def smoothness(decode: Decode, start: Tensor, end: Tensor, samples: int = 100) -> Tensor:
    """Mean absolute second derivative of each observed number along straight lines, (P, D).

    Zero for a decoder that is linear between the two points (FMVAE, figure 5).

    Args:
        decode: f.
        start: (P, N).
        end: (P, N).
        samples: points on each line.
    """
    lines = straight_lines(start, end, samples)
    decoded = decode(lines.reshape(-1, lines.shape[-1])).reshape(len(lines), samples, -1)
    return decoded.diff(n=2, dim=1).abs().mean(dim=1) * (samples - 1) ** 2


def _tensor(points: NDArray[np.float64]) -> Tensor:
    """Points of any layout: PyTorch takes no reversed rows, such as those of a path the other way round."""
    return torch.from_numpy(np.ascontiguousarray(points))
