"""How flat a trained latent space is: the decoder's metric tensor, exactly, at real latents.

G = JᵀJ with J the decoder's Jacobian, all of it, by forward-mode differentiation (training estimates it by
finite differences in a few directions). It is looked at where the data are (the posterior's means) and
between and beyond them (mixup), where a flat space must be flat too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Generator, Tensor

from reid.crops import Images
from reid.geometry.metric import (
    STILL,
    condition_numbers,
    eigenvalues,
    log_magnification,
    metric_tensors,
    relative_deviations,
)
from reid.models import VAE, VAESettings
from reid.objective.flatness import FlatnessSettings, mixup

QUANTILES = (0.1, 0.5, 0.9)

#: The directions in use are the fewest that hold this share of the data's spread in the latent space.
IN_USE = 0.99

#: Of how many leading directions the condition number is given, too.
LEADING = (5, 10, 20, 40, 80)


@dataclass(frozen=True, slots=True)
class FlatnessScores:
    """The metric tensor in figures; lists are the 10 %, 50 % and 90 % quantiles over the points.

    Attributes:
        points: at how many points.
        standing_still: at how many of them G is 0, because the decoder does not move at all.
        latents: N.
        in_use: how many directions are in use: the fewest principal directions of the posteriors' means that
            hold 99 % of their variance. Along the others there is hardly anything to tell apart.
        condition: largest over smallest eigenvalue of G; meaningless above 1e12, which stands for infinity
            where a direction has collapsed, or the decoder stands still.
        condition_in_use: the same for G as seen from the directions in use.
        condition_of_leading: the same for G as seen from the first principal directions, by their number:
            models that use different numbers of directions are compared at an equal one, since each further
            direction is less well trained than those before it.
        log_magnification: ln √det(G/c²) / N, the logarithm of the magnification factor for each dimension,
            in units in which c² is 1: 0 where the space is flat, less where G is uneven or small.
        relative_deviation: R̄ = ‖G/c² − I‖² / N, 0 where the space is flat; c² is that of all points.
        mean_relative_deviation: its mean over the points, the figure that training logs.
        effective_dimension: tr(G)² / ‖G‖², how many directions carry the decoder's variation at a point.
        c2: c², the mean eigenvalue.
    """

    points: int
    standing_still: int
    latents: int
    in_use: int
    condition: list[float]
    condition_in_use: list[float]
    condition_of_leading: dict[int, list[float]]
    log_magnification: list[float]
    relative_deviation: list[float]
    mean_relative_deviation: float
    effective_dimension: list[float]
    c2: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values and lists."""
        plain = asdict(self)
        leading = plain.pop("condition_of_leading")
        return plain | {f"condition_of_leading_{count}": values for count, values in leading.items()}


def flatness_scores(model: VAE, x: Tensor, points: int = 64, seed: int = 0) -> dict[str, FlatnessScores]:
    """Flatness of a model's latent space, at data and at mixup points.

    Args:
        model: in evaluation mode.
        x: (B, …) raw input, 2 at least: crops as uint8 RGB, channels first.
        points: at how many latents the metric tensor is computed.
        seed: for the choice of the points.

    Returns:
        The scores for "data" and for "mixup".
    """
    generator = Generator(x.device).manual_seed(seed)
    with torch.no_grad():
        mean = torch.cat([model.encode(batch).mean for batch in torch.split(x, 64)])
    directions, in_use = principal_directions(mean)
    chosen = torch.randperm(len(mean), generator=generator, device=x.device)[:points]
    between = mixup(mean, FlatnessSettings().mixup_reach, generator)[chosen]
    return {
        # One point at a time: a Jacobian is as large as the decoder's activations for N crops.
        kind: _scores(metric_tensors(model.decode, z, chunk=1), directions, in_use)
        for kind, z in (("data", mean[chosen]), ("mixup", between))
    }


def principal_directions(means: Tensor) -> tuple[Tensor, int]:
    """Principal directions of latents (B, N) as columns, largest variance first, and how many are in use."""
    variance, directions = torch.linalg.eigh(torch.cov(means.double().T).reshape(2 * [means.shape[1]]))
    variance, directions = variance.flip(0), directions.flip(1)
    held = variance.cumsum(0) / variance.sum().clamp_min(torch.finfo(torch.float64).tiny)
    return directions, min(1 + int((held < IN_USE).sum()), len(held))


def _scores(tensors: Tensor, directions: Tensor, in_use: int) -> FlatnessScores:
    count, latents, _ = tensors.shape
    values, _ = eigenvalues(tensors)
    turned = directions.T @ tensors.to(directions.dtype) @ directions
    c2 = values.mean().clamp_min(STILL)
    deviation = relative_deviations(values)
    # Where the decoder stands still it uses no direction, not 0/0 of them.
    squares = values.square().sum(dim=1).clamp_min(torch.finfo(values.dtype).tiny)

    def condition_of(leading: int) -> list[float]:
        part, _ = eigenvalues(turned[:, :leading, :leading])
        return _quantiles(condition_numbers(part))

    return FlatnessScores(
        points=count,
        standing_still=int((tensors == 0).flatten(1).all(dim=1).sum()),
        latents=latents,
        in_use=in_use,
        condition=_quantiles(condition_numbers(values)),
        condition_in_use=condition_of(in_use),
        condition_of_leading={number: condition_of(number) for number in LEADING if number < latents},
        log_magnification=_quantiles(log_magnification(values / c2) / latents),
        relative_deviation=_quantiles(deviation),
        mean_relative_deviation=float(deviation.mean()),
        effective_dimension=_quantiles(values.sum(dim=1).square() / squares),
        c2=float(c2),
    )


def _quantiles(values: Tensor) -> list[float]:
    found: NDArray[np.float64] = np.quantile(values.cpu().numpy(), QUANTILES)
    return [float(value) for value in found]


def load_model(settings: VAESettings, weights: Path) -> VAE:
    """A whole trained model from its settings and its ``model.safetensors``.

    Raises:
        ValueError: if the file cannot be read or belongs to other settings.
    """
    # The weights come from the file, not from where the training started.
    model = VAE(settings.untrained())
    try:
        model.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{weights}: cannot be read, or belongs to other settings ({reason})") from error
    return model.eval()


def channels_first(crops: Images) -> Tensor:
    """Crops (N, H, W, 3) as a model reads them."""
    return torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2)
