"""What the model sees and what it must explain: parts, their standardisation and their weights.

An observation is one vector. It may be made of several parts (an image, statistics of its colours …); each
is standardised, weighted and laid beside the others, so that the squared distance between two observations
is the weighted sum of the parts' mean squared errors, and the decoder's metric tensor is that of all parts
together. The outside world deals in named parts in their own units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from reid.models.decoders import DecoderSettings
from reid.settings import Settings

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Shape = Annotated[tuple[int, ...], Field(strict=False, min_length=1, max_length=3)]
PerChannel = Annotated[tuple[float, ...], Field(strict=False, min_length=1)]


class SignalSettings(Settings):
    """A kind of data: its shape and how it is standardised."""

    shape: Shape
    """(channels, height, width) of an image, (length,) of a vector."""
    mean: PerChannel = (0.0,)
    """Subtracted; one number, or one for each channel."""
    std: PerChannel = (1.0,)
    """Divided by, after the mean is subtracted."""

    @model_validator(mode="after")
    def _check(self) -> SignalSettings:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.shape[0]):
                raise ValueError(
                    f"{name} needs 1 number or {self.shape[0]}, one for each channel, not {len(values)}"
                )
        if min(self.shape) < 1 or min(self.std) <= 0:
            raise ValueError("every entry of shape and std must be positive")
        return self


class ForegroundSettings(Settings):
    """A bell that favours the middle of an image, in units of half its width and height.

    Most of a squashed pedestrian box's rim is background, which says nothing about who is in it.
    """

    width: float = Field(0.5, gt=0)
    height: float = Field(1.0, gt=0)
    floor: float = Field(0.1, gt=0, le=1)
    """Weight far from the middle, where the middle has 1."""


class PartSettings(SignalSettings):
    """A part of the observation: how it is decoded and how much it counts."""

    decoder: DecoderSettings
    weight: float = Field(1.0, gt=0)
    foreground: ForegroundSettings | None = None

    @model_validator(mode="after")
    def _check_foreground(self) -> PartSettings:
        if self.foreground is not None and len(self.shape) != 3:
            raise ValueError(f"foreground needs an image (channels, height, width), not {self.shape}")
        return self


class Signal(nn.Module):
    """Raw data to standardised float32.

    uint8 is scaled to [0, 1] first, as torchvision does; floats are taken as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, settings: SignalSettings) -> None:
        super().__init__()
        self.shape = settings.shape
        per_channel = (-1, *[1] * (len(self.shape) - 1))
        self.register_buffer("mean", torch.tensor(settings.mean).reshape(per_channel))
        self.register_buffer("std", torch.tensor(settings.std).reshape(per_channel))

    def forward(self, raw: Tensor) -> Tensor:
        """Standardise a batch of shape (B, *shape)."""
        if raw.shape[1:] != self.shape:
            raise ValueError(
                f"expected a batch of shape (B, {', '.join(map(str, self.shape))}), not {tuple(raw.shape)}"
            )
        scaled = raw.float() / 255.0 if raw.dtype == torch.uint8 else raw.float()
        return (scaled - self.mean) / self.std

    def inverse(self, standardised: Tensor) -> Tensor:
        """Back to the data's units; images come back in [0, 1] if the model is right."""
        return standardised.reshape(-1, *self.shape) * self.std + self.mean


class Observation(nn.Module):
    """Named parts to one weighted vector, and back."""

    scale: Tensor

    def __init__(self, parts: Mapping[str, PartSettings]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({name: Signal(part) for name, part in parts.items()})
        self.sizes = [math.prod(part.shape) for part in parts.values()]
        self.size = sum(self.sizes)
        weights = torch.tensor([part.weight for part in parts.values()])
        shares = weights / weights.sum()
        # The mean over all numbers of (scale × error)² is the weighted sum of the parts' own means.
        scales = [
            torch.sqrt(share * self.size / size * _foreground(part))
            for share, size, part in zip(shares, self.sizes, parts.values(), strict=True)
        ]
        self.register_buffer("scale", torch.cat(scales))

    def pack(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Raw parts to observations of shape (B, size)."""
        if parts.keys() != self.parts.keys():
            raise ValueError(f"expected the parts {', '.join(self.parts)}; found {', '.join(parts)}")
        standardised = [signal(parts[name]).flatten(1) for name, signal in self.parts.items()]
        return self.weigh(torch.cat(standardised, dim=1))

    def weigh(self, standardised: Tensor) -> Tensor:
        """Apply the parts' and pixels' weights to standardised values of shape (B, size)."""
        return standardised * self.scale

    def unpack(self, observations: Tensor) -> dict[str, Tensor]:
        """Observations of shape (B, size) to parts in their own units."""
        pieces = torch.split(observations / self.scale, self.sizes, dim=1)
        return {
            name: self._signal(name).inverse(piece) for name, piece in zip(self.parts, pieces, strict=True)
        }

    def _signal(self, name: str) -> Signal:
        return cast(Signal, self.parts[name])


def _foreground(part: PartSettings) -> Tensor:
    """The weight of each of a part's numbers, 1 on average."""
    if part.foreground is None:
        return torch.ones(math.prod(part.shape))
    bell = part.foreground
    channels, height, width = part.shape
    x = torch.linspace(-1.0, 1.0, width) / bell.width
    y = torch.linspace(-1.0, 1.0, height)[:, None] / bell.height
    weights = bell.floor + (1.0 - bell.floor) * torch.exp(-0.5 * (x.square() + y.square()))
    return (weights / weights.mean()).expand(channels, -1, -1).flatten()
