"""Small ONNX networks whose output is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def constant_network(
    path: Path,
    output: np.ndarray,
    *,
    size: tuple[int | str, int | str] = (64, 64),
    batch: int | str = 1,
    kind: int = FLOAT,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A network of images (batch, 3, *size) that gives each of them ``output``, whatever is in it."""
    # The output for all images is that for one, plus nothing for each.
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("Mul", ["means", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["shaped"]),
        helper.make_node("Add", ["shaped", "constant"], ["output"]),
    ]
    weights = [
        onnx.numpy_helper.from_array(np.array([1, 2, 3]), "axes"),
        onnx.numpy_helper.from_array(np.float32(0), "zero"),
        onnx.numpy_helper.from_array(np.array([-1] + [1] * output.ndim), "shape"),
        onnx.numpy_helper.from_array(output.astype(np.float32)[None], "constant"),
    ]
    return save(path, nodes, weights, [batch, 3, *size], kind, metadata)


def colour_network(path: Path, *, size: tuple[int | str, int | str] = (64, 64)) -> Path:
    """A network that finds one box of class 0, (8, 16) to (40, 48), as sure as the image is red, 0 to 1."""
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["means"], keepdims=0),
        helper.make_node("Gather", ["means", "first"], ["red"], axis=1),
        helper.make_node("Unsqueeze", ["red", "last"], ["score"]),
        helper.make_node("Shape", ["score"], ["count"]),
        helper.make_node("Slice", ["count", "first", "one"], ["images_count"]),
        helper.make_node("Concat", ["images_count", "tail"], ["corner_shape"], axis=0),
        helper.make_node("Expand", ["corner_values", "corner_shape"], ["corners"]),
        helper.make_node("Mul", ["score", "zero"], ["class"]),
        helper.make_node("Concat", ["corners", "score", "class"], ["output"], axis=2),
    ]
    weights = [
        onnx.numpy_helper.from_array(np.array([2, 3]), "axes"),
        onnx.numpy_helper.from_array(np.array([0]), "first"),
        onnx.numpy_helper.from_array(np.array([1]), "one"),
        onnx.numpy_helper.from_array(np.array([2]), "last"),
        onnx.numpy_helper.from_array(np.array([1, 4]), "tail"),
        onnx.numpy_helper.from_array(np.float32(0), "zero"),
        onnx.numpy_helper.from_array(np.float32([[[8, 16, 40, 48]]]), "corner_values"),
    ]
    return save(path, nodes, weights, ["N", 3, *size], FLOAT, {"names": "{0: 'person'}"})


def save(
    path: Path,
    nodes: list[object],
    weights: list[object],
    shape: list[int | str],
    kind: int,
    metadata: dict[str, str] | None,
) -> Path:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info("output", FLOAT, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
