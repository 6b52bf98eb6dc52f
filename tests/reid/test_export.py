from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reid import export
from reid.descriptor import Descriptor, DescriptorError
from reid.export import ExportError, export_descriptor
from reid.models import VAE, CosineDescriptor, WRNSettings
from reid.network_descriptor import save_descriptor
from reid.onnx_descriptor import OnnxAbout, write_onnx_about
from reid.weights_file import change_descriptor_file

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def crops(make_people: Callable[..., np.ndarray]) -> np.ndarray:
    return make_people(20, (32, 16), seed=5)


def write_descriptor(folder: Path, model: VAE, crops: np.ndarray) -> Path:
    path = folder / "tiny.safetensors"
    save_descriptor(path, model, crops, metric="euclidean", policy="expand")
    # Compared with what is computed in float32.
    change_descriptor_file(path, path, bfloat16=False, auc=0.9)
    return path


@pytest.fixture
def file(tmp_path: Path, tiny_model: VAE, crops: np.ndarray) -> Path:
    return write_descriptor(tmp_path, tiny_model, crops)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_model: VAE, crops: np.ndarray) -> Path:
    """A descriptor with all its graphs beside it; that of ONNX had a threshold before the others came."""
    file = write_descriptor(tmp_path_factory.mktemp("exported"), tiny_model, crops)
    export_descriptor(file, file.with_suffix(".onnx"), "onnx")
    write_onnx_about(file.with_suffix(".onnx"), OnnxAbout(threshold=0.777))
    for fmt in ("torchscript", "torch-export"):
        export_descriptor(file, file.with_suffix(export.SUFFIXES[fmt]), fmt)
    return file


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    return float(np.abs(found - expected).max()) <= 1e-4 * float(np.linalg.norm(expected, axis=1).max())


@pytest.mark.parametrize("count", [1, 7])
def test_onnx_computes_the_same_from_raw_pixels(file: Path, crops: np.ndarray, count: int) -> None:
    path = file.with_suffix(".onnx")
    assert export_descriptor(file, path, "onnx") <= 1e-4
    session = onnxruntime.InferenceSession(path)
    (vectors,) = session.run(None, {"images": crops[:count]})
    assert close(vectors, Descriptor.load(file, "cpu")(crops[:count]))


@pytest.mark.parametrize("fmt", ["torchscript", "torch-export"])
@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
def test_torch_graphs_compute_the_same(exported: Path, crops: np.ndarray, fmt: str) -> None:
    path = exported.with_suffix(export.SUFFIXES[fmt])
    module = torch.jit.load(path) if fmt == "torchscript" else torch.export.load(path).module()
    expected = Descriptor.load(exported, "cpu")(crops)
    for part in (slice(0, 1), slice(0, 20)):
        with torch.no_grad():
            assert close(module(torch.from_numpy(crops[part])).numpy(), expected[part])


def test_the_supervised_network_is_exported_too(
    tmp_path: Path, make_people: Callable[..., np.ndarray]
) -> None:
    torch.manual_seed(0)
    path, crops = tmp_path / "wrn.safetensors", make_people(4, (128, 64))
    network = CosineDescriptor(WRNSettings(features=8)).eval()
    for weights in network.parameters():
        # It starts with weights so small that all its vectors are nearly the same.
        torch.nn.init.normal_(weights, std=0.05)
    save_descriptor(path, network, crops, metric="cosine", policy="squash")
    change_descriptor_file(path, path, bfloat16=False)
    export_descriptor(path, path.with_suffix(".onnx"), "onnx")
    exported = Descriptor.load(path.with_suffix(".onnx"), "cpu")
    assert close(exported(crops), Descriptor.load(path, "cpu")(crops))


def test_an_exported_descriptor_is_a_descriptor_again(file: Path, crops: np.ndarray) -> None:
    path = file.with_suffix(".onnx")
    export_descriptor(file, path, "onnx")
    original, exported = Descriptor.load(file, "cpu"), Descriptor.load(path, "cpu")
    for attribute in ("metric", "threshold", "auc", "policy", "size", "width"):
        assert getattr(exported, attribute) == getattr(original, attribute), attribute
    frame, boxes = np.tile(crops[0], (3, 4, 1)), np.array([[3.0, 5, 20, 60], [500, 500, 600, 600]])
    vectors = exported(frame, boxes)
    assert close(vectors[:1], original(frame, boxes)[:1])
    assert np.isnan(vectors[1]).all()


def test_a_new_network_loses_the_threshold_of_the_one_before_and_no_other_does(exported: Path) -> None:
    path = exported.with_suffix(".onnx")
    assert Descriptor.load(path, "cpu").threshold == 0.777
    export_descriptor(exported, path, "onnx")
    assert Descriptor.load(path, "cpu").threshold == Descriptor.load(exported, "cpu").threshold


def test_a_wrong_graph_is_not_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(images: np.ndarray) -> np.ndarray:
        return np.zeros((len(images), 6), np.float32)

    monkeypatch.setattr(export, "_write_onnx", lambda *_: wrong)
    with pytest.raises(ExportError, match="the file was not kept"):
        export_descriptor(file, file.with_suffix(".onnx"), "onnx")
    assert not list(file.parent.glob("*.onnx"))


def test_what_is_missing_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExportError, match="unknown format 'tflite'; expected one of onnx, torchscript"):
        export_descriptor(file, file.with_suffix(".tflite"), "tflite")
    with pytest.raises(DescriptorError, match="an ONNX network already"):
        export_descriptor(file.with_suffix(".onnx"), file.with_suffix(".onnx"), "onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExportError, match=r"vhp-fmvae-sort\[onnx\]"):
        export_descriptor(file, file.with_suffix(".onnx"), "onnx")
