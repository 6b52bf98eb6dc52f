"""Any re-ID network as an ``.onnx`` file, through onnxruntime, or through OpenCV where that is missing.

The network has one input, crops in RGB: NCHW or NHWC, whichever side has the 3, of any number at once or of
a fixed one. uint8 inputs get the pixels as they are; floats get them scaled to [0, 1] and
standardised with ImageNet's mean and deviation, as re-ID networks are commonly trained. Sides that the
network leaves open are 256 × 128. The first output, flattened, is the vector; it is not centred.

What a file written by ``reid export`` says about its metric, threshold and crop policy is taken over. Others
are compared by cosine, with DeepSORT's 0.2 for a threshold, which means something only for networks like
DeepSORT's: ``reid calibrate`` finds the right one and stores it beside the network, in
``<name>.calibration.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from reid.crops import Images, Policy
from reid.descriptor import Description, Descriptor, DescriptorError
from reid.evaluation.distances import Metric
from reid.files import digest, write_text
from reid.onnx_header import OnnxError, OnnxHeader, read_onnx_header
from reid.onnx_network import one_line, open_network
from reid.settings import Settings

#: The entry of the file's metadata that says what `OnnxAbout` does.
METADATA = "vhp-fmvae-sort descriptor"

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
_USUAL_SIZE = (256, 128)


class OnnxAbout(Settings):
    """How the vectors of a network are to be compared."""

    metric: Metric = "cosine"
    threshold: float = Field(0.2, ge=0)
    auc: float | None = None
    policy: Policy = "squash"
    network: str | None = None
    """Beside a network: the digest of its file, so that it is not taken for another network's."""


class OnnxDescriptor(Descriptor):
    """A network from an ``.onnx`` file; see the module's description.

    Args:
        path: the file.
        device: "auto" and "cuda" use a GPU through onnxruntime, if it can.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        try:
            header = read_onnx_header(path)
            self._network, self._runtime = open_network(path, header, device)
        except OnnxError as error:
            raise DescriptorError(str(error)) from error
        self._layout, self.size = _layout(path, header)
        self._fixed = header.shape[0]
        self._kind = header.kind
        about = read_onnx_about(path, header)
        self.name = path.stem
        self.metric, self.policy = about.metric, about.policy
        self.threshold, self.auc = about.threshold, about.auc
        self._path = path
        self.width = self._run(np.zeros((1, *self.size, 3), dtype=np.uint8)).shape[1]

    def _arithmetic(self) -> str:
        return f"{digest(self._path)} {self._runtime}"

    def _encode(self, crops: Images) -> Description:
        step = self._fixed or len(crops)
        vectors = [self._run(crops[start : start + step]) for start in range(0, len(crops), step)]
        return Description(np.concatenate(vectors), np.ones(len(crops), dtype=np.float32))

    def _run(self, crops: Images) -> NDArray[np.float32]:
        count = len(crops)
        if self._fixed is not None and count < self._fixed:
            crops = np.concatenate([crops, np.zeros((self._fixed - count, *crops.shape[1:]), np.uint8)])
        values: NDArray[Any] = crops
        if self._kind != "uint8":
            values = (crops.astype(np.float32) / np.float32(255) - _IMAGENET_MEAN) / _IMAGENET_STD
            values = values.astype(self._kind)
        if self._layout == "NCHW":
            values = values.transpose(0, 3, 1, 2)
        try:
            out = self._network(np.ascontiguousarray(values)).reshape(len(crops), -1)
        except Exception as error:  # onnxruntime's own errors have no common base, and OpenCV has another one
            height, width = self.size
            number = f"{len(crops)} crop{'' if len(crops) == 1 else 's'}"
            raise DescriptorError(
                f"{self._path}: fails on {number} of {width}×{height} ({one_line(error)})"
            ) from error
        return out[:count].astype(np.float32, copy=False)


def calibration_file(path: Path) -> Path:
    """Where the threshold of a network is stored."""
    return path.with_name(f"{path.stem}.calibration.json")


def write_onnx_about(path: Path, about: OnnxAbout) -> None:
    """Store a threshold beside the network."""
    about = about.model_copy(update={"network": digest(path)})
    write_text(calibration_file(path), about.model_dump_json(indent=2))


def read_onnx_about(path: Path, header: OnnxHeader) -> OnnxAbout:
    """What was stored beside the network, else what its own metadata say, else the usual."""
    stored = calibration_file(path)
    source, text = stored, None
    if stored.is_file():
        text = stored.read_text(encoding="utf-8")
    elif METADATA in header.metadata:
        source, text = path, header.metadata[METADATA]
    if text is None:
        return OnnxAbout()
    try:
        about = OnnxAbout.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise DescriptorError(f"{source}: {where}: {problem['msg']}; calibrate again") from error
    if about.network is not None and about.network != digest(path):
        raise DescriptorError(
            f"{source}: is of another network than {path.name} is now; delete it, and calibrate again"
        )
    return about


def _layout(path: Path, header: OnnxHeader) -> tuple[Literal["NCHW", "NHWC"], tuple[int, int]]:
    """Where the channels are, and the size of the crops."""
    shape = header.shape
    if header.kind and len(shape) == 4 and 3 in (shape[1], shape[3]):
        height, width = shape[2:] if shape[1] == 3 else shape[1:3]
        size = (height or _USUAL_SIZE[0], width or _USUAL_SIZE[1])
        return "NCHW" if shape[1] == 3 else "NHWC", size
    sides = " × ".join("any" if side is None else str(side) for side in shape)
    raise DescriptorError(
        f"{path}: its input is {header.kind or 'of another type'}, {sides}; expected float32, float16 or "
        f"uint8 crops, N × 3 × height × width or N × height × width × 3"
    )
