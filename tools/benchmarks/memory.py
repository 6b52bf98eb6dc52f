"""The resident size over a long video."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from benchmarks.crowd import crowd
from benchmarks.printing import console
from tracker import Tracker


def memory(
    frames: Annotated[int, typer.Option(min=1, help="length of the video")] = 1_000_000,
    objects: Annotated[int, typer.Option(min=1, help="people in it")] = 50,
    tracker: Annotated[str, typer.Option(help="which tracker")] = "deepsort",
    width: Annotated[int, typer.Option(min=1, help="length of the appearance vectors")] = 128,
) -> None:
    """Show that the resident size after many frames is what it was after the first thousand."""
    forwards = list(crowd(objects, 500, width))
    # There and back again, so that nobody jumps where the video repeats itself.
    period = [*forwards, *reversed(forwards)]
    subject = Tracker(tracker)
    baseline = 0.0
    for frame in range(frames):
        subject.update(period[frame % len(period)])
        if frame + 1 in {1000, 10_000, 100_000, 300_000, frames}:
            size = _resident_mebibytes()
            baseline = baseline or size
            console.print(f"{frame + 1:>9} frames: {size:8.1f} MiB resident ({size - baseline:+.1f})")


def peak_mebibytes() -> float:
    """The most that this process has held in memory so far."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In bytes on a Mac, in kibibytes elsewhere.
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _resident_mebibytes() -> float:
    """What this process holds in memory now (Linux: from /proc; elsewhere: its peak)."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - not a file of the user's
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except FileNotFoundError:
        return peak_mebibytes()
