"""Whole update steps, beside other packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from benchmarks.crowd import crowd
from benchmarks.printing import console, introduce_machine
from tracker import Detections, Tracker


@dataclass(frozen=True)
class Contender:
    """A tracker under test: how to bring detections into its form (not timed), and its step (timed)."""

    prepare: Callable[[Detections], Any]
    step: Callable[[Any], object]


def _ours(config: str) -> Contender:
    tracker = Tracker(config)
    return Contender(lambda detections: detections, tracker.update)


def _deep_sort_realtime() -> Contender:
    from deep_sort_realtime.deepsort_tracker import DeepSort

    tracker = DeepSort(embedder=None, nn_budget=100)

    def prepare(detections: Detections) -> Any:
        boxes = detections.boxes.copy()
        boxes[:, 2:] -= boxes[:, :2]
        assert detections.features is not None
        raw = [(box, score, 0) for box, score in zip(boxes.tolist(), detections.scores.tolist(), strict=True)]
        return raw, list(detections.features)

    return Contender(prepare, lambda given: tracker.update_tracks(given[0], embeds=given[1]))


def _trackers_sort() -> Contender:
    from trackers import SORTTracker

    tracker = SORTTracker()

    def prepare(detections: Detections) -> Any:
        return Detections(detections.boxes, detections.scores, detections.classes).to_supervision()

    return Contender(prepare, tracker.update)


# Each of ours, and the package that offers the same algorithm.
PAIRS: list[tuple[str, str, Callable[[], Contender]]] = [
    ("sort", "trackers", _trackers_sort),
    ("deepsort", "deep_sort_realtime", _deep_sort_realtime),
]


def trackers(
    sizes: Annotated[str, typer.Option(help="objects in the scene, separated by commas")] = "20,50,100,200",
    frames: Annotated[int, typer.Option(help="frames that are timed in each round")] = 100,
    warmup: Annotated[int, typer.Option(help="frames before, which fill the galleries")] = 110,
    rounds: Annotated[int, typer.Option(help="how often each tracker has its turn")] = 3,
    width: Annotated[int, typer.Option(help="length of the appearance vectors")] = 128,
) -> None:
    """Time whole update steps on synthetic scenes, ours and others in turn."""
    introduce_machine()
    table = Table(title="median milliseconds a frame")
    for heading in ("tracker", "objects", "ms", "frames/s", "other", "its ms", "times faster"):
        table.add_column(
            heading, justify="left" if heading in ("tracker", "other") else "right", no_wrap=True
        )
    for count in (int(text) for text in sizes.split(",")):
        video = list(crowd(count, warmup + frames, width))
        makers: dict[str, Callable[[], Contender]] = {ours: partial(_ours, ours) for ours, _, _ in PAIRS}
        makers |= {package: peer for _, package, peer in PAIRS if importlib.util.find_spec(package)}
        spent: dict[str, list[float]] = {name: [] for name in makers}
        for _ in range(rounds):
            for name, make in makers.items():
                spent[name] += _milliseconds(make(), video)[warmup:]
        median = {name: float(np.median(steps)) for name, steps in spent.items()}
        for ours, package, _ in PAIRS:
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
