"""Stripe statistics: what somebody wears, counted in horizontal stripes, as a layer.

They are what the model has to explain, and what an encoder may read beside the pixels themselves: a
convolution has to learn from the training crops what the colours of a stripe are, and is wrong about colours
that it has not seen. Counting them is right in any footage.

They differ from the plain histograms of `reid.appearance` in four things. A pixel is shared among the bins
that it lies between, so that a change of light moves them little. A bell across the width takes the place of
a hard margin. Edges are counted, too: a pattern is told from a plain cloth of the same colours. And all of it
is PyTorch, so that it is part of an exported graph.

Colours are counted in one of two ways: by hue, as those histograms do, or as opponent colours, by how much
redder than green they are and how much less blue than both. What is nearly grey has any hue, and most clothes
are; opponent colours say that it is grey.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from reid.appearance import HUES, SATURATIONS, VALUES
from reid.appearance import STRIPES as HUE_STRIPES
from reid.models.layers import hidden_layers, last_width
from reid.models.observation import Signal, SignalSettings

#: How colours are counted.
Colours = Literal["hue", "opponent"]
COLOURS: tuple[Colours, ...] = get_args(Colours)

#: Bins of each opponent colour, with grey in the middle one, and of lightness.
OPPONENTS, LIGHTS = 5, 5
EDGE_STRIPES, SLOPES = 16, 4

#: Deviations of the bells across the width, in widths. Edges reach further out: an outline is one.
COLOUR_BELL, EDGE_BELL = 0.15, 0.2
#: Of the squares of all statistics, how much those of edges add up to.
EDGE_SHARE = 0.2

_CROPS_AT_ONCE = 256


class StripeBranch(nn.Module):
    """Stripe statistics of a standardised image, as they are and through fully connected layers.

    As they are, because what is to be explained is nearly linear in them: the encoder need not learn that.
    The branch is the same beside every encoder, so that a larger one can go on where a smaller one ended.

    Args:
        signal: how the image is standardised.
        hidden: widths of the layers.
        colours: how they are counted.
    """

    def __init__(self, signal: SignalSettings, hidden: Sequence[int], colours: Colours) -> None:
        super().__init__()
        _check(signal.shape)
        self.signal = Signal(signal)
        self.colours = colours
        size = statistics_size(colours)
        self.layers = hidden_layers(size, hidden, "silu")
        self.features = last_width(size, hidden) + size

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, features) of standardised images (B, 3, height, width)."""
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            statistics = stripe_statistics(self.signal.inverse(x.float()), self.colours)
        return torch.cat([self.layers(statistics), statistics], dim=1)


def stripe_statistics(images: Tensor, colours: Colours) -> Tensor:
    """Square roots of the histograms of horizontal stripes, (B, `statistics_size`), with a mean square of 1.

    Square roots make the Euclidean distance that of Hellinger, in which a change of a rare colour counts more
    than one of a common one.

    Args:
        images: RGB from 0 to 1, (B, 3, height, width); the height a multiple of 16, the width even.
        colours: how they are counted.
    """
    _check(images.shape[1:])
    images = images.clamp(0.0, 1.0)
    counted, edges = _colour_shares(images, _COUNTS[colours]), _edge_shares(images)
    # Each stripe's two histograms of colours add up to 1, and so do all edges together.
    halves = 2 * _COUNTS[colours].stripes
    shares = torch.cat([counted * ((1.0 - EDGE_SHARE) / halves), edges * EDGE_SHARE], dim=1)
    return torch.sqrt(shares * statistics_size(colours))


def statistics_of_crops(crops: Tensor, colours: Colours) -> Tensor:
    """Stripe statistics of uint8 crops (B, 3, height, width), however many there are."""
    out = torch.empty(len(crops), statistics_size(colours), device=crops.device)
    for start in range(0, len(crops), _CROPS_AT_ONCE):
        some = slice(start, start + _CROPS_AT_ONCE)
        out[some] = stripe_statistics(crops[some].float() / 255.0, colours)
    return out


def colours_size(colours: Colours) -> int:
    """How many of the statistics are colours: the first ones, stripe by stripe."""
    return _COUNTS[colours].stripes * _COUNTS[colours].bins


def statistics_size(colours: Colours) -> int:
    """How many statistics an image has: 384 with hues, 544 with opponent colours."""
    return colours_size(colours) + EDGE_STRIPES * SLOPES


