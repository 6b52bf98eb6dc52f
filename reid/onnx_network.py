"""Running an ``.onnx`` file through onnxruntime, or through OpenCV where that is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.onnx_header import OnnxError, OnnxHeader

Network = Callable[[NDArray[Any]], NDArray[np.float32]]


def open_network(path: Path, header: OnnxHeader, device: str) -> tuple[Network, str]:
    """The network as a function from its input to its first output, and what it runs on.

    Args:
        path: the file.
        header: what it says about itself.
        device: "auto" and "cuda" use a GPU through onnxruntime, if it can.

    Raises:
        OnnxError: if it cannot be loaded, or the device is not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise OnnxError(f"device {device!r}: an ONNX network runs on auto, cpu or cuda")
    try:
        import onnxruntime
    except ImportError:
        if device == "cuda":
            raise OnnxError("device 'cuda': needs the package onnxruntime-gpu") from None
        return _open_cv(path, header), f"opencv {cv2.__version__}"
    gpu = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "cuda" and not gpu:
        raise OnnxError("device 'cuda': this onnxruntime has no CUDA; expected onnxruntime-gpu")
    providers = ["CPUExecutionProvider"]
    if gpu and device != "cpu":
        providers.insert(0, "CUDAExecutionProvider")
    options = onnxruntime.SessionOptions()
    # As for everything else that computes here; 0 is one for each core.
    options.intra_op_num_threads = _threads()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # onnxruntime's own errors have no common base
        raise OnnxError(f"{path}: onnxruntime cannot load it ({one_line(error)})") from error
    used = session.get_providers()[0]
    if device == "cuda" and used != "CUDAExecutionProvider":
        # Where CUDA's own libraries are missing, it goes on without them.
        raise OnnxError(
            f"device 'cuda': onnxruntime runs on {used} only; expected CUDA's libraries beside it"
        )
    output = session.get_outputs()[0].name

    def run(values: NDArray[Any]) -> NDArray[np.float32]:
        (out,) = session.run([output], {header.input_name: values})
        return np.asarray(out, dtype=np.float32)

    return run, f"onnxruntime {onnxruntime.__version__} {used}"


def _threads() -> int:
    """How many OMP_NUM_THREADS asks for, which onnxruntime by itself does not look at; 0: it does not."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() else 0


def _open_cv(path: Path, header: OnnxHeader) -> Network:
    try:
        network = cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise OnnxError(
            f"{path}: OpenCV cannot load it ({one_line(error)}); onnxruntime may: it is in the extra onnx"
        ) from error

    # By itself, OpenCV 4 gives the output that comes last.
    known = network.getUnconnectedOutLayersNames()
    output = [header.output_name] if header.output_name in known else []

    def run(values: NDArray[Any]) -> NDArray[np.float32]:
        network.setInput(values)
        return np.asarray(network.forward(*output), dtype=np.float32)

    return run


def one_line(error: Exception) -> str:
    """What a library complains about, short enough for one line."""
    return " ".join(str(error).split())[:200]
