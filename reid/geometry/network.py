"""Geodesics by a small network for each, trained to make its curve short (Chen et al. 2018, 3 and App. A).

A curve is z(t) = (1−t) z₀ + t z₁ + ẑ(t) − (1−t) ẑ(0) − t ẑ(1) with ẑ the network's output: its ends are
right whatever the weights are. The paper's own form (13, 14) divides by ẑ(0) − ẑ(1) in each coordinate, which
nothing keeps from being zero. All pairs are trained at once, each with weights of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from reid.geometry.curves import smoothed_velocities, straight_lines, velocities
from reid.geometry.metric import Decode
from reid.objective.precision import full_precision
from reid.settings import Settings

Speed = Callable[[Tensor], Tensor]


class GeodesicSettings(Settings):
    """Numbers without a remark are those of (Chen et al. 2018, table 1); the others it leaves open."""

    hidden: int = Field(150, ge=1)
    """Units in each of the two hidden layers."""
    learning_rate: float = Field(1e-2, gt=0)
    """At the start; it falls to zero along half a cosine, which is ours."""
    samples: int = Field(500, ge=3)
    """Points on a curve."""
    steps: int = Field(500, ge=1)
    """Ours."""
    candidates: int = Field(16, ge=0)
    """Random Bézier curves, of which the best is what the network starts from; 0 starts from the straight
    line. Ours."""
    control_points: int = Field(4, ge=1)
    """Random points that bend a Bézier curve, K̃ − 1. Ours."""
    fit_steps: int = Field(200, ge=0)
    """Steps in which the network learns that curve. Ours."""
    peak_weight: float = Field(0.1, ge=0)
    """λ_φ: how much a curve's highest velocity counts beside its length when the best one is kept. Ours."""
    smoothing: float = Field(0.0, ge=0)
    """λ_s of (17), in units of G²; 0 leaves the metric tensor as it is."""
    rank: int | None = Field(None, ge=1)
    """r of (17)."""


@dataclass(frozen=True, slots=True)
class NetworkGeodesics:
    """The best curves found.

    Attributes:
        curves: (P, T, N).
        lengths: (P,) in observation space, by the metric that was minimised.
        peaks: (P,) highest velocities.
        straight: (P,) lengths of the straight lines, by the same metric.
    """

    curves: Tensor
    lengths: Tensor
    peaks: Tensor
    straight: Tensor


def network_geodesics(
    decode: Decode,
    start: Tensor,
    end: Tensor,
    settings: GeodesicSettings | None = None,
    seed: int = 0,
    guides: Tensor | None = None,
) -> NetworkGeodesics:
    """Shortest curves between pairs of latents; never worse than the straight line.

    Args:
        decode: f; with smoothing its Jacobian is differentiated, so that it must not be rectified.
        start: (P, N).
        end: (P, N).
        settings: of the network and its training.
        seed: of the random curves and weights.
        guides: (P, samples, N) one more curve for each pair, to start from if it is better than random ones.
    """
    settings = settings or GeodesicSettings()
    if guides is not None:
        expected = (len(start), settings.samples, start.shape[1])
        if guides.shape != expected:
            raise ValueError(f"the guides have shape {tuple(guides.shape)}; expected {expected}")
        guides = guides.detach().float()
    generator = Generator(start.device).manual_seed(seed)
    with full_precision(start.device):
        return _Search(decode, start.detach().float(), end.detach().float(), settings, generator).run(guides)


