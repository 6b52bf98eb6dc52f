from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.descriptor import Descriptor, DescriptorError
from reid.onnx_descriptor import OnnxAbout, write_onnx_about
from reid.onnx_header import read_onnx_header
from tests.reid.onnx_networks import averaging_network, onnx

pytest.importorskip("onnxruntime")

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 12, 6, 3), dtype=np.uint8)


def test_the_header_says_what_onnx_says(tmp_path: Path) -> None:
    path = averaging_network(
        tmp_path / "a.onnx", ["batch", 3, 12, 6], metadata={"author": "Zoë", "empty": ""}
    )
    header = read_onnx_header(path)
    assert header.input_name == "crops0"
    assert header.kind == "float32"
    assert header.shape == (None, 3, 12, 6)
    assert header.output_name == "vectors"
    assert header.metadata == {"author": "Zoë", "empty": ""}


def test_floats_are_standardised_as_usual(tmp_path: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(averaging_network(tmp_path / "a.onnx", ["N", 3, 12, 6]), "cpu")
    assert (descriptor.size, descriptor.width, descriptor.metric) == ((12, 6), 3, "cosine")
    expected = ((crops / 255 - MEAN) / STD).mean(axis=(1, 2))
    np.testing.assert_allclose(descriptor(crops), expected, atol=1e-5)


def test_bytes_are_left_alone_and_the_channels_may_be_last(tmp_path: Path, crops: np.ndarray) -> None:
    path = averaging_network(tmp_path / "a.onnx", ["N", 12, 6, 3], onnx.TensorProto.UINT8)
    np.testing.assert_allclose(Descriptor.load(path, "cpu")(crops), crops.mean(axis=(1, 2)), rtol=1e-5)


def test_a_fixed_number_of_crops_is_filled_up(tmp_path: Path, crops: np.ndarray) -> None:
    fixed = Descriptor.load(averaging_network(tmp_path / "fixed.onnx", [2, 3, 12, 6]), "cpu")
    free = Descriptor.load(averaging_network(tmp_path / "free.onnx", ["N", 3, 12, 6]), "cpu")
    np.testing.assert_allclose(fixed(crops), free(crops), rtol=1e-6)


def test_open_sides_are_those_of_common_networks(tmp_path: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(averaging_network(tmp_path / "a.onnx", ["N", 3, "height", "width"]), "cpu")
    assert descriptor.size == (256, 128)
    assert descriptor(crops).shape == (5, 3)


def test_opencv_stands_in_for_onnxruntime(
    tmp_path: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One convolution as large as the crop: what every version of OpenCV understands.
    weights = np.random.default_rng(1).normal(0, 0.1, (4, 3, 12, 6)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["crops", "weights"], ["vectors"], kernel_shape=[12, 6])],
        "convolution",
        [onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.FLOAT, [1, 3, 12, 6])],
        [onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, [1, 4, 1, 1])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    path = tmp_path / "a.onnx"
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    with_onnxruntime = Descriptor.load(path, "cpu")(crops)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    np.testing.assert_allclose(Descriptor.load(path, "cpu")(crops), with_onnxruntime, atol=1e-4)
    with pytest.raises(DescriptorError, match="onnxruntime-gpu"):
        Descriptor.load(path, "cuda")


@pytest.mark.parametrize("engine", ["ENGINE_CLASSIC", "ENGINE_AUTO"])
def test_the_first_output_counts_in_opencv_too(
    tmp_path: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    # As a network with vectors and, behind them, what they were trained with. All that OpenCV 4 has is what
    # OpenCV 5 calls the classic engine; by itself it gives the output that comes last.
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["crops", "weights"], ["vectors"], kernel_shape=[12, 6]),
            onnx.helper.make_node("Conv", ["vectors", "classes"], ["logits"], kernel_shape=[1, 1]),
        ],
        "two outputs",
        [onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.FLOAT, [1, 3, 12, 6])],
        [
            onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, [1, 4, 1, 1]),
            onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 7, 1, 1]),
        ],
        [
            onnx.numpy_helper.from_array(np.full((4, 3, 12, 6), 0.01, np.float32), "weights"),
            onnx.numpy_helper.from_array(np.ones((7, 4, 1, 1), np.float32), "classes"),
        ],
    )
    path = tmp_path / "a.onnx"
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    with_onnxruntime = Descriptor.load(path, "cpu")(crops)
    assert with_onnxruntime.shape == (5, 4)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    if hasattr(cv2.dnn, engine):
        read = cv2.dnn.readNetFromONNX
        monkeypatch.setattr(cv2.dnn, "readNetFromONNX", lambda path: read(path, getattr(cv2.dnn, engine)))
    np.testing.assert_allclose(Descriptor.load(path, "cpu")(crops), with_onnxruntime, atol=1e-4)


