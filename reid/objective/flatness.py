"""How far the decoder's metric tensor is from a scaled identity (FMVAE, 9 to 13), by random frames.

With J the decoder's Jacobian at z and V a random orthonormal frame of k directions, one forward difference
for each direction gives J V and with it the block M = (J V)ᵀ(J V) of the metric tensor G = JᵀJ seen in a
random rotation. ‖G − c²I‖² does not change under rotation, so

    R = N/k Σ_i (M_ii − c²)² + N(N−1)/(k(k−1)) Σ_{i≠j} M_ij²

is an unbiased estimate of it (each diagonal entry is drawn with probability k/N, each pair with
k(k−1)/(N(N−1))), exact at k = N, and zero for every draw where the space is flat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from reid.objective.precision import full_precision
from reid.settings import Settings


class FlatnessSettings(Settings):
    """The regulariser and the paper's ablations of it."""

    eta: float = Field(3000.0, ge=0)
    """Influence of the regulariser; 0 is the VHP-VAE."""
    regulariser: Literal["paper", "relative", "none"] = "paper"
    """‖G − c²I‖² as printed, or over c⁴N, which the latent space cannot pay by inflating itself."""
    mixup: bool = True
    """Regularise between and beyond the data (FMVAE, 11); else at the data's latents only (FMVAE, 9)."""
    mixup_reach: float = Field(0.2, ge=0)
    """α₀: how far beyond the two points mixup goes, in units of their distance."""
    identity_term: bool = True
    """Without it ‖G‖² is made small instead of ‖G − c²I‖², as in (FMVAE, figure 7b)."""
    c2: float | None = Field(None, gt=0)
    """c²; None: the mean of G's diagonal in the batch (FMVAE, 13). A number, as in (FMVAE, figure 12), takes
    from the latent space the way out of growing: the printed regulariser falls with c⁴."""
    directions: int = Field(8, ge=2)
    """k: finite differences for each point; never more than there are latents, where it becomes exact."""
    share: float = Field(0.25, gt=0, le=1)
    """Share of the batch at which the metric tensor is measured."""
    step: float = Field(0.02, gt=0)
    """Step of the finite difference, in units of the latents' deviation within the batch.

    Not too small: a rectified decoder is bent at its kinks only, and a step must be able to cross them.
    """
    ramp: int | None = Field(2000, ge=0)
    """Steps after the initial phase in which the relative regulariser grows to its full strength. None: it
    acts from the first step, for a decoder that begins with a flat space and is to keep it."""


@dataclass(frozen=True)
class Flatness:
    """Metric tensor of a batch, in figures."""

    penalty: Tensor
    """What is minimised."""
    c2: Tensor
    """c² of (FMVAE, 13), the mean of G's diagonal."""
    deviation: Tensor
    """R: batch mean of ‖G − c²I‖²."""
    relative: Tensor
    """R̄ = R/(c⁴N), free of the latent space's scale: 0 is flat, N − 1 means one and the same single
    direction, and more that the metric tensor varies from point to point besides."""
    effective_dimension: Tensor
    """N/(1 + R̄): how many directions carry the decoder's variation."""


def mixup(z: Tensor, reach: float, generator: Generator | None = None) -> Tensor:
    """Points between and beyond random pairs of the batch (FMVAE, 11), one draw of α for each pair."""
    partner = torch.randperm(len(z), generator=generator, device=z.device)
    alpha = torch.rand(len(z), 1, generator=generator, device=z.device, dtype=z.dtype)
    alpha = alpha * (1.0 + 2.0 * reach) - reach
    return (1.0 - alpha) * z + alpha * z[partner]


def orthonormal_frames(
    count: int, latents: int, directions: int, like: Tensor, generator: Generator | None
) -> Tensor:
    """Uniformly distributed orthonormal frames as rows, (count, directions, latents)."""
    shape = (count, latents, directions)
    normal = torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)
    frames, triangle = torch.linalg.qr(normal)
    # The factorisation prefers one side for each direction; a forward difference must not.
    signs = torch.diagonal(triangle, dim1=-2, dim2=-1).sign()
    rows: Tensor = (frames * signs[:, None, :]).transpose(1, 2)
    return rows


