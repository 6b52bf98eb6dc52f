"""Weights to start from: ImageNet's, or a file's. Asked for by name, never taken silently."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

# How the layers are called in torchvision's files; in a descriptor, or where a run has ended.
_PREFIXES = ("features.", "encoder.features.")


class WeightsError(ValueError):
    """Weights that are missing or do not fit; the message says which file is expected where."""


def load_vgg16_features(source: str, features: nn.Module) -> None:
    """Fill VGG16's convolutions from "imagenet" or from a ``.safetensors`` or ``.pth`` file.

    The file may hold torchvision's whole network or its feature layers alone; or it is a descriptor, or the
    model of a run, that has VGG16 as its encoder.

    Raises:
        WeightsError: if there is no such file, or it holds something else.
    """
    weights = _imagenet() if source == "imagenet" else _read(Path(source))
    found = {
        name.removeprefix(prefix): weights[name]
        for prefix in _PREFIXES
        for name in weights
        if name.startswith(prefix)
    }
    if not found:
        raise WeightsError(
            f"{source}: expected VGG16's weights, features.0.weight and so on; found {list(weights)[:3]}"
        )
    try:
        features.load_state_dict(found)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{source}: expected VGG16's weights; they do not fit ({reason})") from error


def _imagenet() -> dict[str, Tensor]:
    # With torchvision's networks half of PyTorch's compiler is imported: not for a run that starts without.
    from torchvision.models import VGG16_Weights

    url = VGG16_Weights.IMAGENET1K_V1.url
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except OSError as error:
        target = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
        raise WeightsError(
            f"VGG16's ImageNet weights are not on this machine and could not be fetched ({error}): put "
            f"{url} (528 MB) at {target}, give another file as encoder.weights, or start without them: "
            f"encoder.weights=none"
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f'{path}: no such file; encoder.weights is "none", "imagenet" or the path of a file'
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    # Rubbish can end the reading of a pickle with nearly any error.
    except (
        SafetensorError,
        UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        LookupError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: cannot be read ({reason})") from error
    if not isinstance(weights, Mapping):
        raise WeightsError(f"{path}: expected VGG16's weights by name; found {type(weights).__name__}")
    return dict(weights)
