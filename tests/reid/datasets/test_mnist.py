from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from reid.datasets import mnist
from reid.datasets.drawn_digits import drawn_digits
from reid.datasets.mnist import PIXELS, SIDE, binarised, likeliest_labels, load_mnist, read_idx, read_split
from reid.files import FileError


def write_idx(path: Path, values: np.ndarray) -> None:
    head = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    data = head + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def grey() -> np.ndarray:
    """Soft dots, each in a place of its own."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down, across = np.divmod(np.arange(60), 8)
    squared = (rows - 3 - 3 * down[:, None, None]) ** 2 + (columns - 3 - 3 * across[:, None, None]) ** 2
    return np.asarray(255 * np.exp(-0.05 * squared), np.uint8)


@pytest.fixture
def folder(tmp_path: Path, grey: np.ndarray) -> Path:
    labels = np.arange(60) % 10
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", grey)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", grey)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", labels)
    return tmp_path


@pytest.mark.parametrize("name", ["a.gz", "a"])
@pytest.mark.parametrize("shape", [(7,), (3, 4, 5)])
def test_idx_files_are_read_zipped_or_not(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 256, shape)
    write_idx(tmp_path / name, values)
    np.testing.assert_array_equal(read_idx(tmp_path / name), values)


@pytest.mark.parametrize("content", [b"", b"not an idx file", b"\0\0\x08\x01\0\0\0\x09abc"])
def test_broken_idx_files_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(FileError, match="broken"):
        read_idx(tmp_path / "broken")


@pytest.mark.parametrize("suffix", [".mat", ".amat"])
def test_the_split_is_read_in_both_forms(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(0, 2, (3, PIXELS)).astype(np.uint8)
    path = tmp_path / f"split{suffix}"
    savemat(path, {"X": values}) if suffix == ".mat" else np.savetxt(path, values, fmt="%d")
    np.testing.assert_array_equal(read_split(path), values)


def test_a_split_of_other_numbers_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "split.mat", {"X": np.full((2, PIXELS), 7)})
    with pytest.raises(FileError, match="0 or 1"):
        read_split(tmp_path / "split.mat")


def test_without_the_split_grey_images_are_binarised(folder: Path, grey: np.ndarray) -> None:
    data, again = load_mnist(folder, test=20), load_mnist(folder, test=20)
    assert data.training.shape == (60, 1, SIDE, SIDE)
    assert set(np.unique(data.training)) == {0.0, 1.0}
    assert len(data.test) == 20
    assert "our own" in data.split
    np.testing.assert_array_equal(data.training, again.training)
    assert abs(data.training.mean() - grey.mean() / 255.0) < 0.01


def test_the_split_gets_the_labels_of_the_grey_images_it_came_from(folder: Path, grey: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    order = rng.permutation(60)
    for part in ("train", "test"):
        savemat(folder / f"binarized_mnist_{part}.mat", {"X": binarised(grey, rng)[order]})
    data = load_mnist(folder, test=60, seed=3)
    assert "Larochelle" in data.split
    chosen = np.random.default_rng(3).permutation(60)
    np.testing.assert_array_equal(data.test.labels, order[chosen] % 10)


def test_the_likeliest_label_of_a_sure_image() -> None:
    grey = np.zeros((2, SIDE, SIDE), np.uint8)
    grey[1, 5:9] = 255
    labels = likeliest_labels((grey.reshape(2, -1) > 0).astype(np.uint8), grey, np.array([3, 8]))
    assert labels.tolist() == [3, 8]


def test_missing_files_are_downloaded_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision.datasets

    def no_network(*arguments: object, **more: object) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(torchvision.datasets, "MNIST", no_network)
    with pytest.raises(FileError, match="no MNIST there, and it cannot be downloaded"):
        load_mnist(tmp_path / "nowhere")


def test_torchvision_s_folder_is_found(folder: Path) -> None:
    raw = folder / mnist._DOWNLOADS
    raw.mkdir(parents=True)
    for path in folder.glob("*ubyte*"):
        path.rename(raw / path.name)
    assert len(load_mnist(folder, test=5).test) == 5


def test_drawn_digits_are_as_mnist_s() -> None:
    digits = drawn_digits(300)
    assert digits.images.shape == (300, 1, SIDE, SIDE)
    assert digits.images.dtype == np.float32
    assert set(np.unique(digits.images)) == {0.0, 1.0}
    assert set(digits.labels) == set(range(10))
    # As much white as MNIST has, and all of it within the image.
    assert 0.05 < digits.images.mean() < 0.25
    assert digits.images[..., [0, -1]].max() == 0.0
    np.testing.assert_array_equal(drawn_digits(300).images, digits.images)
    assert not np.array_equal(drawn_digits(300, seed=1).images, digits.images)
