"""Whole update steps, beside other packages."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer
from peers import DEEPSORT, SORT, Peer
from rich.table import Table

from benchmarks.asking import whole_numbers
from benchmarks.crowd import crowd
from benchmarks.printing import console, introduce_machine
from tracker import Detections, Tracker

# Each of ours, and the other package's tracker that is the same algorithm.
PAIRS = (("sort", SORT), ("deepsort", DEEPSORT))


@dataclass(frozen=True)
class Contender:
    """A tracker under test: how to bring detections into its form (not timed), and its step (timed)."""

    prepare: Callable[[Detections], Any]
    step: Callable[[Any], object]


def _ours(config: str) -> Contender:
    return Contender(lambda detections: detections, Tracker(config).update)


def _theirs(peer: Peer) -> Contender:
    adapter = peer.start()
    return Contender(adapter.prepare, adapter.step)


def trackers(
    sizes: Annotated[str, typer.Option(help="objects in the scene, separated by commas")] = "20,50,100,200",
    frames: Annotated[int, typer.Option(min=1, help="frames that are timed in each round")] = 100,
    warmup: Annotated[int, typer.Option(min=0, help="frames before, which fill the galleries")] = 110,
    rounds: Annotated[int, typer.Option(min=1, help="how often each tracker has its turn")] = 3,
    width: Annotated[int, typer.Option(min=1, help="length of the appearance vectors")] = 128,
) -> None:
    """Time whole update steps on synthetic scenes, ours and others in turn."""
    introduce_machine()
    table = Table(title="median milliseconds a frame")
    for heading in ("tracker", "objects", "ms", "frames/s", "other", "its ms", "times faster"):
        table.add_column(
            heading, justify="left" if heading in ("tracker", "other") else "right", no_wrap=True
        )
    for count in whole_numbers(sizes):
        video = list(crowd(count, warmup + frames, width))
        makers: dict[str, Callable[[], Contender]] = {ours: partial(_ours, ours) for ours, _ in PAIRS}
        makers |= {peer.package: partial(_theirs, peer) for _, peer in PAIRS if peer.installed}
        spent: dict[str, list[float]] = {name: [] for name in makers}
        for _ in range(rounds):
            for name, make in makers.items():
                spent[name] += _milliseconds(make(), video)[warmup:]
        median = {name: float(np.median(steps)) for name, steps in spent.items()}
        for ours, peer in PAIRS:
            package = peer.package
            row = [ours, str(count), f"{median[ours]:.3f}", f"{1000 / median[ours]:.0f}"]
            if package in median:
                version = importlib.metadata.version(package.replace("_", "-"))
                row += [
                    f"{package} {version}",
                    f"{median[package]:.3f}",
                    f"{median[package] / median[ours]:.1f}",
                ]
            else:
                row += [f"{package} is not installed", "", ""]
            table.add_row(*row)
    console.print(table)


def _milliseconds(contender: Contender, video: list[Detections]) -> list[float]:
    """How long each step of a video takes."""
    spent = []
    for detections in video:
        given = contender.prepare(detections)
        start = time.perf_counter()
        contender.step(given)
        spent.append(1000 * (time.perf_counter() - start))
    return spent
