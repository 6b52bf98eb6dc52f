"""torchvision's detectors, with weights that torchvision itself downloads and checks, or a file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models import detection, get_model, get_model_weights, list_models

from reid.crops import Images
from reid.detectors.detector import Detector, DetectorError, Found
from reid.files import files_fingerprint
from reid.network_descriptor import choose_device

# Torchvision uses its own weights of these as they were trained: without an epsilon in the normalisation.
_WITHOUT_EPSILON = (
    "fasterrcnn_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
)
_UNNAMED = ("N/A", "__background__", "no person")


class TorchvisionDetector(Detector):
    """One of torchvision's detectors.

    Args:
        name: torchvision's name for it, such as "fasterrcnn_resnet50_fpn_v2".
        weights: a file with its weights (``.pth`` or ``.safetensors``); None takes torchvision's own, from
            its cache, or from the network if they are not there.
        classes: see `Detector`.
        min_score: see `Detector`.
        device: where to compute.

    Raises:
        DetectorError: if there is no such detector, or no weights for it.
    """

    def __init__(
        self, name: str, weights: Path | None, classes: str | None, min_score: float, device: str
    ) -> None:
        known = list_models(module=detection)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
            raise DetectorError(f"unknown detector {name!r}; {hint} (or the path of a YOLO-style .onnx file)")
        own = get_model_weights(name).DEFAULT
        names = {number: text for number, text in enumerate(own.meta["categories"]) if text not in _UNNAMED}
        super().__init__(name, names, classes, min_score)
        self._device = choose_device(device)
        state = _own_weights(name, own) if weights is None else _stored_weights(weights)
        self._network = get_model(
            name, weights=None, weights_backbone=None, num_classes=len(own.meta["categories"])
        )
        try:
            self._network.load_state_dict(state)
        except RuntimeError as error:
            fault = " ".join(str(error).split())[:200]
            raise DetectorError(f"{weights or own.url}: not the weights of {name} ({fault})") from error
        published = weights is None or weights.name == Path(own.url).name
        if published and name in _WITHOUT_EPSILON:
            for layer in self._network.modules():
                if isinstance(layer, torch.nn.BatchNorm2d):
                    layer.eps = 0.0
        # It drops what is less sure than 0.2, 0.05 or 0.001, before anybody here can see it.
        limited = getattr(self._network, "roi_heads", self._network)
        limited.score_thresh = min(limited.score_thresh, min_score)
        self._network.eval().to(self._device)
        source = own.url if weights is None else files_fingerprint([weights])
        self.fingerprint = f"{name} {source} {self.classes.tolist()} {min_score}"

    def _detect(self, images: Sequence[Images]) -> list[Found]:
        tensors = [
            torch.from_numpy(np.ascontiguousarray(image)).to(self._device).permute(2, 0, 1).float() / 255
            for image in images
        ]
        with torch.inference_mode():
            answers = self._network(tensors)
        return [
            Found(
                answer["boxes"].double().cpu().numpy(),
                answer["scores"].double().cpu().numpy(),
                answer["labels"].cpu().numpy(),
            )
            for answer in answers
        ]


def _own_weights(name: str, weights: Any) -> Mapping[str, torch.Tensor]:
    """Torchvision's own weights, from its cache or the network."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = weights.url.rpartition("/")[2]
    try:
        state: Mapping[str, torch.Tensor] = weights.get_state_dict(
            progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except Exception as error:  # damaged files raise whatever they run into
        reason = " ".join(str(error).split())[:200]
        there = (folder / file).is_file()
        raise DetectorError(
            f"{name}: {'damaged weights' if there else 'no weights'} ({reason}); expected "
            f"{folder / file}, which is {weights.url}, or another file by --detector-weights"
        ) from error
    return state


def _stored_weights(path: Path) -> Mapping[str, torch.Tensor]:
    """Weights from a file, without running anything that may be in it."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DetectorError(
            f"{path}: cannot be read ({error.strerror}); expected a detector's weights"
        ) from error
    except Exception as error:  # damaged files raise whatever they run into
        reason = " ".join(str(error).split())[:120]
        raise DetectorError(f"{path}: no weights, or damaged ones ({reason})") from error
    if isinstance(state, Mapping) and isinstance(state.get("model"), Mapping):
        state = state["model"]  # a checkpoint of torchvision's own training program
    if not isinstance(state, Mapping):
        raise DetectorError(f"{path}: holds a {type(state).__name__}; expected weights by name")
    return state
