"""Trackers of other packages, as far as they are installed, on the same boxes as ours."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.files import written_atomically
from tracker.detections import Detections
from tracker.tables import DetectionTable

# Number, left, top, right, bottom of everybody in a frame.
Shown = NDArray[np.float64]
Step = Callable[[Detections], Shown]


@dataclass(frozen=True)
class Peer:
    """A tracker of another package.

    Attributes:
        name: package and tracker.
        start: makes a fresh one.
        uses_vectors: whether it goes by appearance, too.
    """

    name: str
    start: Callable[[], Step]
    uses_vectors: bool = False

    def track(self, table: DetectionTable, least: float, length: int, result: Path) -> None:
        """Write what it makes of detections with at least that score as a MOTChallenge file."""
        step = self.start()
        lines = []
        for frame in range(1, length + 1):
            found = table.frame(frame)
            for identity, left, top, right, bottom in step(found[found.scores >= least]).tolist():
                box = f"{left + 1:.2f},{top + 1:.2f},{right - left:.2f},{bottom - top:.2f}"
                lines.append(f"{frame},{identity:.0f},{box},1,-1,-1,-1\n")
        result.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(result) as unfinished:
            unfinished.write_text("".join(lines), encoding="utf-8")


def available_peers() -> list[Peer]:
    """The trackers of the packages that are there."""
    found = []
    if importlib.util.find_spec("trackers"):
        # It reports each start of a tracker.
        logging.getLogger("trackers").setLevel(logging.WARNING)
        names = ("SORTTracker", "ByteTrackTracker", "OCSORTTracker", "BoTSORTTracker")
        found += [Peer(f"trackers, {name.removesuffix('Tracker')}", _trackers(name)) for name in names]
    if importlib.util.find_spec("deep_sort_realtime"):
        found.append(Peer("deep-sort-realtime", _deep_sort_realtime, uses_vectors=True))
    return found


def _trackers(name: str) -> Callable[[], Step]:
    def make() -> Step:
        import trackers

        # Camera motion is found in the images, which the others do not see either.
        options = {"enable_cmc": False} if name == "BoTSORTTracker" else {}
        tracker = getattr(trackers, name)(**options)

        def step(found: Detections) -> Shown:
            plain = Detections(found.boxes, found.scores, found.classes)
            tracks = tracker.update(plain.to_supervision())
            rows = tracks.tracker_id >= 0
            return np.column_stack([tracks.tracker_id[rows] + 1, tracks.xyxy[rows]])

        return step

    return make


def _deep_sort_realtime() -> Step:
    from deep_sort_realtime.deepsort_tracker import DeepSort

    tracker = DeepSort(embedder=None, nn_budget=100)

    def step(found: Detections) -> Shown:
        boxes = found.boxes.copy()
        boxes[:, 2:] -= boxes[:, :2]
        raw = [(box, score, 0) for box, score in zip(boxes.tolist(), found.scores.tolist(), strict=True)]
        tracks = tracker.update_tracks(raw, embeds=list(_vectors(found)))
        return np.array(list(_shown(tracks))).reshape(-1, 5)

    return step


def _vectors(found: Detections) -> NDArray[np.float32]:
    """Appearance as that package wants it: never missing."""
    if found.features is None:
        raise ValueError("deep-sort-realtime needs appearance vectors")
    return np.nan_to_num(found.features, nan=1e-3)


def _shown(tracks: list[Any]) -> Iterator[list[float]]:
    for track in tracks:
        if track.is_confirmed() and track.time_since_update == 0:
            yield [float(track.track_id), *track.to_ltrb()]