class _Search:
    """Keeps the best curve of each pair, by length and peak velocity."""

    def __init__(
        self, decode: Decode, start: Tensor, end: Tensor, settings: GeodesicSettings, generator: Generator
    ) -> None:
        self._decode, self._settings, self._generator = decode, settings, generator
        self._start, self._end = start, end
        self._curves = straight_lines(start, end, settings.samples)
        with torch.no_grad():
            speeds = self._speeds(self._curves)
        self._lengths, self._peaks = speeds.mean(dim=1), speeds.amax(dim=1)
        self._straight, self._straight_peaks = self._lengths.clone(), self._peaks.clone()

    def run(self, guides: Tensor | None) -> NetworkGeodesics:
        settings = self._settings
        if guides is not None:
            with torch.no_grad():
                self._keep_better(guides, self._speeds(guides))
        for _ in range(settings.candidates):
            curves = bezier_curves(
                self._start, self._end, settings.control_points, settings.samples, self._generator
            )
            with torch.no_grad():
                self._keep_better(curves, self._speeds(curves))
        network = CurveNetworks(self._start, self._end, settings.hidden, self._generator)
        t = torch.linspace(0.0, 1.0, settings.samples, device=self._start.device)
        self._fit(network, t)
        self._shorten(network, t)
        self._straighten()
        return NetworkGeodesics(self._curves, self._lengths, self._peaks, self._straight)

    def _straighten(self) -> None:
        """Take the straight line back where only a lower peak speaks for a longer curve."""
        longer = self._lengths > self._straight
        straight = straight_lines(self._start, self._end, self._settings.samples)
        self._curves = torch.where(longer[:, None, None], straight, self._curves)
        self._lengths = torch.where(longer, self._straight, self._lengths)
        self._peaks = torch.where(longer, self._straight_peaks, self._peaks)

    def _fit(self, network: CurveNetworks, t: Tensor) -> None:
        """Let the networks learn the best curves so far."""
        target, scale = self._curves.clone(), network.scale.square()
        for descend in _descents(network, self._settings.fit_steps, self._settings.learning_rate):
            descend(((network(t) - target).square() / scale).mean(dim=(1, 2)).sum())

    def _shorten(self, network: CurveNetworks, t: Tensor) -> None:
        """Descend on the length (10)."""
        for descend in _descents(network, self._settings.steps, self._settings.learning_rate):
            curves = network(t)
            speeds = self._speeds(curves)
            self._keep_better(curves.detach(), speeds.detach())
            # In units of the straight line's, so that no pair sets the pace of the others.
            descend((speeds.mean(dim=1) / self._straight.clamp_min(1e-12)).sum())

    def _speeds(self, curves: Tensor) -> Tensor:
        if self._settings.smoothing == 0 and self._settings.rank is None:
            return velocities(self._decode, curves)
        return smoothed_velocities(self._decode, curves, self._settings.smoothing, self._settings.rank)

    def _keep_better(self, curves: Tensor, speeds: Tensor) -> None:
        lengths, peaks = speeds.mean(dim=1), speeds.amax(dim=1)
        weight = self._settings.peak_weight
        better = lengths + weight * peaks < self._lengths + weight * self._peaks
        self._curves = torch.where(better[:, None, None], curves, self._curves)
        self._lengths = torch.where(better, lengths, self._lengths)
        self._peaks = torch.where(better, peaks, self._peaks)


class CurveNetworks(nn.Module):
    """g_ω for many pairs: two hidden layers of tanh units, separate weights for each pair.

    Args:
        start: (P, N) where the curves begin.
        end: (P, N) where they end.
        hidden: units in a layer.
        generator: of the weights.
    """

    def __init__(self, start: Tensor, end: Tensor, hidden: int, generator: Generator) -> None:
        super().__init__()
        self._start, self._end = start[:, None], end[:, None]
        # The network thinks in units of the distance, so that its learning rate fits every latent space.
        self.scale = (self._end - self._start).norm(dim=-1, keepdim=True)
        widths = (1, hidden, hidden, start.shape[1])
        self._weights, self._biases = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in pairwise(widths):
            bound = 1.0 / math.sqrt(inputs)
            for parameters, rows in ((self._weights, inputs), (self._biases, 1)):
                drawn = torch.rand(len(start), rows, outputs, generator=generator, device=start.device)
                parameters.append(nn.Parameter((2.0 * drawn - 1.0) * bound))

    def forward(self, t: Tensor) -> Tensor:
        """Curves (P, T, N) at times (T,) from 0 to 1."""
        hidden = t[None, :, None].expand(len(self._start), -1, -1)
        for weight, bias in zip(self._weights[:-1], self._biases[:-1], strict=True):
            hidden = torch.tanh(torch.baddbmm(bias, hidden, weight))
        raw = self.scale * torch.baddbmm(self._biases[-1], hidden, self._weights[-1])
        later = t[:, None]
        bend = raw - (1.0 - later) * raw[:, :1] - later * raw[:, -1:]
        curves: Tensor = (1.0 - later) * self._start + later * self._end + bend
        return curves


def bezier_curves(
    start: Tensor, end: Tensor, control_points: int, samples: int, generator: Generator
) -> Tensor:
    """One random Bézier curve for each pair (App. A), (P, samples, N).

    Its control points are spread evenly along the straight line and moved away from it at right angles, in a
    random direction, by up to half the distance of the ends.
    """
    across = (end - start)[:, None]
    shape = (len(start), control_points, start.shape[1])
    side = torch.randn(shape, generator=generator, device=start.device)
    side = side - (side * across).sum(-1, keepdim=True) / across.square().sum(-1, keepdim=True) * across
    side = side / side.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    reach = torch.rand(shape[:2], generator=generator, device=start.device)[..., None] - 0.5
    line = straight_lines(start, end, control_points + 2)
    line[:, 1:-1] += reach * across.norm(dim=-1, keepdim=True) * side
    t = torch.linspace(0.0, 1.0, samples, device=start.device)[:, None]
    degree = control_points + 1
    power = torch.arange(degree + 1, device=start.device)
    binomial = torch.tensor([float(math.comb(degree, k)) for k in range(degree + 1)], device=start.device)
    curves: Tensor = (binomial * t**power * (1.0 - t) ** (degree - power)) @ line
    return curves


def _descents(network: nn.Module, steps: int, learning_rate: float) -> Iterator[Callable[[Tensor], None]]:
    """As many steps of Adam, each to be called with a loss."""
    parameters = list(network.parameters())
    optimiser = torch.optim.Adam(parameters, lr=learning_rate)

    def descend(loss: Tensor) -> None:
        # Not backward(): the decoder's own weights need no gradient.
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimiser.step()

    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))
        yield descend