@pytest.mark.parametrize("onnxruntime_there", [True, False])
def test_a_network_that_fails_on_crops_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, onnxruntime_there: bool
) -> None:
    # It leaves its sides open, but what is behind its convolutions fits only one size, not the usual one.
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Flatten", ["crops"], ["flat"]),
            onnx.helper.make_node("MatMul", ["flat", "weights"], ["vectors"]),
        ],
        "one size only",
        [onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.FLOAT, ["N", 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, ["N", 4])],
        [onnx.numpy_helper.from_array(np.zeros((3 * 12 * 6, 4), np.float32), "weights")],
    )
    path = tmp_path / "a.onnx"
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    if not onnxruntime_there:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DescriptorError, match=r"a\.onnx: fails on 1 crop of 128×256 \(.*\)") as raised:
        Descriptor.load(path, "cpu")
    assert "\n" not in str(raised.value)


def test_a_gpu_that_onnxruntime_cannot_use_is_no_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    # As where CUDA's libraries are missing or of another version: onnxruntime goes on without.
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    make = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda path, options, providers: make(path, options, providers=["CPUExecutionProvider"]),
    )
    path = averaging_network(tmp_path / "a.onnx", ["N", 3, 12, 6])
    with pytest.raises(DescriptorError, match="device 'cuda': onnxruntime runs on CPUExecutionProvider only"):
        Descriptor.load(path, "cuda")
    Descriptor.load(path, "auto")


def test_a_stored_calibration_is_taken_over(tmp_path: Path) -> None:
    path = averaging_network(tmp_path / "a.onnx", ["N", 3, 12, 6])
    assert Descriptor.load(path).auc is None
    write_onnx_about(path, OnnxAbout(metric="euclidean", threshold=3.5, auc=0.8, policy="expand"))
    descriptor = Descriptor.load(path)
    assert (descriptor.metric, descriptor.threshold, descriptor.policy) == ("euclidean", 3.5, "expand")
    (tmp_path / "a.calibration.json").write_text('{"threshold": -1}')
    with pytest.raises(DescriptorError, match=r"a\.calibration\.json: threshold: .*calibrate again"):
        Descriptor.load(path)


def test_what_is_no_network_of_crops_is_named(tmp_path: Path) -> None:
    grey = averaging_network(tmp_path / "grey.onnx", ["N", 1, 12, 6])
    with pytest.raises(DescriptorError, match=r"its input is float32, any × 1 × 12 × 6; expected .*crops"):
        Descriptor.load(grey)
    whole = averaging_network(tmp_path / "whole.onnx", ["N", 3, 12, 6], onnx.TensorProto.INT64)
    with pytest.raises(DescriptorError, match="its input is of another type"):
        Descriptor.load(whole)
    two = averaging_network(tmp_path / "two.onnx", ["N", 3, 12, 6], inputs=2)
    with pytest.raises(DescriptorError, match="a network with 2 inputs; expected one"):
        Descriptor.load(two)
    rng = np.random.default_rng(0)
    for content in (b"", b"no network", rng.bytes(300), grey.read_bytes()[:-20]):
        grey.write_bytes(content)
        with pytest.raises(DescriptorError, match=r"grey\.onnx"):
            Descriptor.load(grey)


def test_devices_of_onnx(tmp_path: Path) -> None:
    path = averaging_network(tmp_path / "a.onnx", ["N", 3, 12, 6])
    with pytest.raises(DescriptorError, match="runs on auto, cpu or cuda"):
        Descriptor.load(path, "mps")


def test_crops_are_resized_to_what_the_network_reads(tmp_path: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(averaging_network(tmp_path / "a.onnx", ["N", 3, 12, 6]), "cpu")
    large = np.stack([cv2.resize(crop, (18, 36), interpolation=cv2.INTER_NEAREST) for crop in crops])
    np.testing.assert_allclose(descriptor(large), descriptor(crops), atol=1e-5)


def test_onnxruntime_takes_no_more_threads_than_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    seen = []
    make = onnxruntime.InferenceSession

    def watched(path: Path, options: onnxruntime.SessionOptions, **more: object) -> object:
        seen.append(options.intra_op_num_threads)
        return make(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", watched)
    path = averaging_network(tmp_path / "a.onnx", ["N", 3, 12, 6])
    for asked in ("1", "3", ""):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        Descriptor.load(path, "cpu")
    assert seen == [1, 3, 0]
