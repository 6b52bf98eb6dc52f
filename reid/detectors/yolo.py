"""Any YOLO-style detector as an ``.onnx`` file.

The network has one input, RGB from 0 to 1, N × 3 × height × width; sides that it leaves open follow the
images, the longer one being 640 or what the file's metadata say. Of its outputs the first counts, see
`reid.detectors.yolo_output`. The names of the classes are taken from the metadata (``names``, as Ultralytics
writes them); without them, 80 classes are COCO's and others have numbers only.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.crops import Images
from reid.detectors.classes import COCO
from reid.detectors.detector import Detector, DetectorError, Found
from reid.detectors.letterbox import Letterbox
from reid.detectors.suppression import suppress
from reid.detectors.yolo_output import Custom, YoloOutput, recognise
from reid.files import files_fingerprint
from reid.onnx_header import OnnxError, OnnxHeader, read_onnx_header
from reid.onnx_network import open_network

MAX_OVERLAP = 0.7

_USUAL_SIDE = 640
_USUAL_STRIDE = 32
_IMAGES_AT_ONCE = 8


class YoloDetector(Detector):
    """A detector from an ``.onnx`` file; see the module's description.

    Args:
        path: the file.
        classes: see `Detector`.
        min_score: see `Detector`.
        device: "auto" and "cuda" use a GPU through onnxruntime, if it can.

    Raises:
        DetectorError: if it is missing, damaged, or no such detector.
    """

    def __init__(self, path: Path, classes: str | None, min_score: float, device: str) -> None:
        try:
            header = read_onnx_header(path)
            self._kind, self._fixed, self._sides = _input(path, header)
            self._network, runtime = open_network(path, header, device)
        except OnnxError as error:
            raise DetectorError(str(error)) from error
        self._path = path
        self._longest = max(_numbers(header, "imgsz") or [_USUAL_SIDE])
        self._stride = max(_numbers(header, "stride") or [_USUAL_STRIDE])
        names = _class_names(header)
        self._output = self._try_out(None if names is None else len(names))
        names = names or _usual_names(self._output.classes)
        super().__init__(path.stem, names, classes, min_score)
        self.fingerprint = (
            f"{files_fingerprint([path])} {runtime} {self.classes.tolist()} {min_score} {MAX_OVERLAP}"
        )

    def _detect(self, images: Sequence[Images]) -> list[Found]:
        found = []
        step = self._fixed or _IMAGES_AT_ONCE
        for start in range(0, len(images), step):
            batch = images[start : start + step]
            height, width = batch[0].shape[:2]
            box = Letterbox.fitting(width, height, self._input_size(width, height))
            found += [self._read(values, box) for values in self._run([box.put(image) for image in batch])]
        return found

    def _read(self, values: NDArray[np.float32], box: Letterbox) -> Found:
        found = self._output.read(values, self.min_score)
        rows: NDArray[Any] = np.flatnonzero(np.isin(found.classes, self.classes))
        if self._output.custom is not Custom.final:
            wanted = Found(*(column[rows] for column in found))
            rows = rows[suppress(*wanted, max_overlap=MAX_OVERLAP)]
        return Found(box.back(found.boxes[rows]), found.scores[rows], found.classes[rows])

    def _run(self, inputs: Sequence[Images]) -> NDArray[np.float32]:
        """The first output for some inputs of one size."""
        count = len(inputs)
        batch = np.zeros((self._fixed or count, *inputs[0].shape), dtype=np.uint8)
        batch[:count] = inputs
        values: NDArray[Any] = batch.transpose(0, 3, 1, 2)
        if self._kind != "uint8":
            values = (values / np.float32(255)).astype(self._kind)
        try:
            return self._network(np.ascontiguousarray(values))[:count]
        except Exception as error:  # onnxruntime's own errors have no common base, and OpenCV has another one
            reason = " ".join(str(error).split())[:200]
            height, width = inputs[0].shape[:2]
            raise DetectorError(f"{self._path}: fails on an image of {width}×{height} ({reason})") from error

    def _input_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the input for an image: the file's, else as little as holds it."""
        scale = self._longest / max(width, height)
        open_sides = (
            max(1, -(-round(side * scale) // self._stride)) * self._stride for side in (width, height)
        )
        return tuple(fixed or free for fixed, free in zip(self._sides, open_sides, strict=True))  # type: ignore[return-value]

    def _try_out(self, classes: int | None) -> YoloOutput:
        """How to read the output, seen in that for a grey image."""
        width, height = self._sides[0] or self._longest, self._sides[1] or self._longest
        out = self._run([np.full((height, width, 3), 114, dtype=np.uint8)])
        output = recognise(out.shape[1:], (width, height), classes)
        if output is None:
            sides = " × ".join(map(str, out.shape))
            known = f" of {classes} classes" if classes else ""
            customs = ", ".join(custom.value for custom in Custom)
            raise DetectorError(
                f"{self._path}: its output is {sides}; expected a detector's{known}, for each image "
                f"one of: {customs}"
            )
        return output


def _input(path: Path, header: OnnxHeader) -> tuple[str, int | None, tuple[int | None, int | None]]:
    """The kind of numbers, how many images at once if that is fixed, width and height where they are."""
    shape = header.shape
    if not header.kind or len(shape) != 4 or shape[1] != 3:
        sides = " × ".join("any" if side is None else str(side) for side in shape)
        raise DetectorError(
            f"{path}: its input is {header.kind or 'of another type'}, {sides}; expected float32, float16 or "
            f"uint8 images, N × 3 × height × width"
        )
    return header.kind, shape[0], (shape[3], shape[2])


def _class_names(header: OnnxHeader) -> dict[int, str] | None:
    """What the file says about its classes; None if it says nothing that can be understood."""
    names = _literal(header, "names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        return None
    try:
        return {int(number): str(name) for number, name in names.items()}
    except (TypeError, ValueError):
        return None


def _usual_names(classes: int | None) -> dict[int, str]:
    if classes is None or classes == len(COCO):
        return dict(enumerate(COCO))
    return {number: str(number) for number in range(classes)}


def _numbers(header: OnnxHeader, key: str) -> list[int]:
    """One whole number, or several, that the file says about itself."""
    value = _literal(header, key)
    numbers = value if isinstance(value, list | tuple) else [value]
    return [number for number in numbers if isinstance(number, int) and number > 0]


def _literal(header: OnnxHeader, key: str) -> object:
    try:
        return ast.literal_eval(header.metadata.get(key, ""))
    except (ValueError, SyntaxError):
        return None
