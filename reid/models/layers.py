"""Small parts that several networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

Activation = Literal["relu", "silu", "elu", "tanh"]

# Strict settings would refuse the lists that YAML has in place of tuples.
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)]
Counts = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)]

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "elu": nn.ELU, "tanh": nn.Tanh}


def hidden_layers(inputs: int, widths: Sequence[int], activation: Activation) -> nn.Sequential:
    """Fully connected layers, each followed by the activation."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), ACTIVATIONS[activation]()]
        inputs = width
    return nn.Sequential(*layers)


def last_width(inputs: int, widths: Sequence[int]) -> int:
    """How many numbers come out of ``hidden_layers``."""
    return widths[-1] if widths else inputs
