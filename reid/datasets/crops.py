"""Where crops come from: folders of crops, and footage with boxes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reid.crops import Images, whole_image
from reid.files import FileError, files_fingerprint, folders_below
from reid.images import IMAGE_SUFFIXES, is_image, natural_key, read_image

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoxedImage:
    """One image, and the boxes to cut from it.

    Attributes:
        image: (H, W, 3) uint8 RGB; None if it could not be read.
        boxes: (N, 4) left, top, right, bottom, 0-based.
        scores: (N,) the detector's confidences.
        frame: number of the frame in its video, or of the image in its folder.
        camera: number of the camera, -1 if unknown.
        identities: (N,) who it is, for evaluation only; None if unknown.
        name: what to call the image in messages and tables.
    """

    image: Images | None
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    frame: int
    camera: int = -1
    identities: NDArray[np.int64] | None = None
    name: str = ""


class CropSource(Protocol):
    """Anything that crops can be cut from."""

    @property
    def name(self) -> str:
        """What to call the source in messages and in the index."""

    @property
    def is_video(self) -> bool:
        """Whether the images are consecutive frames of one camera, so that tracklets can be linked."""

    def fingerprint(self) -> str:
        """A text that changes whenever the crops of this source would."""

    def images(self) -> Iterator[BoxedImage]:
        """All images with their boxes; of a video in the order of the frames."""


def image_or_none(path: Path) -> Images | None:
    """An image as uint8 RGB, or None, with a warning in the log, if it cannot be read."""
    try:
        return read_image(path)
    except FileError as error:
        LOG.warning("%s; left out", error)
        return None


def image_files(folder: Path) -> list[Path]:
    """All images below a folder, in natural order (2.jpg before 10.jpg).

    Raises:
        ValueError: if there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; expected a folder of images")
    below = (place / name for place, _, names in folders_below(folder) for name in names)
    files = [path for path in below if is_image(path) and path.is_file()]
    if not files:
        raise ValueError(f"{folder}: no images; expected files ending in {', '.join(sorted(IMAGE_SUFFIXES))}")
    return sorted(files, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


class CropFolder:
    """A folder of crops, any images at any depth, one crop each; nothing is known about them."""

    is_video = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = image_files(folder)

    @property
    def name(self) -> str:
        """The folder's path."""
        return self.folder.as_posix()

    def fingerprint(self) -> str:
        """Changes with the folder's files."""
        return files_fingerprint(self.files)

    def images(self) -> Iterator[BoxedImage]:
        """The crops in natural order."""
        for number, path in enumerate(self.files):
            yield boxed_crop(path, path.relative_to(self.folder).as_posix(), number)


def boxed_crop(path: Path, name: str, frame: int, camera: int = -1, identity: int = -1) -> BoxedImage:
    """A file that is one crop, as an image with one box around all of it."""
    image = image_or_none(path)
    boxes = np.zeros((1, 4)) if image is None else whole_image(image)
    return BoxedImage(image, boxes, np.ones(1), frame, camera, np.array([identity], dtype=np.int64), name)


class Footage:
    """Frames of one camera with the boxes that a detector found.

    Args:
        name: what to call it.
        frames: (frame number, RGB image, boxes, scores) in increasing order of the number; read only once,
            and not at all if the crops are already stored.
        fingerprint: a text that changes whenever the frames or the boxes do, for example made from
            `files_fingerprint` of their files.
        camera: number of the camera.
    """

    is_video = True

    def __init__(
        self,
        name: str,
        frames: Iterable[tuple[int, Images | None, NDArray[np.float64], NDArray[np.float64]]],
        fingerprint: str,
        camera: int = -1,
    ) -> None:
        self._name, self._frames, self._fingerprint, self._camera = name, frames, fingerprint, camera

    @property
    def name(self) -> str:
        """What it was called."""
        return self._name

    def fingerprint(self) -> str:
        """As given, with the camera."""
        return f"{self._fingerprint} camera {self._camera}"

    def images(self) -> Iterator[BoxedImage]:
        """The frames with their boxes."""
        for number, image, boxes, scores in self._frames:
            yield BoxedImage(image, boxes, scores, number, self._camera, name=f"{self._name} frame {number}")