def metric_blocks(
    decode: Callable[[Tensor], Tensor], z: Tensor, frames: Tensor, step: Tensor | float
) -> Tensor:
    """V G Vᵀ at each z by forward differences (FMVAE, 10), (B, k, k).

    Equation 10 printed literally averages f(z + ε e) − f(z) over a symmetric ε and so tends to 0; what is
    meant is the quotient with a fixed step. Besides being cheap it is the right gradient for rectified
    decoders: an exact Jacobian is constant between kinks, and its derivative misses that they move.

    Args:
        decode: latents (n, N) to observations (n, D).
        z: (B, N) where to measure.
        frames: (B, k, N) orthonormal rows.
        step: length of the difference.
    """
    count, directions, latents = frames.shape
    moved = (z[:, None, :] + step * frames).reshape(-1, latents)
    at_z, at_moved = decode(torch.cat([z, moved])).tensor_split([count])
    slopes = (at_moved.reshape(count, directions, -1) - at_z[:, None, :]) / step
    return slopes @ slopes.transpose(1, 2)


def squared_deviation(blocks: Tensor, c2: Tensor | float, latents: int) -> Tensor:
    """Unbiased estimate of ‖G − c²I‖² from each block (B, k, k) of G in a random frame, (B,)."""
    directions = blocks.shape[-1]
    diagonal = torch.diagonal(blocks, dim1=-2, dim2=-1)
    on_diagonal = (diagonal - c2).square().sum(-1)
    if directions == 1:
        if latents > 1:
            raise ValueError("at least 2 directions are needed to see how they go together")
        return on_diagonal
    off_diagonal = blocks.square().sum((-2, -1)) - diagonal.square().sum(-1)
    pairs = latents * (latents - 1) / (directions * (directions - 1))
    return latents / directions * on_diagonal + pairs * off_diagonal


def flatness(
    decoder: nn.Module,
    decode: Callable[[Tensor], Tensor],
    z: Tensor,
    settings: FlatnessSettings,
    generator: Generator | None = None,
) -> Flatness:
    """Measure, and prepare to minimise, how far the metric tensor is from a scaled identity.

    Args:
        decoder: the module behind ``decode``, looked through for batch normalisation.
        decode: f, latents (n, N) to observations (n, D).
        z: (B, N) samples of the posterior; gradients flow through them, as (FMVAE, 12) says.
        settings: of the regulariser.
        generator: source of the pairs and the frames.
    """
    refuse_batch_normalisation(decoder)
    with full_precision(z.device):
        z = z.float()
        step = settings.step * z.detach().var(dim=0, correction=0).mean().sqrt().clamp_min(1e-4)
        points = mixup(z, settings.mixup_reach, generator) if settings.mixup else z
        points = points[: max(1, round(settings.share * len(points)))]
        latents = z.shape[1]
        directions = min(settings.directions, latents)
        frames = orthonormal_frames(len(points), latents, directions, points, generator)
        blocks = metric_blocks(decode, points, frames, step)
        # c² minimises the batch mean of the deviation, so its own gradient is zero (FMVAE, 13).
        c2 = torch.diagonal(blocks, dim1=-2, dim2=-1).mean().detach()
        deviation = squared_deviation(blocks, c2, latents).mean()
        fixed = settings.c2 if settings.identity_term else 0.0
        penalty = deviation if fixed is None else squared_deviation(blocks, fixed, latents).mean()
        unit = (c2.square() * latents).clamp_min(torch.finfo(torch.float32).tiny)
        relative = (deviation / unit).detach()
        return Flatness(
            penalty=penalty / unit if settings.regulariser == "relative" else penalty,
            c2=c2,
            deviation=deviation.detach(),
            relative=relative,
            effective_dimension=latents / (1.0 + relative),
        )


def refuse_batch_normalisation(decoder: nn.Module) -> None:
    """Raise if batch statistics would mix the points whose differences are taken."""
    for name, module in decoder.named_modules():
        if isinstance(module, _BatchNorm) and (module.training or not module.track_running_stats):
            raise ValueError(
                f"decoder layer {name or type(module).__name__!r} is a batch normalisation in training mode: "
                f"finite differences through it mix the batch's samples; use GroupNorm or none"
            )
