"""Encoders: standardised input to the approximate posterior q(z|x).

None has batch normalisation: a crop's descriptor must not depend on the crops it is encoded with.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from reid.models.gaussian import DiagonalGaussian, GaussianHead
from reid.models.layers import ACTIVATIONS, Activation, Counts, Widths, hidden_layers, last_width
from reid.models.observation import SignalSettings
from reid.models.stripes import Colours, StripeBranch
from reid.models.weights import load_vgg16_features
from reid.settings import Settings


class VGG16Settings(Settings):
    """The paper's encoder for pedestrians (FMVAE, table 3, MOT16): VGG16's convolutions, one linear layer."""

    kind: Literal["vgg16"] = "vgg16"
    width: float = Field(1.0, gt=0)
    """Factor on the channels."""
    weights: str = "none"
    """Where training starts: "none", "imagenet" or the path of a file."""
    stripes: Widths = ()
    """Layers of a second branch, which reads the image's stripe statistics; none: there is no such branch."""
    colours: Colours = "hue"
    """How that branch counts colours."""


class SmallSettings(Settings):
    """A residual network for processors without a GPU: 46 million multiply-adds at 64 × 64."""

    kind: Literal["small"] = "small"
    widths: Widths = (32, 64, 128, 256, 256)
    """Channels of the stages, each of which halves the image."""
    blocks: Counts = (0, 1, 1, 1, 0)
    """Residual convolutions after each halving."""
    norm: Literal["group", "none"] = "group"
    activation: Activation = "silu"
    stripes: Widths = ()
    colours: Colours = "hue"
    """Both as for :class:`VGG16Settings`."""


class MLPEncoderSettings(Settings):
    """Fully connected layers, for vectors and small images (FMVAE, table 3)."""

    kind: Literal["mlp"] = "mlp"
    hidden: Widths = (256, 256)
    activation: Activation = "relu"


EncoderSettings = Annotated[VGG16Settings | SmallSettings | MLPEncoderSettings, Field(discriminator="kind")]


def untrained(settings: EncoderSettings) -> EncoderSettings:
    """The same encoder without weights to start from, for one that is to get others."""
    if isinstance(settings, VGG16Settings):
        return settings.model_copy(update={"weights": "none"})
    return settings


