"""Where a tracker took one person for another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


@dataclass(frozen=True, slots=True)
class Sighting:
    """An object is found by a track.

    Attributes:
        object: the object's id in the ground truth.
        frame: where.
        track: the track.
        switched: whether it was another one the last time.
    """

    object: int
    frame: int
    track: int
    switched: bool


def sightings(comparison: Comparison) -> Iterator[Sighting]:
    """Every object that motmetrics takes for found, in order of frames."""
    events = accumulate(comparison).mot_events.reset_index()
    found = events[events["Type"].isin(("MATCH", "SWITCH"))]
    for frame, kind, thing, track in zip(
        found["FrameId"].astype(int),
        found["Type"],
        found["OId"].astype(int),
        found["HId"].astype(int),
        strict=True,
    ):
        yield Sighting(
            object=int(comparison.object_names[thing]),
            frame=frame,
            track=int(comparison.track_names[track]),
            switched=kind == "SWITCH",
        )


def identity_switches(comparison: Comparison) -> list[Switch]:
    """Every identity switch that motmetrics counts, in order of frames."""
    return switches_among(sightings(comparison))


def switches_among(seen: Iterable[Sighting]) -> list[Switch]:
    """The identity switches among sightings in order of frames."""
    switches = []
    last: dict[int, Sighting] = {}
    for now in seen:
        if now.switched:
            before = last[now.object]
            switches.append(Switch(now.object, now.frame, now.track, before.frame, before.track))
        last[now.object] = now
    return switches
