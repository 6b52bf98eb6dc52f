"""The metric tensor that a decoder gives its latent space, and what its eigenvalues say.

G(z) = JᵀJ with J the decoder's Jacobian at z (FMVAE, 2.2): a small step dz moves the observation by
√(dzᵀ G dz). Any function that takes latents (n, N) to observations (n, D), row by row, is a decoder.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jacfwd, vmap

from reid.objective.precision import full_precision

Decode = Callable[[Tensor], Tensor]

#: Eigenvalues below this share of the largest are rounding errors of a float32 Jacobian.
SMALLEST = 1e-12

#: The largest eigenvalue counts as at least this: where the decoder stands still, all of them are 0.
STILL = 1e-290


def jacobians(decode: Decode, z: Tensor, chunk: int = 256) -> Tensor:
    """J at each of the latents (B, N), by forward-mode differentiation: exact, (B, D, N).

    Gradients flow through it; through a decoder of rectified units they miss that its kinks move.

    Args:
        decode: f; no row of a batch may depend on another.
        z: where.
        chunk: points at a time: a Jacobian takes as much memory as N + 1 passes of the decoder.
    """
    jacobian = jacfwd(lambda point: decode(point[None])[0])
    with warnings.catch_warnings():
        # PyTorch's forward mode warns of what it uses itself; nobody here can do anything about it.
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        found: Tensor = vmap(jacobian, chunk_size=chunk)(z)
    return found


def metric_tensors(decode: Decode, z: Tensor, chunk: int = 256) -> Tensor:
    """G at each of the latents (B, N), exact, (B, N, N) float64, without gradients.

    Args:
        decode: f.
        z: where.
        chunk: points at a time.
    """
    tensors = []
    with torch.no_grad(), full_precision(z.device):
        for points in torch.split(z.float(), chunk):
            slopes = jacobians(decode, points, chunk).double()
            tensors.append(slopes.transpose(1, 2) @ slopes)
    return torch.cat(tensors)


def eigenvalues(tensors: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of metric tensors (B, N, N) in rising order, (B, N), and where they had to be raised, (B,).

    A collapsed latent has an eigenvalue of zero, or just below by rounding; it is raised to the largest
    times ``SMALLEST``, so that condition numbers and logarithms are finite.
    """
    values = torch.linalg.eigvalsh(tensors)
    least = values[:, -1:].clamp_min(STILL) * SMALLEST
    return torch.maximum(values, least), (values < least).any(dim=1)


def condition_numbers(values: Tensor) -> Tensor:
    """Largest over smallest eigenvalue of each metric tensor (FMVAE, 4), (B,); 1 is a ball.

    At most 1/``SMALLEST``, which stands for infinity: for a collapsed direction, and where all are.
    """
    return values[:, -1].clamp_min(STILL) / values[:, 0]


def log_magnification(values: Tensor) -> Tensor:
    """Half the logarithm of det G: that of the magnification factor, (B,).

    The factor itself underflows every float where there are many latents.
    """
    return 0.5 * values.log().sum(dim=1)


def normalised_magnification(values: Tensor) -> Tensor:
    """The magnification factor over its mean (FMVAE, 4), (B,); 1 everywhere in a flat space."""
    logarithms = log_magnification(values)
    return torch.exp(logarithms - torch.logsumexp(logarithms, dim=0) + math.log(len(logarithms)))


def relative_deviations(values: Tensor) -> Tensor:
    """‖G/c² − I‖²/N of each metric tensor, (B,), with c² the mean of all eigenvalues (FMVAE, 13).

    Its mean over the points is R̄: free of the latent space's scale, 0 where it is flat.
    """
    return (values / values.mean().clamp_min(STILL) - 1.0).square().mean(dim=1)


def smoothed(tensors: Tensor, strength: float, rank: int | None = None) -> Tensor:
    """Metric tensors with their small singular values made smaller (Chen et al. 2018, 17), (B, N, N).

    s becomes s³/(s² + λ_s). For full rank that is G³(G² + λ_s I)⁻¹: one linear system, with no gradient
    that breaks down where two singular values meet.

    Args:
        tensors: symmetric, (B, N, N).
        strength: λ_s, in units of G².
        rank: how many singular values to keep; None keeps all.
    """
    size = tensors.shape[-1]
    if strength < 0 or (rank is not None and not 1 <= rank <= size):
        raise ValueError(
            f"expected a strength of at least 0 and a rank of 1 … {size}, not {strength} and {rank}"
        )
    if rank is not None and rank < size:
        values, vectors = torch.linalg.eigh(tensors)
        values, vectors = values[..., -rank:], vectors[..., -rank:]
        tensors = (vectors * values[..., None, :]) @ vectors.transpose(-1, -2)
    if strength == 0:
        return tensors
    squared = tensors @ tensors
    identity = torch.eye(size, dtype=tensors.dtype, device=tensors.device)
    smooth: Tensor = torch.linalg.solve(squared + strength * identity, squared @ tensors)
    return smooth
