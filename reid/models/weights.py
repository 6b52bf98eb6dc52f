"""Weights to start from: ImageNet's, or a file's. Asked for by name, never taken silently."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import VGG16_Weights

# How the layers are called in torchvision's files; in a descriptor, or where a run has ended.
_PREFIXES = ("features.", "encoder.features.")


class WeightsError(ValueError):
    """Weights that are missing or do not fit; the message says which file is expected where."""


def load_vgg16_features(source: str) -> dict[str, Tensor]:
    """VGG16's convolutions from "imagenet" or from the path of a ``.safetensors`` or ``.pth`` file.

    The file may hold torchvision's whole network or its feature layers alone; or it is a descriptor, or the
    model of a run, that has VGG16 as its encoder.
    """
    weights = _imagenet() if source == "imagenet" else _read(Path(source))
    features = {
        name.removeprefix(prefix): weights[name]
        for prefix in _PREFIXES
        for name in weights
        if name.startswith(prefix)
    }
    if not features:
        raise WeightsError(
            f"{source}: expected VGG16's weights, features.0.weight and so on; found {list(weights)[:3]}"
        )
    return features


def _imagenet() -> dict[str, Tensor]:
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
    if path.suffix == ".safetensors":
        return load_file(path)
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
