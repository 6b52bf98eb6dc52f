"""Which ground truth and which result boxes a benchmark counts, and how much they overlap.

The MOTChallenge benchmarks annotate more than the people that a tracker must find: cars, riders, statues,
reflections. Two steps come before any figure, the same as in the official evaluation:

1. In every frame the result boxes are assigned to *all* ground-truth boxes, whatever their class, so that
   the summed IoU of pairs with IoU ≥ 0.5 is greatest. A result box that lands on a distractor (person on
   vehicle, static person, distractor, reflection; in MOT20 also non-motorised vehicle) is neither right nor
   wrong: it is dropped.
2. Of the ground truth only class 1 (pedestrian) with the flag "to be considered" is kept.

MOT15 has no classes: only the flag counts there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.boxes import iou
from tracker.motchallenge import FileError, SequenceInfo, TrackTable

PEDESTRIAN = 1
KNOWN_CLASSES = range(1, 14)
# The official evaluation lets a pair pass that rounding puts just below the threshold.
MIN_OVERLAP = 0.5 - np.finfo(np.float64).eps

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Protocol(StrEnum):
    """The rules of a benchmark; ``NONE`` counts every ground-truth box and every result box."""

    MOT15 = "mot15"
    MOT16 = "mot16"
    MOT17 = "mot17"
    MOT20 = "mot20"
    NONE = "none"

    @property
    def distractors(self) -> tuple[int, ...]:
        """Ground-truth classes whose hits are dropped."""
        match self:
            case Protocol.MOT16 | Protocol.MOT17:
                return (2, 7, 8, 12)
            case Protocol.MOT20:
                return (2, 6, 7, 8, 12)
            case _:
                return ()

    @classmethod
    def choose(cls, name: str, sequence: SequenceInfo) -> Protocol:
        """The protocol called ``name``; ``auto`` takes the sequence's benchmark, ``none`` if it has none."""
        if name == "auto":
            return next((protocol for protocol in cls if protocol == sequence.benchmark.lower()), cls.NONE)
        try:
            return cls(name)
        except ValueError:
            raise ValueError(f"no protocol {name!r}; expected auto, {', '.join(cls)}") from None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The counted objects and result boxes of a sequence, one list entry for each frame.

    Attributes:
        name: Name of the sequence.
        object_ids: Ids of the ground truth, renumbered from 0 without gaps.
        track_ids: Ids of the result boxes, renumbered likewise.
        overlaps: IoU of every object (rows) with every result box (columns).
        object_names: The id of each object in its file, by its number here.
        track_names: The id of each track in its file, by its number here.
    """

    name: str
    object_ids: list[Ids]
    track_ids: list[Ids]
    overlaps: list[NDArray[np.float64]]
    object_names: Ids
    track_names: Ids

    def as_trackeval(self) -> dict[str, Any]:
        """The same as the dictionary that trackeval's metric classes take."""
        return {
            "seq": self.name,
            "num_timesteps": len(self.overlaps),
            "gt_ids": self.object_ids,
            "tracker_ids": self.track_ids,
            "similarity_scores": self.overlaps,
            "num_gt_dets": sum(map(len, self.object_ids)),
            "num_tracker_dets": sum(map(len, self.track_ids)),
            "num_gt_ids": _count_ids(self.object_ids),
            "num_tracker_ids": _count_ids(self.track_ids),
        }


def compare(truth: TrackTable, results: TrackTable, sequence: SequenceInfo, protocol: Protocol) -> Comparison:
    """Apply the protocol to a sequence and measure the overlaps of what is left.

    Raises:
        FileError: A frame lies behind the end of the sequence, or a class is none that the benchmark knows.
    """
    for table in (truth, results):
        _check_frames(table, sequence)
    if protocol is not Protocol.NONE:
        _check_classes(truth, results, protocol)

    object_kept = _objects_kept(truth, protocol)
    track_kept = np.ones(len(results.ids), dtype=np.bool_)
    is_distractor = np.isin(truth.classes, protocol.distractors)
    object_rows = _frame_slices(truth.frames, sequence.length)
    track_rows = _frame_slices(results.frames, sequence.length)
    overlaps = []
    for objects, tracks in zip(object_rows, track_rows, strict=True):
        overlap = iou(truth.boxes[objects], results.boxes[tracks])
        kept = ~_hits(overlap, is_distractor[objects])
        track_kept[tracks] = kept
        overlaps.append(overlap[object_kept[objects]][:, kept])
    return Comparison(
        name=sequence.name,
        object_ids=_renumber(truth.ids, object_kept, object_rows),
        track_ids=_renumber(results.ids, track_kept, track_rows),
        overlaps=overlaps,
        object_names=np.unique(truth.ids[object_kept]),
        track_names=np.unique(results.ids[track_kept]),
    )


def _objects_kept(truth: TrackTable, protocol: Protocol) -> Mask:
    if protocol is Protocol.NONE:
        return np.ones(len(truth.ids), dtype=np.bool_)
    if protocol is Protocol.MOT15:
        return truth.considered
    is_pedestrian: Mask = truth.classes == PEDESTRIAN
    return truth.considered & is_pedestrian


def _hits(overlap: NDArray[np.float64], is_distractor: Mask) -> Mask:
    """Which result boxes (columns) are assigned to a distractor."""
    hit = np.zeros(overlap.shape[1], dtype=np.bool_)
    # Most frames need no assignment: nothing touches a distractor.
    if not np.any(overlap[is_distractor] >= MIN_OVERLAP):
        return hit
    candidates = np.where(overlap >= MIN_OVERLAP, overlap, 0.0)
    rows, columns = linear_sum_assignment(candidates, maximize=True)
    hit[columns] = is_distractor[rows] & (candidates[rows, columns] > 0.0)
    return hit


def _frame_slices(frames: Ids, length: int) -> list[slice]:
    """The rows of frames 1 … length in a table sorted by frame."""
    edges = np.searchsorted(frames, np.arange(1, length + 2))
    return [slice(start, stop) for start, stop in pairwise(edges.tolist())]


def _renumber(ids: Ids, kept: Mask, rows: list[slice]) -> list[Ids]:
    """The kept ids of each frame as 0, 1, 2 … without gaps."""
    dense = np.zeros(len(ids), dtype=np.int64)
    dense[kept] = np.unique(ids[kept], return_inverse=True)[1]
    return [dense[frame][kept[frame]] for frame in rows]


def _count_ids(ids: list[Ids]) -> int:
    return 1 + max((int(frame.max()) for frame in ids if len(frame)), default=-1)


def _check_frames(table: TrackTable, sequence: SequenceInfo) -> None:
    if table.last_frame > sequence.length:
        raise FileError(
            f"{table.source}: has a box in frame {table.last_frame}; "
            f"expected none after {sequence.length}, the last frame of {sequence.name}"
        )


def _check_classes(truth: TrackTable, results: TrackTable, protocol: Protocol) -> None:
    if protocol is not Protocol.MOT15:
        unknown = np.setdiff1d(truth.classes, KNOWN_CLASSES)
        if len(unknown):
            raise FileError(
                f"{truth.source}: class {unknown[0]} is none of {protocol}; expected 1 to {KNOWN_CLASSES[-1]}"
                " (protocol none counts every class)"
            )
    others = results.classes[results.classes > PEDESTRIAN]
    if len(others):
        raise FileError(
            f"{results.source}: has boxes of class {others[0]}; expected 1 or -1 in column 8, as "
            f"{protocol} scores pedestrians only (protocol none counts every class)"
        )
