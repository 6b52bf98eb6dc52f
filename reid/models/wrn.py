"""The supervised descriptor of Wojke and Bewley (WACV 2018): a small wide residual network.

It is learnt with identity labels and stands here as the row to reach. 128 × 64 pixels become a unit vector
of 128; layer by layer it has the 2,800,864 parameters of the published network.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from reid.models.observation import Signal, SignalSettings
from reid.settings import Settings


class WRNSettings(Settings):
    """The published network needs no settings but these."""

    features: int = Field(128, ge=1)
    dropout: float = Field(0.4, ge=0, lt=1)


class ScaleSettings(Settings):
    """What the classifier's cosines are multiplied with, before the softplus; it is learned."""

    start: float = 0.0
    """From 10 on the first few hundred steps already tell people apart; from 0 it takes thousands."""
    decay: float = Field(0.1, ge=0)
    """Keeps the scale, and with it the confidence, from growing without bound."""


class ShiftNorm(nn.Module):
    """Batch normalisation with a learned shift and no learned scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, channels, height, width)."""
        out: Tensor = self.norm(x) + self.shift
        return out


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity, or beside a strided projection where the width doubles."""

    def __init__(self, inputs: int, outputs: int, dropout: float, first: bool = False) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        # The first block follows an activation already.
        self.before = nn.Identity() if first else nn.Sequential(ShiftNorm(inputs), nn.ELU())
        self.layers = nn.Sequential(
            _conv(inputs, outputs, stride, bias=False),
            ShiftNorm(outputs),
            nn.ELU(),
            nn.Dropout(dropout),
            _conv(outputs, outputs, 1, bias=True),
        )
        self.shortcut = nn.Identity() if stride == 1 else _conv(inputs, outputs, stride, bias=False, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block makes of its input to the input."""
        out: Tensor = self.shortcut(x) + self.layers(self.before(x))
        return out


class CosineDescriptor(nn.Module):
    """uint8 RGB crops (B, 3, 128, 64) to unit vectors (B, features)."""

    SHAPE = (3, 128, 64)

    def __init__(self, settings: WRNSettings) -> None:
        super().__init__()
        self.settings = settings
        self.input = Signal(SignalSettings(shape=self.SHAPE))
        layers: list[nn.Module] = []
        for inputs, outputs in ((3, 32), (32, 32)):
            layers += [_conv(inputs, outputs, 1, bias=False), ShiftNorm(outputs), nn.ELU()]
        layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        for inputs, outputs in ((32, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)):
            first = isinstance(layers[-1], nn.MaxPool2d)
            layers.append(ResidualBlock(inputs, outputs, settings.dropout, first))
        self.layers = nn.Sequential(*layers)
        self.dropout = nn.Dropout(settings.dropout)
        self.dense = nn.Linear(16 * 8 * 128, settings.features, bias=False)
        self.norm = ShiftNorm(settings.features)
        _narrow_init(self.dense)

    def forward(self, x: Tensor) -> Tensor:
        """Descriptors of raw crops."""
        features = self.dense(self.dropout(self.layers(self.input(x)).flatten(1)))
        activated = functional.elu(self.norm(features[:, :, None, None])).flatten(1)
        return functional.normalize(activated.float(), dim=1)


class CosineSoftmax(nn.Module):
    """Classifier over identities by the angle to one unit vector for each; needed in training only."""

    def __init__(self, features: int, identities: int, scale: ScaleSettings | None = None) -> None:
        super().__init__()
        scale = scale or ScaleSettings()
        self.identities = nn.Parameter(torch.randn(identities, features) / features**0.5)
        self.scale = nn.Parameter(torch.tensor(scale.start))
        self._decay = scale.decay

    def forward(self, descriptors: Tensor) -> Tensor:
        """Logits (B, identities) of unit vectors (B, features)."""
        cosines = descriptors @ functional.normalize(self.identities, dim=1).T
        return functional.softplus(self.scale) * cosines

    def loss(self, descriptors: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the labels, and the decay of the scale."""
        decay = 0.5 * self._decay * self.scale.square()
        return functional.cross_entropy(self(descriptors), labels) + decay


def _conv(inputs: int, outputs: int, stride: int, bias: bool, kernel: int = 3) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=bias)
    _narrow_init(conv)
    return conv


def _narrow_init(layer: nn.Conv2d | nn.Linear) -> None:
    """Normal weights of deviation 0.001 cut at two deviations, biases zero."""
    nn.init.trunc_normal_(layer.weight, std=1e-3, a=-2e-3, b=2e-3)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
