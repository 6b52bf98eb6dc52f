"""Taking a descriptor out of this package, as one graph with everything inside.

The graph reads uint8 RGB crops, (N, height, width, 3) for any N, and gives the centred vectors (N, width):
scaling, standardisation and centring are part of it. It is float32 throughout.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reid.crops import Images
from reid.descriptor import DescriptorError
from reid.files import written_atomically
from reid.network_descriptor import DescriptorNetwork, NetworkDescriptor
from reid.onnx_descriptor import METADATA, OnnxAbout, calibration_file

SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "torch-export": ".pt2"}

#: The graph's vectors may differ from the network's by this, relative to the longest of them before centring.
TOLERANCE = 1e-4

_INPUT, _OUTPUT = "images", "vectors"

Run = Callable[[Images], NDArray[np.float32]]


class ExportError(ValueError):
    """A graph that cannot be written, or does not compute what the network does."""


class _Graph(nn.Module):
    """The network without its uncertainty."""

    def __init__(self, network: DescriptorNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        vectors: Tensor = self.network(images)[0]
        return vectors


def export_descriptor(source: Path, path: Path, fmt: str = "onnx") -> float:
    """Write a descriptor as a graph, and keep the file only if it computes the same.

    Args:
        source: descriptor file.
        path: the file to write.
        fmt: "onnx", "torchscript" or "torch-export".

    Returns:
        The largest deviation from the network, relative to the longest uncentred vector.

    Raises:
        DescriptorError: if the source is no descriptor file.
        ExportError: if the format's packages are missing, or the outcome is wrong.
    """
    if fmt not in SUFFIXES:
        raise ExportError(f"unknown format {fmt!r}; expected one of {', '.join(SUFFIXES)}")
    if source.suffix == ".onnx":
        raise DescriptorError(f"{source}: an ONNX network already")
    descriptor = NetworkDescriptor.open(source, "cpu")
    # In plain memory order: how the processor likes it is no business of the graph.
    graph = _Graph(descriptor.network.to(memory_format=torch.contiguous_format)).eval()
    # Two crops: a graph seen with one would take the number for a constant.
    example = torch.zeros((2, *descriptor.size, 3), dtype=torch.uint8)
    write = {"onnx": _write_onnx, "torchscript": _write_torchscript, "torch-export": _write_torch_export}[fmt]
    with written_atomically(path) as unfinished, warnings.catch_warnings():
        # The exporters warn of themselves, and of checks of shapes that are constants, rightly, in the graph.
        warnings.simplefilter("ignore")
        run = write(graph, example, unfinished, descriptor)
        difference = _difference(graph, run, descriptor.size)
        if difference > TOLERANCE:
            raise ExportError(
                f"{path}: the graph's vectors differ by {difference:.1e} of their length from the network's; "
                f"expected at most {TOLERANCE:.0e}, so the file was not kept"
            )
    if fmt == "onnx":
        # A threshold that was found for the network that was there before means nothing to this one.
        calibration_file(path).unlink(missing_ok=True)
    return difference


def _write_onnx(graph: _Graph, example: Tensor, path: Path, descriptor: NetworkDescriptor) -> Run:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ExportError(
            f"export to ONNX needs the packages of the extra onnx ({error.name} is missing): "
            f"pip install 'vhp-fmvae-sort[onnx]'"
        ) from error
    torch.onnx.export(
        graph,
        (example,),
        str(path),
        # The other exporter needs one more package.
        dynamo=False,
        input_names=[_INPUT],
        output_names=[_OUTPUT],
        dynamic_axes={_INPUT: {0: "N"}, _OUTPUT: {0: "N"}},
    )
    about = OnnxAbout(
        metric=descriptor.metric,
        threshold=descriptor.threshold,
        auc=descriptor.auc,
        policy=descriptor.policy,
    )
    model = onnx.load(path)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA, about.model_dump_json()
    model.doc_string = descriptor.about.description
    onnx.checker.check_model(model)
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(images: Images) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = session.run([_OUTPUT], {_INPUT: images})[0]
        return vectors

    return run


def _write_torchscript(graph: _Graph, example: Tensor, path: Path, descriptor: NetworkDescriptor) -> Run:
    traced = torch.jit.trace(graph, example)  # type: ignore[no-untyped-call]
    traced.save(str(path))
    return _torch_run(torch.jit.load(str(path)))  # type: ignore[no-untyped-call]


def _write_torch_export(graph: _Graph, example: Tensor, path: Path, descriptor: NetworkDescriptor) -> Run:
    any_number = {0: torch.export.Dim("N", min=1)}
    program = torch.export.export(graph, (example,), dynamic_shapes=(any_number,))
    torch.export.save(program, path)
    return _torch_run(torch.export.load(path).module())


def _torch_run(module: nn.Module) -> Run:
    def run(images: Images) -> NDArray[np.float32]:
        with torch.inference_mode():
            vectors: NDArray[np.float32] = module(torch.from_numpy(images)).numpy()
        return vectors

    return run


def _difference(graph: _Graph, run: Run, size: tuple[int, int]) -> float:
    """The largest deviation on noise and on smooth images, for one crop and for several at once."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, *size, 3), dtype=np.uint8)
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), 4) for image in noise])
    # Blurred noise is grey; photographs use the whole range.
    low, high = smooth.min(axis=(1, 2), keepdims=True), smooth.max(axis=(1, 2), keepdims=True)
    smooth = ((smooth.astype(np.float32) - low) * 255 / (high - low)).astype(np.uint8)
    expect, centre = _torch_run(graph), graph.network.centre.numpy()
    worst = 0.0
    for images in (noise, smooth, smooth[:1]):
        expected = expect(images)
        # Centring cancels digits, which no rounding error gets smaller by.
        longest = float(np.linalg.norm(expected + centre, axis=1).max())
        worst = max(worst, float(np.abs(run(images) - expected).max()) / max(longest, 1e-12))
    return worst
