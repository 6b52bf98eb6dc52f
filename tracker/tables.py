"""Detections and tracks of a whole sequence, as MOTChallenge and DeepSORT write them to files.

The files count pixels from 1 and give left, top, width, height; the program counts from 0 and uses left,
top, right, bottom. Reading them, `reid.filerows` makes one of the other; `to_motchallenge` goes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.filerows import FileRows, read_numbers, read_text
from reid.files import FileError
from tracker.boxes import xyxy_to_xywh
from tracker.detections import Detections

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def to_motchallenge(boxes: Floats) -> Floats:
    """Boxes (N, 4) as 1-based left, top, width, height, from those of the program."""
    out = xyxy_to_xywh(boxes)
    out[..., :2] += 1.0
    return out


@dataclass(frozen=True, slots=True)
class DetectionTable:
    """Everything a detector said about a sequence, one row each, sorted by frame.

    Attributes:
        frames: (N,) frame numbers, from 1.
        boxes: (N, 4) left, top, right, bottom in pixels, 0-based.
        scores: (N,) confidences in whatever range the detector has.
        classes: (N,) class numbers; zeros if the file has none.
        features: (N, D) appearance vectors, or None.
        source: The file they came from.
        notes: What was dropped or looks wrong, in words.
    """

    frames: Integers
    boxes: Floats
    scores: Floats
    classes: Integers
    features: NDArray[np.float32] | None
    source: Path
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def last_frame(self) -> int:
        """The highest frame number with a detection, 0 when there are none."""
        return int(self.frames[-1]) if len(self) else 0

    def frame(self, number: int) -> Detections:
        """The detections of one frame, in the order of the file."""
        rows = _frame_rows(self.frames, number)
        features = None if self.features is None else self.features[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows], features)


@dataclass(frozen=True, slots=True)
class TrackTable:
    """Boxes with identities, ground truth or a tracker's result, one row each, sorted by frame.

    Attributes:
        frames: (N,) frame numbers, from 1.
        ids: (N,) identities; each at most once in a frame.
        boxes: (N, 4) left, top, right, bottom in pixels, 0-based.
        scores: (N,) confidences; ones for ground truth and where the file has none.
        classes: (N,) class numbers of MOTChallenge; 1 (pedestrian) where the file has none.
        considered: (N,) whether the evaluation counts the row; true where the file does not say.
        visibility: (N,) visible share of the box; ones where the file does not say.
        source: The file they came from.
        notes: What was dropped, in words.
    """

    frames: Integers
    ids: Integers
    boxes: Floats
    scores: Floats
    classes: Integers
    considered: NDArray[np.bool_]
    visibility: Floats
    source: Path
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def last_frame(self) -> int:
        """The highest frame number with a row, 0 when there are none."""
        return int(self.frames[-1]) if len(self) else 0

    def frame(self, number: int) -> TrackTable:
        """The rows of one frame, in the order of the file."""
        return self[_frame_rows(self.frames, number)]

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> TrackTable:
        """The chosen rows (a slice, a mask or indices) as a table of their own."""
        return TrackTable(
            self.frames[rows],
            self.ids[rows],
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            self.considered[rows],
            self.visibility[rows],
            self.source,
            self.notes,
        )


def read_detections(path: Path) -> DetectionTable:
    """Read the detections of a sequence.

    Text (``.txt``, ``.csv``) has 7 to 10 columns separated by commas or blanks: frame, id (ignored), left,
    top, width, height, score. Of 8 or 9 columns the eighth is the class, as in MOT16's ground truth; of ten
    the last three are world coordinates and ignored.

    ``.npy`` is DeepSORT's format: a 2-d array of those columns, 10 or 7, with an appearance vector behind
    them. A width of 138 means 10 + 128 and 135 means 7 + 128; with another width the leading columns are 10
    if columns 8 to 10 are -1 throughout, which MOTChallenge writes for "no world coordinates", and 7 if not.
    Arrays of up to 10 columns have no appearance vectors.

    Rows with a number that is not finite, without area, or that are there twice are dropped, which ``notes``
    tells. An empty text file is a sequence without detections.

    Raises:
        FileError: if the file is missing or not as described.
    """
    rows = read_numbers(path)
    rows = rows.finite(score_column=6).with_area().without_duplicates().by_frame()
    features = rows.features
    notes = rows.notes
    if features is not None:
        lengths = np.linalg.norm(features, axis=1)
        unusable = int(np.count_nonzero(~np.isfinite(lengths) | (lengths == 0.0)))
        if unusable:
            notes += (f"{path.name}: {unusable} of {len(features)} rows without a usable appearance vector",)
    return DetectionTable(
        frames=rows.whole(0, "frame", smallest=1),
        boxes=rows.boxes(),
        scores=rows.values[:, 6].copy(),
        classes=rows.classes(absent=0),
        features=features,
        source=path,
        notes=notes,
    )


def read_ground_truth(path: Path) -> TrackTable:
    """Read a ``gt.txt`` of MOT15 (10 columns) or MOT16, MOT17 and MOT20 (9 columns).

    The columns are frame, id, left, top, width, height, flag (0: not considered), class, visibility. Only the
    first six must be there. With ten columns the last three are MOT15's world coordinates and ignored.

    Raises:
        FileError: if the file is missing or not as described, or has an identity twice in a frame.
    """
    rows = _read_tracks(path, score_column=None)
    table = _track_table(rows)
    columns = rows.values.shape[1]
    return replace(
        table,
        considered=rows.values[:, 6] != 0.0 if columns > 6 else table.considered,
        visibility=rows.values[:, 8].copy() if columns == 9 else table.visibility,
    )


def read_results(path: Path) -> TrackTable:
    """Read a tracker's result file: frame, id, left, top, width, height, score and up to three columns more.

    Raises:
        FileError: if the file is missing or not as described, or has an identity twice in a frame.
    """
    rows = _read_tracks(path, score_column=6)
    table = _track_table(rows)
    return replace(table, scores=rows.values[:, 6].copy()) if rows.values.shape[1] > 6 else table


def _read_tracks(path: Path, score_column: int | None) -> FileRows:
    # A box without area stays: it can match nothing, and counts against whoever reported it.
    rows = read_text(path, 6, 10).finite(score_column).by_frame()
    frames, ids = rows.whole(0, "frame", smallest=1), rows.whole(1, "identity", smallest=0)
    order = np.lexsort((ids, frames))
    twice = np.flatnonzero((np.diff(frames[order]) == 0) & (np.diff(ids[order]) == 0))
    if twice.size:
        first, second = order[twice[0]], order[twice[0] + 1]
        raise FileError(
            f"{path}: line {rows.numbers[second]}: identity {ids[first]} is in frame {frames[first]} "
            f"for the second time, after line {rows.numbers[first]}; "
            f"expected each identity at most once in a frame"
        )
    return rows


def _track_table(rows: FileRows) -> TrackTable:
    count = len(rows.values)
    return TrackTable(
        frames=rows.whole(0, "frame", smallest=1),
        ids=rows.whole(1, "identity", smallest=0),
        boxes=rows.boxes(),
        scores=np.ones(count),
        classes=rows.classes(absent=1),
        considered=np.ones(count, dtype=np.bool_),
        visibility=np.ones(count),
        source=rows.path,
        notes=rows.notes,
    )


def _frame_rows(frames: Integers, number: int) -> slice:
    return slice(int(frames.searchsorted(number)), int(frames.searchsorted(number, side="right")))