def hue_saturation_value(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value of RGB along the second axis, each from 0 to 1; the hue of grey is 0."""
    red, green, blue = images.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    tiny = torch.finfo(images.dtype).eps
    is_red, is_green = value == red, value == green
    sector = torch.where(is_red, green - blue, torch.where(is_green, blue - red, red - green))
    # Red is in the middle of its two sectors; those before it are the last of the circle.
    start = torch.where(is_red, torch.where(sector < 0, 6.0, 0.0), torch.where(is_green, 2.0, 4.0))
    hue = (sector / chroma.clamp_min(tiny) + start) / 6.0
    return hue, chroma / value.clamp_min(tiny), value


def opponent_colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """How much redder than green, and how much less blue than both, RGB along the second axis is; -1 to 1."""
    red, green, blue = images.unbind(1)
    return red - green, (red + green) / 2.0 - blue


def _check(shape: Sequence[int]) -> None:
    channels, height, width = shape
    if channels != 3 or height % EDGE_STRIPES or width % 2:
        raise ValueError(
            f"stripes are read from images of 3 channels with an even width and a height that is a multiple "
            f"of {EDGE_STRIPES}, not from {tuple(shape)}"
        )


@dataclass(frozen=True, slots=True)
class _Count:
    """A way to count colours.

    Attributes:
        stripes: how many an image is cut into.
        bins: of a stripe.
        of: shares of its bins, (B, stripes, bins), from its pixels (B, 3, stripes, pixels) and their weights.
    """

    stripes: int
    bins: int
    of: Callable[[Tensor, Tensor], Tensor]


def _hues_and_values(pixels: Tensor, weight: Tensor) -> Tensor:
    hue, saturation, value = hue_saturation_value(pixels)
    away = ((hue * HUES).unsqueeze(-2) - _centres(HUES, hue)).abs_()
    # Hues go round: the first bin is the last one's neighbour.
    hues = _shares(torch.minimum(away, HUES - away))
    colours = hues @ (_between(saturation, SATURATIONS) * weight).transpose(-1, -2)
    return torch.cat([colours.flatten(2), _between(value, VALUES) @ weight], dim=2)


def _opponents_and_lights(pixels: Tensor, weight: Tensor) -> Tensor:
    # Colours more than half as pure as can be are not told apart: few clothes have them.
    reds, yellows = (_between(0.5 + colour, OPPONENTS) for colour in opponent_colours(pixels))
    colours = reds @ (yellows * weight).transpose(-1, -2)
    return torch.cat([colours.flatten(2), _between(pixels.amax(1), LIGHTS) @ weight], dim=2)


_COUNTS: dict[Colours, _Count] = {
    "hue": _Count(HUE_STRIPES, HUES * SATURATIONS + VALUES, _hues_and_values),
    "opponent": _Count(16, OPPONENTS**2 + LIGHTS, _opponents_and_lights),
}


def _colour_shares(images: Tensor, count: _Count) -> Tensor:
    """Each stripe's joint histogram of colours and the one of lightness, (B, stripes × bins)."""
    # Two pixels side by side are as good as one, and cost half.
    halved = (images[..., 0::2] + images[..., 1::2]) / 2.0
    width = halved.shape[-1]
    stripes = _cut(halved, count.stripes)
    weight = _bell(width, COLOUR_BELL, images).repeat(stripes.shape[-1] // width)
    return count.of(stripes, weight).flatten(1) / stripes.shape[-1]


def _edge_shares(images: Tensor) -> Tensor:
    """How much of all edges is in each stripe and of each slope, (B, stripes × slopes).

    A slope and its mirror image are one: somebody who turns round stays the same.
    """
    grey = images.mean(1, keepdim=True)
    across = nn.functional.pad(grey[..., 2:] - grey[..., :-2], (1, 1))
    down = nn.functional.pad(grey[..., 2:, :] - grey[..., :-2, :], (0, 0, 1, 1))
    tiny = torch.finfo(images.dtype).eps
    slope = torch.atan(down.abs() / across.abs().clamp_min(tiny)) * (2.0 / math.pi)
    strength = torch.sqrt(across.square() + down.square()) * _bell(images.shape[-1], EDGE_BELL, images)
    shares = _between(_cut(slope, EDGE_STRIPES), SLOPES)
    edges = (shares @ _cut(strength, EDGE_STRIPES).unsqueeze(-1)).flatten(1)
    # A crop without any edge has no shares of them either.
    return edges / (edges.sum(1, keepdim=True) + 1e-6)


def _cut(images: Tensor, stripes: int) -> Tensor:
    """Images (B, C, height, width) as (B, C, stripes, pixels)."""
    channels, height, width = images.shape[1:]
    # The batch must not be named: an exported graph is for any number of crops.
    return images.reshape(-1, channels, stripes, height * width // stripes)


def _bell(width: int, deviation: float, like: Tensor) -> Tensor:
    """Weights of the columns, 1 on average."""
    middle = (width - 1) / 2
    away = (torch.arange(width, device=like.device, dtype=like.dtype) - middle) / (width * deviation)
    bell = torch.exp(-0.5 * away.square())
    return bell / bell.mean()


def _between(level: Tensor, bins: int) -> Tensor:
    """How much of each level (…, pixels), from 0 to 1, belongs to each bin, (…, bins, pixels)."""
    # Beyond the outer bins' centres there is nobody to share with.
    position = (level * bins).clamp(0.5, bins - 0.5)
    return _shares((position.unsqueeze(-2) - _centres(bins, level)).abs_())


def _centres(bins: int, like: Tensor) -> Tensor:
    """The bins' middles, (bins, 1)."""
    return torch.arange(bins, device=like.device, dtype=like.dtype).unsqueeze(-1) + 0.5


def _shares(distance: Tensor) -> Tensor:
    """Of a pixel that is so many bins away from a bin's middle; takes the place of the distances.

    There are as many numbers as pixels and bins: a copy of them costs more than the sums themselves.
    """
    return distance.neg_().add_(1.0).clamp_min_(0.0)
