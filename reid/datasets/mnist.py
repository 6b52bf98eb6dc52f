"""Handwritten digits, binarised once and for all (FMVAE, 4.3; Chen et al. 2018, 4.4).

The binarised split of Larochelle and Murray (2011) is used if it is there; it comes without labels and in an
order of its own, so that each of its images is given the label of the grey image that most likely became it.
Without it the grey images are binarised in the same manner: each pixel is white with its grey as probability.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.files import FileError

SIDE = 28
PIXELS = SIDE * SIDE

#: What the papers train on; the other 10,000 of MNIST's training set are for choosing settings.
_TRAINING = 50_000

#: Where torchvision puts what it downloads.
_DOWNLOADS = Path("MNIST") / "raw"

#: The least probability of a white or black pixel, so that one unlike pixel does not decide.
_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Digits:
    """Binary images of digits.

    Attributes:
        images: (n, 1, 28, 28) float32, 0 or 1.
        labels: (n,) 0 … 9.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Mnist:
    """The data set.

    Attributes:
        training: 50,000 images, without labels.
        test: images that no model is trained on.
        split: where the binarisation comes from.
    """

    training: NDArray[np.float32]
    test: Digits
    split: str


def load_mnist(folder: Path, test: int = 2000, seed: int = 0) -> Mnist:
    """Read the digits below a folder, or download them there.

    Args:
        folder: with the four idx files (``.gz`` or not) and perhaps ``binarized_mnist_*.mat`` or ``.amat``.
        test: how many test images.
        seed: of the choice of test images, and of our own binarisation if it is needed.

    Raises:
        FileError: if a file is missing or not as it should be.
    """
    images, labels = (
        read_idx(_idx_file(folder, f"t10k-{kind}")) for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(labels):
        raise FileError(f"{folder}: {images.shape} test images and {labels.shape} labels do not match")
    rng = np.random.default_rng(seed)
    # The split's own test images are sorted by class.
    chosen = rng.permutation(len(images))[:test]
    train, others = (find_split(folder, part) for part in ("train", "test"))
    if train is not None and others is not None:
        binary = read_split(others)[chosen]
        digits = Digits(_as_images(binary), likeliest_labels(binary, images, labels.astype(np.int64)))
        return Mnist(_as_images(read_split(train)), digits, "Larochelle and Murray's")
    grey = read_idx(_idx_file(folder, "train-images-idx3-ubyte"))[:_TRAINING]
    digits = Digits(_as_images(binarised(images[chosen], rng)), labels[chosen].astype(np.int64))
    return Mnist(_as_images(binarised(grey, rng)), digits, f"our own, seed {seed}")


def binarised(grey: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Images (n, 28, 28) with each pixel white with its grey as probability, (n, 784) of 0 and 1."""
    flat = grey.reshape(len(grey), -1)
    return (rng.random(flat.shape, dtype=np.float32) < flat.astype(np.float32) / 255.0).astype(np.uint8)


def likeliest_labels(
    binary: NDArray[np.uint8], grey: NDArray[np.uint8], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Label of the grey image (m, 28, 28) that each binary image (n, 784) is most likely a draw of, (n,)."""
    white = np.clip(grey.reshape(len(grey), -1).astype(np.float32) / 255.0, _FLOOR, 1.0 - _FLOOR)
    odds = np.log(white) - np.log1p(-white)
    likelihood = binary.astype(np.float32) @ odds.T + np.log1p(-white).sum(axis=1)
    found: NDArray[np.int64] = labels[likelihood.argmax(axis=1)]
    return found


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array of bytes in the idx format, gzipped or not.

    Raises:
        FileError: if it is none.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise FileError(f"{path}: cannot be read ({error}); expected an idx file") from error
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise FileError(f"{path}: not an idx file of bytes")
    axes = data[3]
    shape = tuple(int(side) for side in np.frombuffer(data, ">u4", axes, offset=4))
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if len(values) != np.prod(shape):
        raise FileError(f"{path}: {len(values)} values; expected {' × '.join(map(str, shape))}")
    return values.reshape(shape)


def find_split(folder: Path, part: str) -> Path | None:
    """The file of a part of the binarised split, or None."""
    files = (folder / f"binarized_mnist_{part}{suffix}" for suffix in (".mat", ".amat"))
    return next((file for file in files if file.is_file()), None)


def read_split(path: Path) -> NDArray[np.uint8]:
    """A part of the binarised split, (n, 784) of 0 and 1: MATLAB's ``X``, or text with one image a line.

    Raises:
        FileError: if it is neither.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(path)["X"] if path.suffix == ".mat" else np.loadtxt(path, dtype=np.uint8, ndmin=2)
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise FileError(f"{path}: cannot be read ({error}); expected binarised images") from error
    if found.ndim != 2 or found.shape[1] != PIXELS or not np.isin(found, (0, 1)).all():
        raise FileError(f"{path}: expected rows of {PIXELS} numbers 0 or 1, found an array {found.shape}")
    return np.asarray(found, dtype=np.uint8)


def _idx_file(folder: Path, name: str) -> Path:
    """An idx file in the folder, or as torchvision downloads it there."""
    for place in (folder, folder / _DOWNLOADS):
        for path in (place / name, place / f"{name}.gz"):
            if path.is_file():
                return path
    _download(folder)
    return folder / _DOWNLOADS / name


def _download(folder: Path) -> None:
    from torchvision.datasets import MNIST

    try:
        MNIST(str(folder), download=True)
    except (OSError, RuntimeError) as error:
        raise FileError(
            f"{folder}: no MNIST there, and it cannot be downloaded ({error}); put its four idx files there"
        ) from error


def _as_images(binary: NDArray[np.uint8]) -> NDArray[np.float32]:
    return binary.reshape(-1, 1, SIDE, SIDE).astype(np.float32)
