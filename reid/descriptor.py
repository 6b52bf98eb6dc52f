"""What a tracker sees of this package: crops in, vectors out, with their metric and threshold.

Loading this module needs neither torch nor any other network library; they come with the descriptor that
needs them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid.crops import Boxes, Images, Policy, cut_crops, whole_image
from reid.evaluation.distances import Metric

Vectors = NDArray[np.float32]
Rows: TypeAlias = slice | NDArray[np.bool_] | NDArray[np.integer[Any]]

HISTOGRAM = "histogram"
DEFAULT = "fmvae-small"
FILE_NAME = "descriptor.safetensors"
WEIGHTS_FOLDER = Path(__file__).parent / "weights"


class DescriptorError(ValueError):
    """A descriptor that cannot be loaded or used; says what it is and what was expected."""


class DescriptorProtocol(Protocol):
    """All that a tracker asks of a descriptor."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def metric(self) -> Metric:
        """How vectors are compared: "euclidean" (plain, not squared) or "cosine" (one minus the cosine)."""

    @property
    def threshold(self) -> float:
        """Two crops further apart than this are taken for two people."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    @property
    def batch(self) -> int:
        """How many crops are best encoded at once, where there are that many."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors of the same boxes would: with weights, crops and arithmetic."""

    def cut(self, frame: Images, boxes: Boxes, /) -> Crops:
        """The boxes (N, 4) of a frame (H, W, 3) as crops that `encode` takes; the frame is not copied."""

    def encode(self, crops: Crops, /) -> Description:
        """Describe crops, which may come from several frames."""

    def __call__(self, frame: Images, boxes: Boxes, /) -> Vectors:
        """Vectors (N, width) of the boxes (N, 4) in a frame (H, W, 3); rows of NaN: no appearance."""


class Crops(NamedTuple):
    """Crops of the size that a descriptor reads.

    Attributes:
        images: (N, height, width, 3) uint8 RGB.
        visible: (N,) whether there was anything to see.
    """

    images: Images
    visible: NDArray[np.bool_]


class Description(NamedTuple):
    """What is known about each crop.

    Attributes:
        vectors: (N, width) float32; a row of NaN where there was nothing to see.
        quality: (N,) from 0 to 1, how good a view the crop is: the share of the training crops that the
            network was less certain about, so that 0.05 means "among the worst twentieth". Networks that
            have no notion of certainty give 1. A row of NaN has 0.
    """

    vectors: Vectors
    quality: NDArray[np.float32]

    @classmethod
    def unseen(cls, count: int, width: int) -> Description:
        """Of crops that show nothing."""
        return cls(np.full((count, width), np.nan, dtype=np.float32), np.zeros(count, dtype=np.float32))

    def take(self, rows: Rows) -> Description:
        """Of the chosen crops."""
        return Description(self.vectors[rows], self.quality[rows])

    def put(self, rows: Rows, others: Description) -> None:
        """Replace what is known about the chosen crops."""
        self.vectors[rows], self.quality[rows] = others


