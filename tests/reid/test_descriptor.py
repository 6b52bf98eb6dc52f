from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from reid.descriptor import Description, Descriptor, DescriptorError
from reid.models import VAE
from reid.network_descriptor import (
    save_descriptor,
)
from reid.weights_file import change_descriptor_file, read_descriptor_file

People = Callable[..., np.ndarray]


@pytest.fixture
def crops(make_people: People) -> np.ndarray:
    return make_people(40, (32, 16))


@pytest.fixture
def file(tmp_path: Path, tiny_model: VAE, crops: np.ndarray) -> Path:
    save_descriptor(
        tmp_path / "tiny.safetensors", tiny_model, crops, metric="cosine", policy="expand", name="tiny"
    )
    return tmp_path / "tiny.safetensors"


def plain_vectors(model: VAE, crops: np.ndarray) -> np.ndarray:
    """Posterior means by the model itself, centred."""
    with torch.no_grad():
        mean = model.encode(torch.from_numpy(crops).permute(0, 3, 1, 2)).mean.numpy()
    return mean - mean.mean(axis=0)


def test_vectors_are_the_centred_posterior_means(file: Path, tiny_model: VAE, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(file, "cpu")
    vectors = descriptor(crops)
    assert vectors.dtype == np.float32
    assert vectors.shape == (40, descriptor.width) == (40, 6)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=0.02 * np.abs(vectors).max())
    expected = plain_vectors(tiny_model, crops)
    cosine = 1 - (vectors * expected).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(
        expected, axis=1
    )
    assert cosine.max() < 1e-3


def test_the_file_tells_everything_and_has_no_decoder(file: Path) -> None:
    descriptor = Descriptor.load(file, "cpu")
    assert (descriptor.name, descriptor.metric, descriptor.policy) == ("tiny", "cosine", "expand")
    assert descriptor.size == (32, 16)
    assert descriptor.auc is None
    assert descriptor.threshold > 0
    with safe_open(file, framework="pt") as opened:
        names = list(opened.keys())
        assert not any("decoder" in name or "prior" in name for name in names)
        assert opened.get_tensor("encoder.head.linear.weight").dtype == torch.float16
        assert opened.get_tensor("centre").dtype == torch.float32


def test_a_loaded_descriptor_is_the_one_that_was_saved(
    tmp_path: Path, tiny_model: VAE, crops: np.ndarray
) -> None:
    saved = save_descriptor(
        tmp_path / "a.safetensors", tiny_model, crops, metric="euclidean", policy="squash"
    )
    loaded = Descriptor.load(tmp_path / "a.safetensors", "cpu")
    np.testing.assert_array_equal(saved(crops), loaded(crops))
    assert loaded.threshold == saved.threshold
    assert loaded.name == "a"


