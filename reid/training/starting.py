"""Start where another run has ended: on new footage, or with a larger encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from reid.models.stripes import StripeBranch

MODEL = "model.safetensors"

_HEAD = "encoder.head.linear.weight"
_CONVOLUTIONS = ("encoder.features.", "encoder.layers.")


class StartError(ValueError):
    """Weights that a run cannot start from; says which and why."""


def read_start(folder: Path) -> dict[str, Tensor]:
    """The weights of a finished run.

    Raises:
        StartError: if there are none.
    """
    path = folder / MODEL
    if not path.is_file():
        raise StartError(f"{path}: no such file; name the folder of a finished run")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise StartError(f"{path}: cannot be read ({error})") from error


def start_from(there: Mapping[str, Tensor], network: nn.Module) -> None:
    """Let a network begin with all weights of another one that fit: all, if the two are of the same kind.

    From one with another encoder that reads stripe statistics, too, everything but the convolutions: the
    network goes on where the other's stripes and decoders are, and its own convolutions say nothing at first.

    Raises:
        StartError: if more than convolutions does not fit; then nothing is changed.
    """
    # How data are standardised and weighted is this network's own business.
    own = dict(network.named_parameters())
    fitting = {name: value for name, value in there.items() if name in own and own[name].shape == value.shape}
    # Parts that the network may keep as they are.
    kept: tuple[str, ...] = ()
    stripes = _features_of_stripes(network)
    another_encoder = _convolutions(there) != _convolutions(own)
    if stripes and another_encoder and _has_head(there, len(own[_HEAD]), stripes):
        kept = _CONVOLUTIONS
        # Some may fit by chance, but in another place they mean something else.
        fitting = {name: value for name, value in fitting.items() if not name.startswith(kept)}
        # Those of the stripes come last, after those of the convolutions.
        fitting[_HEAD] = torch.zeros_like(own[_HEAD])
        fitting[_HEAD][:, -stripes:] = there[_HEAD][:, -stripes:]
    misfits = [name for name in own if name not in fitting and not name.startswith(kept)]
    if misfits:
        raise StartError(
            f"the run to start from is of another model: its {misfits[0]} is missing, or of another shape"
        )
    network.load_state_dict(fitting, strict=False)


def _has_head(there: Mapping[str, Tensor], outputs: int, features: int) -> bool:
    """Whether another network's latents come from at least so many features."""
    return _HEAD in there and len(there[_HEAD]) == outputs and there[_HEAD].shape[1] >= features


def _convolutions(parameters: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in parameters.items() if name.startswith(_CONVOLUTIONS)}


def _features_of_stripes(network: nn.Module) -> int:
    branches = [module for module in network.modules() if isinstance(module, StripeBranch)]
    return branches[0].features if branches else 0
