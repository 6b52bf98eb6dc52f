"""Decoders: latents of shape (B, N) to one part of the observation, flattened to (B, numbers of the part).

None has batch normalisation: it would make f(z) depend on the other samples of the batch, among which the
finite differences of the metric tensor are taken. All start from PyTorch's own small weights, and so from a
small metric tensor: variance-preserving ones begin with one so large that its regulariser drowns the
reconstruction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from reid.models.layers import Activation, Widths, hidden_layers, last_width
from reid.settings import Settings


class DeconvSettings(Settings):
    """Five stages of transposed and plain convolutions (FMVAE, table 3, MOT16), each doubling the image."""

    kind: Literal["deconv"] = "deconv"
    width: float = Field(1.0, gt=0)
    """Factor on the channels 256, 128, 64, 32, 16."""


class MLPDecoderSettings(Settings):
    """Fully connected layers, for vectors and small images (FMVAE, table 3)."""

    kind: Literal["mlp"] = "mlp"
    hidden: Widths = (256, 256)
    activation: Activation = "relu"
    shortcut: bool = False
    """A linear layer beside them, at first an isometry: training begins with a space that is flat, and the
    other layers bend it where that pays. For parts with at least as many numbers as there are latents."""


class ResidualDecoderSettings(Settings):
    """Fully connected layers, each beside the identity (Chen et al. 2018, table 3)."""

    kind: Literal["residual"] = "residual"
    width: int = Field(128, ge=1)
    blocks: int = Field(7, ge=1)
    activation: Activation = "tanh"


DecoderSettings = Annotated[
    DeconvSettings | MLPDecoderSettings | ResidualDecoderSettings, Field(discriminator="kind")
]


class DeconvDecoder(nn.Module):
    """Latents to an image; ReLU, because finite differences flatten it best."""

    CHANNELS = (256, 128, 64, 32, 16)

    def __init__(self, settings: DeconvSettings, latents: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        factor = 2 ** len(self.CHANNELS)
        if len(shape) != 3 or shape[1] % factor or shape[2] % factor:
            raise ValueError(
                f"the deconv decoder makes images (channels, height, width) with sides that are multiples of "
                f"{factor}, not {shape}"
            )
        widths = [max(1, round(settings.width * channels)) for channels in self.CHANNELS]
        start = (2 * widths[0], shape[1] // factor, shape[2] // factor)
        layers: list[nn.Module] = [
            nn.Linear(latents, math.prod(start)),
            nn.Unflatten(1, start),
        ]
        channels = start[0]
        for width in widths:
            # Kernel 4 with stride 2 covers every pixel equally often: no checkerboard.
            layers += [nn.ConvTranspose2d(channels, width, kernel_size=4, stride=2, padding=1), nn.ReLU()]
            layers += [nn.Conv2d(width, width, kernel_size=3, padding=1), nn.ReLU()]
            channels = width
        layers += [nn.Conv2d(channels, shape[0], kernel_size=3, padding=1), nn.Flatten()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Images of shape (B, channels × height × width)."""
        out: Tensor = self.layers(z)
        return out


class MLPDecoder(nn.Module):
    """Latents to a vector of any shape's size."""

    def __init__(self, settings: MLPDecoderSettings, latents: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        features = last_width(latents, settings.hidden)
        self.hidden = hidden_layers(latents, settings.hidden, settings.activation)
        self.last = nn.Linear(features, math.prod(shape))
        self.shortcut: nn.Linear | None = None
        if settings.shortcut:
            if math.prod(shape) < latents:
                raise ValueError(
                    f"a shortcut from {latents} latents needs at least as many numbers to make, not {shape}"
                )
            self.shortcut = nn.Linear(latents, math.prod(shape), bias=False)
            nn.init.orthogonal_(self.shortcut.weight)

    def forward(self, z: Tensor) -> Tensor:
        """Vectors of shape (B, size)."""
        out: Tensor = self.last(self.hidden(z))
        return out if self.shortcut is None else out + self.shortcut(z)


class ResidualDecoder(nn.Module):
    """Latents to a vector of any shape's size, through residual layers of one width."""

    def __init__(self, settings: ResidualDecoderSettings, latents: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        width = settings.width
        self.first = hidden_layers(latents, [width], settings.activation)
        self.blocks = nn.ModuleList(
            hidden_layers(width, [width], settings.activation) for _ in range(settings.blocks)
        )
        self.last = nn.Linear(width, math.prod(shape))

    def forward(self, z: Tensor) -> Tensor:
        """Vectors of shape (B, size)."""
        features = self.first(z)
        for block in self.blocks:
            features = features + block(features)
        out: Tensor = self.last(features)
        return out


DECODERS: dict[str, Callable[..., nn.Module]] = {
    "deconv": DeconvDecoder,
    "mlp": MLPDecoder,
    "residual": ResidualDecoder,
}


def build_decoder(settings: DecoderSettings, latents: int, shape: tuple[int, ...]) -> nn.Module:
    """The decoder that ``settings`` describe, for one part of the given shape."""
    return DECODERS[settings.kind](settings, latents, shape)
