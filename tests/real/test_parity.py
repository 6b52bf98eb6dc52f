"""The trackers give what the originals gave on real detections: same boxes, same identities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tracker import Detections, Tracker, Tracks, load_config
from tracker.motchallenge import find_detections, find_sequences, read_detections, read_results

SORT = [
    "TUD-Campus",
    "ETH-Sunnyday",
    "KITTI-17",
    *(f"MOT17-{number}-FRCNN" for number in ("02", "04", "05", "09")),
]
DEEPSORT = ["MOT17-05-FRCNN", "MOT17-09-FRCNN"]


def run(tracker: Tracker, detections: Path, frames: int) -> dict[int, Tracks]:
    table = read_detections(detections)
    return {number: tracker.update(table.frame(number)) for number in range(1, frames + 1)}


def assert_same(ours: dict[int, Tracks], reference: Path) -> None:
    theirs = read_results(reference)
    name_of: dict[int, int] = {}  # their id -> ours
    shown = 0
    for number, tracks in ours.items():
        chosen = theirs.frames == number
        boxes, ids = theirs.boxes[chosen], theirs.ids[chosen]
        assert len(tracks) == len(ids), f"frame {number}: {len(tracks)} tracks, the original has {len(ids)}"
        distance = np.abs(tracks.boxes[:, None] - boxes).max(axis=2)
        for row, column in enumerate(distance.argmin(axis=1) if len(ids) else ()):
            # The reference is rounded to 0.01, so at the most half of that is not ours.
            assert distance[row, column] <= 0.0101, f"frame {number}, track {tracks.ids[row]}"
            assert name_of.setdefault(int(ids[column]), int(tracks.ids[row])) == tracks.ids[row], (
                f"frame {number}"
            )
        shown += len(tracks)
    assert shown == len(theirs.frames)
    assert len(set(name_of.values())) == len(name_of)


@pytest.mark.parametrize("name", SORT)
def test_sort_equals_the_original(name: str, data_root: Path, golden_root: Path) -> None:
    (sequence,) = find_sequences([name], data_root)
    overrides = ["detections.min_confidence=0.5"] if sequence.benchmark == "MOT17" else []
    tracker = Tracker(load_config("sort", overrides))
    ours = run(tracker, find_detections(sequence, "det"), sequence.length)
    assert_same(ours, golden_root / "sort" / f"{name}.txt")


@pytest.mark.parametrize("name", DEEPSORT)
def test_deepsort_equals_the_original(name: str, data_root: Path, golden_root: Path) -> None:
    (sequence,) = find_sequences([name], data_root)
    ours = run(Tracker("deepsort"), data_root / "features" / f"{name}.npy", sequence.length)
    assert_same(ours, golden_root / "deepsort" / f"{name}.txt")


def test_without_vectors_deepsort_still_tracks(data_root: Path) -> None:
    table = read_detections(data_root / "features" / f"{DEEPSORT[0]}.npy")
    tracker = Tracker("deepsort")
    shown = sum(
        len(tracker.update(Detections(frame.boxes, frame.scores)))
        for frame in (table.frame(number) for number in range(1, 101))
    )
    assert shown > 100