class Descriptor(ABC):
    """Turns crops into vectors whose distance says whether it is the same person.

    Attributes:
        name: what to call it.
        metric: how its vectors are compared, "euclidean" (plain) or "cosine" (one minus the cosine).
        threshold: two crops further apart are taken for two people.
        auc: how well the threshold separated in its calibration; None if there was no calibration yet.
        width: numbers in a vector.
        batch: about how many crops are encoded at once.
        size: (height, width) of the crops it reads; others are resized.
        policy: what becomes of the aspect ratio of a box.
    """

    name: str
    metric: Metric
    threshold: float
    auc: float | None
    width: int
    size: tuple[int, int]
    policy: Policy

    #: Crops that go through at once, or half as many more.
    batch = 32

    @staticmethod
    def load(choice: str | Path, device: str = "auto") -> Descriptor:
        """Get a descriptor ready.

        Args:
            choice: the folder of a finished ``reid train`` or a descriptor file from one; the name of a
                descriptor that ships; "histogram", colour statistics without learning; or any re-ID network
                as an ``.onnx`` file, see `reid.onnx_descriptor`.
            device: "auto", "cpu", "cuda" (or "cuda:1" …), "mps".

        Raises:
            DescriptorError: if there is no such descriptor, or it cannot be read.
        """
        if str(choice) == HISTOGRAM:
            from reid.histogram_descriptor import HistogramDescriptor

            return HistogramDescriptor()
        path = find_descriptor(choice)
        if path.suffix == ".onnx":
            from reid.onnx_descriptor import OnnxDescriptor

            return OnnxDescriptor(path, device)
        from reid.network_descriptor import NetworkDescriptor

        return NetworkDescriptor.open(path, device)

    def __call__(self, crops: Images | Sequence[Images], boxes: Boxes | None = None) -> Vectors:
        """Vectors (N, width) of crops, or of boxes in a frame; see `describe`."""
        return self.describe(crops, boxes).vectors

    def describe(self, images: Images | Sequence[Images], boxes: Boxes | None = None) -> Description:
        """Vectors of crops, and how good a view each is.

        Args:
            images: uint8 RGB. With ``boxes`` one frame (H, W, 3); without them crops of any size, as an
                array (N, H, W, 3) or a sequence of (H, W, 3) of differing sizes.
            boxes: (N, 4) left, top, right, bottom in the frame, 0-based.
        """
        return self.encode(self._resized(images) if boxes is None else self.cut(np.asarray(images), boxes))

    def cut(self, frame: Images, boxes: Boxes) -> Crops:
        """The boxes of a frame as crops of the right size; the frame is not copied."""
        return Crops(*cut_crops(frame, boxes, self.size, self.policy))

    def encode(self, crops: Crops) -> Description:
        """Vectors of crops as `cut` gives them, and how good a view each is."""
        description = Description.unseen(len(crops.images), self.width)
        rows = np.flatnonzero(crops.visible)
        if len(rows):
            # Equal parts: a few crops that are left over would take nearly as long as a whole batch.
            for batch in np.array_split(rows, max(1, round(len(rows) / self.batch))):
                description.put(batch, self._encode(crops.images[batch]))
        return description

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever the vectors of the same boxes would."""
        return f"{self._arithmetic()} {self.size[0]}x{self.size[1]} {self.policy}"

    @abstractmethod
    def _arithmetic(self) -> str:
        """Stands for all that turns crops into vectors: weights, precision, and what computes."""

    @abstractmethod
    def _encode(self, crops: Images) -> Description:
        """Describe a batch (N, *size, 3), which is not empty."""

    def _resized(self, images: Images | Sequence[Images]) -> Crops:
        """Whole images as crops of the right size."""
        if isinstance(images, np.ndarray):
            if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
                raise ValueError(
                    f"crops must be uint8 RGB of shape (N, H, W, 3), not {images.dtype} of {images.shape}; "
                    f"for a frame give its boxes too"
                )
            if images.shape[1:3] == self.size:
                return Crops(images, np.ones(len(images), dtype=np.bool_))
        crops = np.zeros((len(images), *self.size, 3), dtype=np.uint8)
        visible = np.zeros(len(images), dtype=np.bool_)
        for row, image in enumerate(images):
            (crops[row],), (visible[row],) = cut_crops(image, whole_image(image), self.size, self.policy)
        return Crops(crops, visible)


def shipped_descriptors() -> dict[str, Path]:
    """The files of the descriptors that come with this package, by name."""
    return {path.stem: path for path in sorted(WEIGHTS_FOLDER.glob("*.safetensors"))}


def default_descriptor() -> str:
    """What to use where nobody says: the descriptor that ships and is quick without a GPU, too."""
    return DEFAULT if DEFAULT in shipped_descriptors() else HISTOGRAM


def find_descriptor(choice: str | Path) -> Path:
    """The file that ``choice`` means: a path, a training's folder, or the name of one that ships.

    Raises:
        DescriptorError: if there is none.
    """
    shipped = shipped_descriptors()
    if str(choice) in shipped:
        return shipped[str(choice)]
    if str(choice) == HISTOGRAM:
        raise DescriptorError(f"{HISTOGRAM}: is no network; expected a trained descriptor")
    path = Path(choice)
    if path.is_dir():
        if (path / FILE_NAME).is_file():
            return path / FILE_NAME
        raise DescriptorError(
            f"{path}: a folder without {FILE_NAME}; expected the folder of a finished reid train"
        )
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise DescriptorError(
            f"{path}: no such file or folder; expected a training's folder, or a .safetensors or .onnx file"
        )
    raise DescriptorError(
        f"unknown descriptor {str(choice)!r}; known: {', '.join([*shipped, HISTOGRAM])}, or the path of a "
        f"training's folder or of a .safetensors or .onnx file"
    )
