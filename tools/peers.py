"""Trackers of other packages, as far as they are installed, on the same boxes as ours."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.files import write_text
from tracker.detections import Detections
from tracker.tables import DetectionTable, to_motchallenge

# Number, left, top, right, bottom of everybody in a frame.
Shown = NDArray[np.float64]


@dataclass(frozen=True)
class Adapter:
    """A started tracker of another package, in three steps of which only the middle one is its own work.

    Attributes:
        prepare: brings detections into its form.
        step: its update.
        shown: reads what the update gave.
    """

    prepare: Callable[[Detections], Any]
    step: Callable[[Any], Any]
    shown: Callable[[Any], Shown]


@dataclass(frozen=True)
class Peer:
    """A tracker of another package.

    Attributes:
        name: package and tracker.
        package: what has to be installed.
        start: makes a fresh one.
        uses_vectors: whether it goes by appearance, too.
    """

    name: str
    package: str
    start: Callable[[], Adapter]
    uses_vectors: bool = False

    @property
    def installed(self) -> bool:
        """Whether its package is there."""
        return importlib.util.find_spec(self.package) is not None

    def track(self, table: DetectionTable, least: float, length: int, result: Path) -> None:
        """Write what it makes of detections with at least that score as a MOTChallenge file."""
        adapter = self.start()
        lines = []
        for frame in range(1, length + 1):
            found = table.frame(frame)
            given = adapter.prepare(found[found.scores >= least])
            shown = adapter.shown(adapter.step(given))
            boxes = to_motchallenge(shown[:, 1:]).tolist()
            for identity, (left, top, width, height) in zip(shown[:, 0].tolist(), boxes, strict=True):
                box = f"{left:.2f},{top:.2f},{width:.2f},{height:.2f}"
                lines.append(f"{frame},{identity:.0f},{box},1,-1,-1,-1\n")
        write_text(result, "".join(lines))


def _trackers(name: str) -> Peer:
    def start() -> Adapter:
        import trackers

        # It reports each start of a tracker.
        logging.getLogger("trackers").setLevel(logging.WARNING)
        # Camera motion is found in the images, which the others do not see either.
        options = {"enable_cmc": False} if name == "BoTSORTTracker" else {}
        tracker = getattr(trackers, name)(**options)

        def prepare(found: Detections) -> Any:
            return Detections(found.boxes, found.scores, found.classes).to_supervision()

        def shown(tracks: Any) -> Shown:
            rows = tracks.tracker_id >= 0
            return np.column_stack([tracks.tracker_id[rows] + 1, tracks.xyxy[rows]])

        return Adapter(prepare, tracker.update, shown)

    return Peer(f"trackers, {name.removesuffix('Tracker')}", "trackers", start)


def _start_deep_sort_realtime() -> Adapter:
    from deep_sort_realtime.deepsort_tracker import DeepSort

    tracker = DeepSort(embedder=None, nn_budget=100)

    def prepare(found: Detections) -> Any:
        boxes = found.boxes.copy()
        boxes[:, 2:] -= boxes[:, :2]
        raw = [(box, score, 0) for box, score in zip(boxes.tolist(), found.scores.tolist(), strict=True)]
        return raw, list(_vectors(found))

    def shown(tracks: Any) -> Shown:
        rows = [
            [float(track.track_id), *track.to_ltrb()]
            for track in tracks
            if track.is_confirmed() and track.time_since_update == 0
        ]
        return np.array(rows).reshape(-1, 5)

    return Adapter(prepare, lambda given: tracker.update_tracks(given[0], embeds=given[1]), shown)


def _vectors(found: Detections) -> NDArray[np.float32]:
    """Appearance as that package wants it: never missing."""
    if found.features is None:
        raise ValueError("deep-sort-realtime needs appearance vectors")
    return np.nan_to_num(found.features, nan=1e-3)


SORT = _trackers("SORTTracker")
DEEPSORT = Peer("deep-sort-realtime", "deep_sort_realtime", _start_deep_sort_realtime, uses_vectors=True)
PEERS = (
    SORT,
    *(_trackers(name) for name in ("ByteTrackTracker", "OCSORTTracker", "BoTSORTTracker")),
    DEEPSORT,
)
