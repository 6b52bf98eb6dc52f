"""Where a tracker took one person for another."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.evaluation.libraries import accumulate
from tracker.evaluation.protocol import Comparison


@dataclass(frozen=True, slots=True)
class Switch:
    """An object is found by another track than the last time.

    Attributes:
        object: the object's id in the ground truth.
        frame: where the new track has it for the first time.
        track: the new track.
        last_frame: where the old track had it for the last time.
        last_track: the old track.
    """

    object: int
    frame: int
    track: int
    last_frame: int
    last_track: int


def identity_switches(comparison: Comparison) -> list[Switch]:
    """Every identity switch that motmetrics counts, in order of frames."""
    switches = []
    last: dict[int, tuple[int, int]] = {}  # of each object: frame and track
    events = accumulate(comparison).mot_events.reset_index()
    found = events[events["Type"].isin(("MATCH", "SWITCH"))]
    for frame, kind, thing, track in zip(
        found["FrameId"].astype(int),
        found["Type"],
        found["OId"].astype(int),
        found["HId"].astype(int),
        strict=True,
    ):
        if kind == "SWITCH":
            before, old = last[thing]
            switches.append(
                Switch(
                    object=int(comparison.object_names[thing]),
                    frame=frame,
                    track=int(comparison.track_names[track]),
                    last_frame=before,
                    last_track=int(comparison.track_names[old]),
                )
            )
        last[thing] = (frame, track)
    return switches
