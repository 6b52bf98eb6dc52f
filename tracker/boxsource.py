"""Where the boxes of a frame come from: a file that was read, or a detector that looks at the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from reid.files import places_in_words
from reid.footage.frames import FrameSource, SourceError
from tracker.detections import Detections
from tracker.motchallenge import DetectionTable, SequenceInfo, find_detections, read_detections

if TYPE_CHECKING:
    from reid.detectors import Detector


class BoxSource(Protocol):
    """Detections, frame by frame.

    Attributes:
        name: what to call it.
        notes: what was dropped or looked wrong so far, in words.
        needs_images: whether it looks at the image, or knows the boxes by the frame's number.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def needs_images(self) -> bool: ...  # noqa: D102

    def __call__(self, number: int, image: NDArray[np.uint8] | None) -> Detections:
        """The detections of a frame, counted from 1; its image is None where it is missing."""


class StoredBoxes:
    """Detections from a file.

    Args:
        path: a text file in MOTChallenge's format, or a .npy file with vectors, as DeepSORT has them.

    Raises:
        FileError: the file is missing or damaged.
    """

    needs_images = False

    def __init__(self, path: Path) -> None:
        self.table = read_detections(path)
        self.name = path.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What was dropped or looks wrong, in words."""
        return self.table.notes

    @property
    def has_vectors(self) -> bool:
        """Whether appearance vectors stand with the detections."""
        return self.table.features is not None

    def __call__(self, number: int, image: NDArray[np.uint8] | None) -> Detections:
        """The detections of a frame, with their vectors if there are any."""
        return self.table.frame(number)

    def oddities(
        self, last: int | None, size: tuple[int, int] | None, limits: Mapping[str, float]
    ) -> Iterator[str]:
        """What a user would like to know about detections that do not fit the frames or the tracker.

        Args:
            last: the number of the last frame; None if it is not known.
            size: width and height of the images.
            limits: the least scores with which anybody is tracked, by the option that changes them.
        """
        table = self.table
        highest = table.scores.max(initial=-np.inf)
        higher = {option: least for option, least in limits.items() if highest < least}
        if higher and len(table):
            decide = "decides" if len(higher) == 1 else "decide"
            yield (
                f"{self.name}: none of {len(table)} detections is used: the highest score is {highest:g}, "
                f"and only those from {max(higher.values()):g} count "
                f"({', '.join(higher)} {decide} otherwise)"
            )
        late = 0 if last is None else int(np.count_nonzero(table.frames > last))
        if late:
            yield (
                f"{self.name}: {late} detections beyond the last frame, {last}, are not used "
                f"(the last one is in frame {table.last_frame})"
            )
        if size is not None:
            outside = _outside(table, size)
            if outside.any():
                frames = places_in_words("frame", np.unique(table.frames[outside]).tolist())
                yield f"{self.name}: {int(outside.sum())} detections lie outside the image ({frames})"


class DetectedBoxes:
    """Detections that a detector makes of the images.

    Args:
        detector: what finds them.
    """

    needs_images = True
    notes: tuple[str, ...] = ()

    def __init__(self, detector: Detector) -> None:
        self.name = detector.name
        self._detector = detector

    def __call__(self, number: int, image: NDArray[np.uint8] | None) -> Detections:
        """What is found in a frame; nothing without its image."""
        return Detections.empty() if image is None else Detections(*self._detector(image))


def open_boxes(frames: SequenceInfo | FrameSource, detections: BoxSource | str | None) -> BoxSource:
    """What is detected in some frames.

    Args:
        frames: a sequence on disk, or another source.
        detections: a detector, a detection file, or the name of one of the sequence's; None takes the
            sequence's best.

    Raises:
        FileError: if a file is missing or damaged.
        SourceError: if there is nothing that could say what is in the frames.
    """
    if detections is not None and not isinstance(detections, str):
        return detections
    if isinstance(frames, SequenceInfo):
        return StoredBoxes(find_detections(frames, detections))
    if detections is None:
        raise SourceError(f"{frames.name}: nothing says what is in it; expected a detector or detections")
    return StoredBoxes(Path(detections))


def _outside(table: DetectionTable, size: tuple[int, int]) -> NDArray[np.bool_]:
    left, top, right, bottom = table.boxes.T
    return np.asarray((right <= 0) | (bottom <= 0) | (left >= size[0]) | (top >= size[1]))