def test_boxes_of_a_frame_and_their_crops_give_the_same(file: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(file, "cpu")
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[10:42, 20:36], frame[50:82, 60:76] = crops[0], crops[1]
    boxes = np.array([[20.0, 10, 36, 42], [60, 50, 76, 82]])
    np.testing.assert_allclose(descriptor(frame, boxes), descriptor(crops[:2]), atol=1e-4)


def test_crops_of_any_size_are_resized(file: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(file, "cpu")
    doubled = crops[:3].repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(descriptor(doubled), descriptor(crops[:3]), atol=1e-4)
    mixed = [crops[0], doubled[1], crops[2]]
    np.testing.assert_allclose(descriptor(mixed), descriptor(crops[:3]), atol=1e-4)


def test_a_box_outside_the_frame_has_no_appearance(file: Path, crops: np.ndarray) -> None:
    boxes = np.array([[-50.0, -50, -10, -10], [2, 2, 14, 30], [np.nan, 0, 5, 5], [10, 40, 20, 60]])
    vectors, quality = Descriptor.load(file, "cpu").describe(crops[0], boxes)
    assert np.isnan(vectors[[0, 2, 3]]).all()
    assert np.isfinite(vectors[1]).all()
    assert quality[[0, 2, 3]].tolist() == [0, 0, 0]


@pytest.mark.parametrize("choice", ["file", "histogram"])
def test_nothing_in_nothing_out(choice: str, file: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(file if choice == "file" else choice, "cpu")
    for vectors in (descriptor(crops[:0]), descriptor([]), descriptor(crops[0], np.empty((0, 4)))):
        assert vectors.shape == (0, descriptor.width)
        assert vectors.dtype == np.float32


@pytest.mark.parametrize("count", [1, 9, 11, 15, 16, 40])
def test_batches_are_of_one_size(
    count: int, file: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = Descriptor.load(file, "cpu")
    descriptor.batch = 10
    sizes: list[int] = []
    encode = descriptor._encode

    def counted(batch: np.ndarray) -> Description:
        sizes.append(len(batch))
        return encode(batch)

    monkeypatch.setattr(descriptor, "_encode", counted)
    descriptor(crops[:count])
    assert sum(sizes) == count
    assert max(sizes) <= 15
    assert max(sizes) - min(sizes) <= 1


def test_a_crop_does_not_depend_on_its_batch(file: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(file, "cpu")
    alone = np.concatenate([descriptor(crop[None]) for crop in crops])
    np.testing.assert_allclose(descriptor(crops), alone, atol=1e-2 * np.abs(alone).max())


def test_what_is_no_crop_is_refused(file: Path, crops: np.ndarray) -> None:
    descriptor = Descriptor.load(file, "cpu")
    with pytest.raises(ValueError, match=r"uint8 RGB of shape \(N, H, W, 3\), not float64"):
        descriptor(crops / 255)
    with pytest.raises(ValueError, match="for a frame give its boxes"):
        descriptor(crops[0])


def test_quality_ranks_crops_by_their_certainty(file: Path, tiny_model: VAE, crops: np.ndarray) -> None:
    quality = Descriptor.load(file, "cpu").describe(crops).quality
    with torch.no_grad():
        spread = tiny_model.encode(torch.from_numpy(crops).permute(0, 3, 1, 2)).log_variance.mean(1).numpy()
    assert quality.min() >= 0
    assert quality.max() <= 1
    # These are the training crops: their qualities are evenly spread, the least certain one is the worst.
    np.testing.assert_allclose(np.sort(quality), np.linspace(0, 1, len(quality)), atol=0.1)
    assert np.corrcoef(quality, spread)[0, 1] < -0.9


def test_quality_is_one_where_there_is_no_notion_of_it(make_people: People) -> None:
    assert Descriptor.load("histogram").describe(make_people(3, (64, 64))).quality.tolist() == [1, 1, 1]


def test_a_folder_of_a_training_is_loaded(file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(DescriptorError, match=r"run: a folder without descriptor\.safetensors"):
        Descriptor.load(run)
    file.rename(run / "descriptor.safetensors")
    assert Descriptor.load(str(run), "cpu").name == "tiny"


def test_shipped_descriptors_go_by_name(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DescriptorError, match=r"unknown descriptor 'tiny'; known: .*histogram"):
        Descriptor.load("tiny")
    monkeypatch.setattr("reid.descriptor.WEIGHTS_FOLDER", tmp_path)
    assert Descriptor.load("tiny", "cpu").width == 6
    with pytest.raises(DescriptorError, match="known: tiny, histogram"):
        Descriptor.load("small")


def test_pickles_are_refused_unread(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    bare, packed = tmp_path / "bare.safetensors", tmp_path / "packed.safetensors"
    bare.write_bytes(pickle.dumps(Bomb()))
    torch.save({"a": torch.zeros(1)}, packed)
    for path in (bare, packed):
        with pytest.raises(DescriptorError, match=r"a pickle.*expected a descriptor file"):
            Descriptor.load(path)
    assert not (tmp_path / "exploded").exists()


def test_a_header_that_begins_like_a_pickle_is_none(file: Path) -> None:
    # The file begins with the length of its header; here with one whose first byte is 0x80.
    for length in range(0, 260, 8):
        change_descriptor_file(file, file, description="x" * length)
        if file.read_bytes()[0] == 0x80:
            break
    assert file.read_bytes()[0] == 0x80
    assert Descriptor.load(file, "cpu").name == "tiny"


def test_others_may_read_the_file(file: Path) -> None:
    (usual := file.with_name("usual")).touch()
    assert file.stat().st_mode == usual.stat().st_mode


def test_foreign_and_damaged_files_are_named(file: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(DescriptorError, match=r"foreign.*of something else; expected a descriptor file"):
        Descriptor.load(foreign)
    about, tensors = read_descriptor_file(file)
    save_file(tensors, foreign, {"format": "vhp-fmvae-sort descriptor", "version": "99"})
    with pytest.raises(DescriptorError, match="descriptor format 99; this program reads format 1"):
        Descriptor.load(foreign)
    broken = about.model_dump_json().replace('"cosine"', '"taxicab"')
    save_file(tensors, foreign, {"format": "vhp-fmvae-sort descriptor", "version": "1", "about": broken})
    with pytest.raises(DescriptorError, match="damaged description: metric"):
        Descriptor.load(foreign)
    foreign.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DescriptorError, match="not a whole safetensors file"):
        Descriptor.load(foreign)
    change_descriptor_file(file, foreign, network={**about.network.model_dump(), "latents": 7})
    with pytest.raises(DescriptorError, match="weights do not fit their description"):
        Descriptor.load(foreign)
    with pytest.raises(DescriptorError, match="no such file"):
        Descriptor.load(tmp_path / "missing.safetensors")


def test_the_histogram_needs_no_torch() -> None:
    program = (
        "import sys, numpy as np\n"
        "from reid.descriptor import Descriptor\n"
        "assert Descriptor.load('histogram')(np.zeros((2, 50, 20, 3), np.uint8)).shape == (2, 320)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
