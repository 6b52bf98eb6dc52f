"""Footage in MOTChallenge's folder layout, for training and evaluation.

``seqinfo.ini``, ``img1/000001.jpg`` …, ``det/*.txt``, ``gt/gt.txt``. Rows of the text files are
``frame, id, left, top, width, height, score[, class, visibility, …]``, 1-based; here they become ``xyxy``,
0-based.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.crops import Images
from reid.datasets.crops import BoxedImage, Footage, image_or_none
from reid.filerows import read_numbers
from reid.files import FileError, files_fingerprint
from reid.footage.sequence import SequenceInfo

PERSON = 1


@dataclass(frozen=True, slots=True)
class BoxTable:
    """Boxes of a sequence, sorted by frame.

    Attributes:
        frames: (N,) 1-based.
        identities: (N,) -1 in detections.
        boxes: (N, 4) xyxy, 0-based.
        scores: (N,) confidences; in ground truth the flag whether the box is considered.
        classes: (N,) -1 where the file has none.
        visibility: (N,) 1 where the file has none.
    """

    frames: NDArray[np.int64]
    identities: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]
    visibility: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_]) -> BoxTable:
        """The chosen rows."""
        return BoxTable(
            self.frames[rows],
            self.identities[rows],
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            self.visibility[rows],
        )


def read_boxes(path: Path) -> BoxTable:
    """Read a detection or ground truth file; boxes without area are left out.

    Raises:
        FileError: naming the file and what is wrong.
    """
    read = read_numbers(path).finite(score_column=6).with_area().by_frame()
    frames, rows = read.whole(0, "frame", smallest=1), read.values
    # Of ten columns the last three are MOT15's world coordinates.
    visibility = rows[:, 8] if rows.shape[1] == 9 else np.full(len(rows), -1.0)
    return BoxTable(
        frames=frames,
        identities=read.whole(1, "identity", smallest=-1),
        boxes=read.boxes(),
        scores=rows[:, 6],
        classes=read.classes(absent=-1),
        visibility=np.where(visibility < 0, 1.0, visibility),
    )


def people(table: BoxTable, min_visibility: float = 0.3, min_height: float = 40.0) -> BoxTable:
    """The rows of a ground truth that show a person well enough to be recognised."""
    person = (table.classes == PERSON) | (table.classes == -1)
    tall = table.boxes[:, 3] - table.boxes[:, 1] >= min_height
    return table.take(person & tall & (table.scores != 0) & (table.visibility >= min_visibility))


def is_sequence(folder: Path) -> bool:
    """Whether a folder is a sequence in this layout."""
    return (folder / "seqinfo.ini").is_file()


def image_paths(folder: Path) -> dict[int, Path]:
    """The images of a sequence by their frame number."""
    about = SequenceInfo.read(folder)
    paths = about.images()
    if not paths:
        raise FileError(f"{about.image_folder}: no images; expected {about.image_path(1).name} and so on")
    return dict(sorted(paths.items()))


def sequence_frames(
    folder: Path, table: BoxTable
) -> Iterator[tuple[int, Images | None, NDArray[np.float64], NDArray[np.float64]]]:
    """(Frame number, image, boxes, scores) for every image of a sequence."""
    for number, path in image_paths(folder).items():
        rows = slice(*np.searchsorted(table.frames, [number, number + 1]))
        yield number, image_or_none(path), table.boxes[rows], table.scores[rows]


def detected_footage(folder: Path, detections: Path) -> Footage:
    """A sequence with the boxes of a detection file; identities in the file are not looked at."""
    files = [detections, *image_paths(folder).values()]
    frames = sequence_frames(folder, read_boxes(detections))
    return Footage(folder.name, frames, files_fingerprint(files))


class LabelledSequence:
    """A sequence with the boxes and identities of its ground truth, for evaluation only.

    It is taken as single images, not as a video: linking tracklets is for footage without labels.
    """

    is_video = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._table = people(read_boxes(folder / "gt" / "gt.txt"))

    @property
    def name(self) -> str:
        """The sequence's name."""
        return self.folder.name

    def fingerprint(self) -> str:
        """Changes with the images and the ground truth."""
        files = [self.folder / "gt" / "gt.txt", *image_paths(self.folder).values()]
        return f"labelled {files_fingerprint(files)}"

    def images(self) -> Iterator[BoxedImage]:
        """Every frame that has labelled people."""
        table = self._table
        for number, path in image_paths(self.folder).items():
            rows = slice(*np.searchsorted(table.frames, [number, number + 1]))
            if rows.start < rows.stop:
                name = f"{self.name} frame {number}"
                yield BoxedImage(
                    image_or_none(path),
                    table.boxes[rows],
                    table.scores[rows],
                    number,
                    identities=table.identities[rows],
                    name=name,
                )
