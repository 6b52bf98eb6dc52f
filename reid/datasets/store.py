"""Crops on disk: one memory-mapped array, and an index beside it.

A store is a folder::

    crops.npy    (N, H, W, 3) uint8, memory-mapped: nothing is read before it is looked at
    index.npz    what training may know: source, frame, box, score, camera, tracklet
    labels.npz   what only evaluation may know: identity, and the name of the image, which may hold it
    store.json   how it was built, and how many crops were dropped for which reason

Training goes through `CropStore.training_view`, which never opens ``labels.npz``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from reid.crops import Images
from reid.files import written_atomically

FORMAT = 1
CROPS, INDEX, LABELS, ABOUT = "crops.npy", "index.npz", "labels.npz", "store.json"


class StoreError(ValueError):
    """A folder that is no crop store, or a damaged one."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Arrays of one length, written to and read from an npz file."""

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns().items()}
        if len(set(lengths.values())) > 1:
            raise StoreError(f"columns of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.columns().values())))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def take(self, rows: NDArray[Any]) -> Self:
        """The chosen rows (a mask or indices)."""
        return type(self)(**{name: column[rows] for name, column in self.columns().items()})

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Several tables, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def write(self, path: Path) -> None:
        """Write an npz file."""
        with written_atomically(path) as unfinished:
            np.savez(unfinished, allow_pickle=False, **self.columns())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read an npz file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(**{field.name: file[field.name] for field in fields(cls)})
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise StoreError(f"{path}: cannot be read ({error}); build the store again") from error


@dataclass(frozen=True, slots=True)
class CropIndex(_Columns):
    """What training may know about each crop.

    Attributes:
        source: number of the source, see `CropStore.sources`.
        frame: frame in the source.
        box: (N, 4) the box in the source's image.
        score: the detector's confidence.
        camera: number of the camera, -1 if unknown.
        tracklet: crops with the same number, unless it is -1, are the same person by unambiguous overlap in
            neighbouring frames.
    """

    source: NDArray[np.int32]
    frame: NDArray[np.int64]
    box: NDArray[np.float64]
    score: NDArray[np.float32]
    camera: NDArray[np.int32]
    tracklet: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CropLabels(_Columns):
    """What only evaluation may know about each crop.

    Attributes:
        identity: who it is, -1 if unknown.
        name: name of the image it was cut from.
    """

    identity: NDArray[np.int64]
    name: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class TrainingView:
    """Crops and what may be learnt from: there is no identity in it, nor a way to one."""

    images: Images
    index: CropIndex

    def __len__(self) -> int:
        return len(self.index)


class CropStore:
    """A folder of stored crops; see the module's description. Made by `reid.datasets.building`.

    Attributes:
        folder: where it is.
        images: (N, H, W, 3) uint8 RGB, memory-mapped and read-only.
        index: what is known about each crop.
        sources: names of the sources.
        key: changes whenever the sources or the settings do.
        seen: how many boxes there were.
        dropped: how many of them are not here, by reason.
        settings: how it was built.
    """

    def __init__(self, folder: Path, images: Images, index: CropIndex, about: dict[str, Any]) -> None:
        self.folder, self.images, self.index = folder, images, index
        self.key: str = about["key"]
        self.sources: tuple[str, ...] = tuple(about["sources"])
        self.seen: int = about["seen"]
        self.dropped: dict[str, int] = dict(about["dropped"])
        self.settings: dict[str, Any] = dict(about["settings"])

    @classmethod
    def open(cls, folder: Path) -> CropStore:
        """Open a store.

        Raises:
            StoreError: if the folder is no store, or its files do not fit together.
        """
        about = read_about(folder)
        if about is None:
            raise StoreError(f"{folder}: not a crop store; expected a folder with {ABOUT}")
        if about.get("format") != FORMAT:
            raise StoreError(
                f"{folder}: store format {about.get('format')}; expected {FORMAT}; build it again"
            )
        try:
            images = np.load(folder / CROPS, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError(f"{folder / CROPS}: cannot be read ({error}); build the store again") from error
        index = CropIndex.read(folder / INDEX)
        if images.ndim != 4 or images.dtype != np.uint8 or len(images) != len(index):
            raise StoreError(
                f"{folder / CROPS}: {images.dtype} of shape {images.shape} for {len(index)} rows of {INDEX}; "
                "expected uint8 (N, H, W, 3) of the same length; build the store again"
            )
        return cls(folder, images, index, about)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the crops."""
        return self.images.shape[1], self.images.shape[2]

    @cached_property
    def labels(self) -> CropLabels:
        """Identities and names, for evaluation only; read when first asked for."""
        return CropLabels.read(self.folder / LABELS)

    def training_view(self) -> TrainingView:
        """Everything that training may see."""
        return TrainingView(self.images, self.index)

    def __str__(self) -> str:
        """For people: how many crops, and what was dropped."""
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items() if count)
        height, width = self.size
        return f"{len(self)} crops of {width}×{height} from {self.seen} boxes; dropped: {dropped or 'none'}"


def read_about(folder: Path) -> dict[str, Any] | None:
    """What ``store.json`` says, or None if there is none."""
    path = folder / ABOUT
    if not path.is_file():
        return None
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise StoreError(f"{path}: line {error.lineno}: not valid JSON; build the store again") from error
    if not isinstance(about, dict):
        raise StoreError(f"{path}: expected a JSON object; build the store again")
    return about