class VGG16Encoder(nn.Module):
    """VGG16 without its classifier: 64 × 64 pixels become a 2 × 2 map; stripe statistics beside it."""

    def __init__(self, settings: VGG16Settings, latents: int, signal: SignalSettings) -> None:
        super().__init__()
        height, width = _image_sides(signal.shape, "vgg16", at_least=32)
        if signal.shape[0] != 3:
            raise ValueError(f"vgg16 reads 3 channels, not {signal.shape[0]}")
        if settings.weights != "none" and settings.width != 1.0:
            raise ValueError(f"stored weights fit vgg16 at width 1 only, not {settings.width}")
        # With torchvision's networks half of PyTorch's compiler is imported, which takes longer than all else
        # that a smaller encoder needs.
        from torchvision.models.vgg import cfgs, make_layers

        layout = [item if item == "M" else max(1, round(settings.width * int(item))) for item in cfgs["D"]]
        self.features: nn.Sequential = make_layers(layout)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                _keep_variance(layer)
        if settings.weights != "none":
            load_vgg16_features(settings.weights, self.features)
        self.stripes = _stripe_branch(settings, signal)
        size = int(layout[-2]) * (height // 32) * (width // 32) + _features_of(self.stripes)
        self.head = GaussianHead(size, latents)

    def forward(self, x: Tensor) -> DiagonalGaussian:
        """Posterior of standardised images (B, 3, height, width)."""
        posterior: DiagonalGaussian = self.head(_joined(self.features(x), self.stripes, x))
        return posterior


class SmallEncoder(nn.Module):
    """Strided 3 × 3 convolutions with a few residual ones between them; stripe statistics beside them."""

    def __init__(self, settings: SmallSettings, latents: int, signal: SignalSettings) -> None:
        super().__init__()
        height, width = _image_sides(signal.shape, "small", at_least=1)
        if len(settings.blocks) != len(settings.widths):
            raise ValueError(
                f"blocks needs {len(settings.widths)} numbers, one for each width, not {len(settings.blocks)}"
            )
        layers: list[nn.Module] = []
        channels = signal.shape[0]
        for stage, blocks in zip(settings.widths, settings.blocks, strict=True):
            layers.append(_convolution(channels, stage, stride=2, settings=settings))
            layers += [
                Residual(_convolution(stage, stage, stride=1, settings=settings)) for _ in range(blocks)
            ]
            channels, height, width = stage, math.ceil(height / 2), math.ceil(width / 2)
        self.layers = nn.Sequential(*layers)
        self.stripes = _stripe_branch(settings, signal)
        self.head = GaussianHead(channels * height * width + _features_of(self.stripes), latents)

    def forward(self, x: Tensor) -> DiagonalGaussian:
        """Posterior of standardised images (B, channels, height, width)."""
        posterior: DiagonalGaussian = self.head(_joined(self.layers(x), self.stripes, x))
        return posterior


class Residual(nn.Module):
    """A layer beside the identity."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Input plus what the layer makes of it."""
        out: Tensor = x + self.layer(x)
        return out


class MLPEncoder(nn.Module):
    """Fully connected layers on the flattened input."""

    def __init__(self, settings: MLPEncoderSettings, latents: int, signal: SignalSettings) -> None:
        super().__init__()
        size = math.prod(signal.shape)
        self.hidden = hidden_layers(size, settings.hidden, settings.activation)
        self.head = GaussianHead(last_width(size, settings.hidden), latents)

    def forward(self, x: Tensor) -> DiagonalGaussian:
        """Posterior of standardised input of any shape (B, ...)."""
        posterior: DiagonalGaussian = self.head(self.hidden(x.flatten(1)))
        return posterior


ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "vgg16": VGG16Encoder,
    "small": SmallEncoder,
    "mlp": MLPEncoder,
}


def build_encoder(settings: EncoderSettings, latents: int, signal: SignalSettings) -> nn.Module:
    """The encoder that ``settings`` describe, for input of the given shape and standardisation."""
    return ENCODERS[settings.kind](settings, latents, signal)


def _stripe_branch(settings: VGG16Settings | SmallSettings, signal: SignalSettings) -> StripeBranch | None:
    return StripeBranch(signal, settings.stripes, settings.colours) if settings.stripes else None


def _features_of(stripes: StripeBranch | None) -> int:
    return 0 if stripes is None else stripes.features


def _joined(maps: Tensor, stripes: StripeBranch | None, x: Tensor) -> Tensor:
    """Features of the convolutions, and what the other branch says of the same images."""
    flat = maps.flatten(1)
    return flat if stripes is None else torch.cat([flat, stripes(x)], dim=1)


def _convolution(inputs: int, outputs: int, stride: int, settings: SmallSettings) -> nn.Sequential:
    """A 3 × 3 convolution, normalised in groups of 16 channels, and its activation."""
    normalised = settings.norm == "group"
    convolution = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=not normalised)
    _keep_variance(convolution)
    layers: list[nn.Module] = [convolution]
    if normalised:
        layers.append(nn.GroupNorm(math.gcd(outputs, max(1, outputs // 16)), outputs))
    layers.append(ACTIVATIONS[settings.activation]())
    return nn.Sequential(*layers)


def _keep_variance(convolution: nn.Conv2d) -> None:
    """He initialisation: without it thirteen convolutions in a row let hardly anything through."""
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


def _image_sides(shape: tuple[int, ...], encoder: str, at_least: int) -> tuple[int, int]:
    if len(shape) != 3 or min(shape[1:]) < at_least:
        raise ValueError(
            f"{encoder} reads images (channels, height, width) with sides of at least {at_least}, not {shape}"
        )
    return shape[1], shape[2]
