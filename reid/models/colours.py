"""Colour statistics as a layer: what an encoder may read beside the pixels themselves.

A convolution has to learn from the training crops what the colours of a stripe are, and is wrong about
colours that it has not seen. Counting them is right in any footage.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reid.appearance import HUES, SATURATIONS, SIDE_MARGIN, STATISTICS, STRIPES, VALUES
from reid.models.layers import Activation, hidden_layers, last_width
from reid.models.observation import Signal, SignalSettings


class ColourBranch(nn.Module):
    """Colour statistics of a standardised image, and fully connected layers on them.

    The statistics are those of `reid.appearance`, but for one thing: a pixel is shared among the two bins
    that it lies between, so that a change of light moves them little.

    Args:
        signal: how the image is standardised.
        hidden: widths of the layers.
        activation: after each of them.
    """

    def __init__(self, signal: SignalSettings, hidden: Sequence[int], activation: Activation) -> None:
        super().__init__()
        channels, height, width = signal.shape
        if channels != 3 or height % STRIPES:
            raise ValueError(
                f"colours are read from images of 3 channels whose height is a multiple of {STRIPES}, "
                f"not from {tuple(signal.shape)}"
            )
        self.signal = Signal(signal)
        self.margin = round(width * SIDE_MARGIN)
        self.layers = hidden_layers(STATISTICS, hidden, activation)
        self.features = last_width(STATISTICS, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, features) of standardised images (B, 3, height, width)."""
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            images = self.signal.inverse(x.float())
            statistics = soft_statistics(images[..., self.margin : images.shape[-1] - self.margin])
        features: Tensor = self.layers(statistics)
        return features


def soft_statistics(images: Tensor) -> Tensor:
    """Square roots of the histograms of horizontal stripes, (B, 320), with a mean square of 1.

    Args:
        images: RGB from 0 to 1, (B, 3, height, width).
    """
    height, width = images.shape[2:]
    # The batch must not be named: an exported graph is for any number of crops.
    stripes = images.clamp(0.0, 1.0).reshape(-1, 3, STRIPES, height * width // STRIPES)
    hue, saturation, value = hue_saturation_value(stripes)
    away = (hue.unsqueeze(-2) * HUES - _centres(HUES, hue)).abs()
    # Hues go round: the first bin is the last one's neighbour.
    hues = _shares(torch.minimum(away, HUES - away))
    colours = hues @ _between(saturation, SATURATIONS).transpose(-1, -2)
    values = _between(value, VALUES).sum(-1)
    histograms = torch.cat([colours.flatten(2), values], dim=2) / stripes.shape[-1]
    # Each stripe's two histograms add up to 1.
    return torch.sqrt(histograms.flatten(1) * (STATISTICS / (2 * STRIPES)))


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


def _between(level: Tensor, bins: int) -> Tensor:
    """How much of each level (…, pixels), from 0 to 1, belongs to each bin, (…, bins, pixels)."""
    # Beyond the outer bins' centres there is nobody to share with.
    position = (level * bins).clamp(0.5, bins - 0.5)
    return _shares((position.unsqueeze(-2) - _centres(bins, level)).abs())


def _centres(bins: int, like: Tensor) -> Tensor:
    """The bins' middles, (bins, 1)."""
    return torch.arange(bins, device=like.device, dtype=like.dtype).unsqueeze(-1) + 0.5


def _shares(distance: Tensor) -> Tensor:
    """Of a pixel that is so many bins away from a bin's middle."""
    return (1.0 - distance).clamp_min(0.0)
