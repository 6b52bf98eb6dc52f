"""Networks of crops as other programs leave them: ONNX files."""

from __future__ import annotations

from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")


def averaging_network(
    path: Path,
    shape: list[int | str],
    kind: int = onnx.TensorProto.FLOAT,
    metadata: dict[str, str] | None = None,
    inputs: int = 1,
) -> Path:
    """A network that averages its input over height and width: (N, 3, 1, 1) or (N, 1, 1, 3)."""
    rows = [1, 2] if shape[3] == 3 else [2, 3]
    axes = onnx.helper.make_tensor("axes", onnx.TensorProto.INT64, [2], rows)
    nodes = [
        onnx.helper.make_node("Cast", ["crops0"], ["floats"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("ReduceMean", ["floats", "axes"], ["vectors"], keepdims=1),
    ]
    values = [onnx.helper.make_tensor_value_info(f"crops{i}", kind, shape) for i in range(inputs)]
    # As old exporters did, the weights are among the inputs.
    values.append(onnx.helper.make_tensor_value_info("axes", onnx.TensorProto.INT64, [2]))
    out = onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph(nodes, "mean", values, [out], [axes])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
