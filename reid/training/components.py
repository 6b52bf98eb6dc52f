"""Begin at the principal components of the statistics: a linear model, flat and right before the first step.

The encoder reads them off the stripe statistics that it counts, and says nothing else at first; the decoders'
shortcuts put them together again. What training does from there on, it does on top of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from reid.models import VAE
from reid.models.decoders import MLPDecoder
from reid.models.gaussian import GaussianHead, unbounded_log_variance
from reid.training.levelling import ROWS_AT_ONCE, OwnStatistics, second_moments

#: What the noise of the latents adds to the error at first, as a share of the error that it is without.
NOISE = 0.01


@dataclass(frozen=True, slots=True)
class Components:
    """A linear auto-encoder of statistics of D numbers, with N latents.

    Attributes:
        weight: (N, D) what a crop's statistics, as they are counted, are multiplied with.
        bias: (N,) what is added.
        log_variance: of the latents: their noise costs little beside what no component says.
        decoders: for each part of the observation an isometry, (numbers of the part, N), and what is added.
    """

    weight: Tensor
    bias: Tensor
    log_variance: float
    decoders: dict[str, tuple[Tensor, Tensor]]


def principal_components(
    own: OwnStatistics, mean: Tensor, targets: Mapping[str, Tensor], latents: int
) -> Components:
    """The leading components of crops' own statistics, as they are made ready to be explained.

    Args:
        own: the statistics of the crops, made ready.
        mean: (D,) of the statistics as they are counted.
        targets: what the parts of the observation have to be, (M, numbers of the part) for the M crops.
        latents: how many components, at most D.
    """
    ready = torch.split(own.of_all(), ROWS_AT_ONCE)
    moments, directions = torch.linalg.eigh(second_moments(ready))
    axes = directions.flip(1)[:, :latents]
    latent = torch.cat([some.double() @ axes for some in ready])
    left_out = float(moments[: len(moments) - latents].clamp_min(0.0).sum())
    read = own.matrix.double() @ axes
    decoders = {}
    for part, values in targets.items():
        # The isometry that comes closest, for the statistics themselves the axes: whatever the parts' weights
        # are, the space is flat.
        middle = values.mean(dim=0, dtype=torch.float64)
        pieces = zip(torch.split(values, ROWS_AT_ONCE), torch.split(latent, ROWS_AT_ONCE), strict=True)
        product = torch.stack([(some.double() - middle).T @ those for some, those in pieces]).sum(dim=0)
        left, _, right = torch.linalg.svd(product, full_matrices=False)
        isometry = left @ right
        decoders[part] = isometry.float(), (middle - isometry @ latent.mean(dim=0)).float()
    return Components(
        read.T.float(),
        (latent.mean(dim=0) - mean.double() @ read).float(),
        math.log(max(NOISE * left_out / latents, 1e-12)),
        decoders,
    )


@torch.no_grad()
def start_at(components: Components, network: VAE) -> None:
    """Let a network with stripes and shortcuts begin as a linear one."""
    head, latents = network.encoder.head, network.settings.latents
    assert isinstance(head, GaussianHead)
    linear = head.linear
    # The statistics as they are come last, after what other layers make of them and of the pixels.
    linear.weight.zero_()
    linear.weight[:latents, -components.weight.shape[1] :] = components.weight
    linear.bias[:latents] = components.bias
    linear.bias[latents:] = unbounded_log_variance(components.log_variance)
    for part, (isometry, bias) in components.decoders.items():
        decoder = network.decoder.heads[part]
        assert isinstance(decoder, MLPDecoder)
        assert decoder.shortcut is not None
        decoder.shortcut.weight.copy_(isometry)
        decoder.last.weight.zero_()
        decoder.last.bias.copy_(bias)
