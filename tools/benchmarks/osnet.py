"""Networks of OSNet's architecture, without its weights: for speed, those do not matter.

OSNet (Zhou et al., "Omni-scale feature learning for person re-identification", ICCV 2019) is the small
supervised network that many trackers come with. It reads crops of 256 × 128 and gives 512 numbers.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

HEIGHT, WIDTH = 256, 128
FEATURES = 512

_CHANNELS = (64, 256, 384, 512)
_STREAMS = 4
_BLOCKS = 2
#: How much narrower a block is inside than outside, and a gate than its block.
_BOTTLENECK, _GATE = 4, 16


class OSNet(nn.Module):
    """The part that makes the descriptor.

    Args:
        width: of all layers but the last, as a share of the full network's; 1 and 0.25 are the usual ones.
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        stem, *stages = (int(channels * width) for channels in _CHANNELS)
        layers: list[nn.Module] = [_convolution(3, stem, 7, stride=2), nn.MaxPool2d(3, stride=2, padding=1)]
        before = stem
        for number, channels in enumerate(stages, start=1):
            for _ in range(_BLOCKS):
                layers.append(_Block(before, channels))
                before = channels
            if number < len(stages):
                layers += [_convolution(channels, channels), nn.AvgPool2d(2)]
        layers += [_convolution(before, before), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        layers += [nn.Linear(before, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (N, 512) of standardised images (N, 3, 256, 128)."""
        vectors: Tensor = self.layers(images)
        return vectors


class _Block(nn.Module):
    """Streams of one to four small convolutions, weighed by one gate for all, beside a shortcut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        inside = after // _BOTTLENECK
        self.narrow = _convolution(before, inside)
        self.streams = nn.ModuleList(
            nn.Sequential(*(_light_convolution(inside) for _ in range(depth)))
            for depth in range(1, _STREAMS + 1)
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(inside, inside // _GATE, 1),
            nn.ReLU(),
            nn.Conv2d(inside // _GATE, inside, 1),
            nn.Sigmoid(),
        )
        self.widen = _convolution(inside, after, active=False)
        self.shortcut = nn.Identity() if before == after else _convolution(before, after, active=False)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.narrow(x)
        first, *others = (self._gated(stream(narrow)) for stream in self.streams)
        together: Tensor = sum(others, start=first)
        return nn.functional.relu(self.widen(together) + self.shortcut(x))

    def _gated(self, stream: Tensor) -> Tensor:
        gated: Tensor = self.gate(stream) * stream
        return gated


def _convolution(
    before: int, after: int, size: int = 1, *, stride: int = 1, active: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(after),
    ]
    return nn.Sequential(*layers, *([nn.ReLU()] if active else []))


def _light_convolution(channels: int) -> nn.Sequential:
    """Across the channels first, then each channel for itself."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def write_osnet(path: Path, width: float) -> None:
    """An ONNX file as users have them: standardised floats in, any number of crops at once."""
    torch.manual_seed(0)
    network = OSNet(width).eval()
    with warnings.catch_warnings():
        # The exporter warns of itself.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, HEIGHT, WIDTH),),
            str(path),
            dynamo=False,
            input_names=["images"],
            output_names=["vectors"],
            dynamic_axes={"images": {0: "N"}, "vectors": {0: "N"}},
        )
