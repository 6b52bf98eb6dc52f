"""Measure speed and memory, beside other packages where they are installed.

python tools/benchmark.py trackers     whole update steps, one thread, in turn in one run
python tools/benchmark.py gallery      ways to find the nearest among many vectors, one thread
python tools/benchmark.py memory       resident size after the first thousand and after many frames
"""

from __future__ import annotations

import os

# One thread: numbers that can be compared. To be said before numpy is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import importlib.metadata
import importlib.util
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from tracker import Detections, Tracker
from tracker.neighbours import NearestNeighbours

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, rich_markup_mode=None)
console = Console(width=None if sys.stdout.isatty() else 110)

WIDTH, HEIGHT = 1920, 1080


def scene(objects: int, frames: int, width: int, seed: int = 0) -> Iterator[Detections]:
    """People who cross a picture: 5 % missed, 5 % false alarms, jitter, vectors that vary a little."""
    rng = np.random.default_rng(seed)
    size = np.stack([np.full(objects, 0.4), np.ones(objects)], axis=1) * rng.uniform(80, 160, (objects, 1))
    place = rng.uniform((0, 0), (WIDTH, HEIGHT), (objects, 2))
    step = rng.normal(0, 2.0, (objects, 2))
    look = rng.normal(size=(objects, width))
    for _ in range(frames):
        place += step
        # Who reaches an edge turns back, so that the crowd stays as large as it is.
        step[(place < 0) | (place > (WIDTH, HEIGHT))] *= -1
        seen = rng.random(objects) > 0.05
        false = rng.random(objects) < 0.05
        centre = np.concatenate([place[seen], rng.uniform((0, 0), (WIDTH, HEIGHT), (false.sum(), 2))])
        extent = np.concatenate([size[seen], size[false]])
        strangers = rng.normal(size=(false.sum(), width))
        features = np.concatenate([look[seen], strangers]) + 0.25 * rng.normal(size=(len(centre), width))
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        corners = centre + rng.normal(0, 0.02, (len(centre), 2)) * extent
        extent = extent * rng.normal(1, 0.02, (len(centre), 2))
        yield Detections(
            np.concatenate([corners - extent / 2, corners + extent / 2], axis=1),
            rng.uniform(0.6, 1.0, len(centre)),
            features=features.astype(np.float32),
        )


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


@app.command()
def trackers(
    sizes: Annotated[str, typer.Option(help="objects in the scene, separated by commas")] = "20,50,100,200",
    frames: Annotated[int, typer.Option(help="frames that are timed in each round")] = 100,
    warmup: Annotated[int, typer.Option(help="frames before, which fill the galleries")] = 110,
    rounds: Annotated[int, typer.Option(help="how often each tracker has its turn")] = 3,
    width: Annotated[int, typer.Option(help="length of the appearance vectors")] = 128,
) -> None:
    """Time whole update steps on synthetic scenes, ours and others in turn."""
    _introduce_machine()
    table = Table(title="median milliseconds a frame")
    for heading in ("tracker", "objects", "ms", "frames/s", "other", "its ms", "times faster"):
        table.add_column(
            heading, justify="left" if heading in ("tracker", "other") else "right", no_wrap=True
        )
    for count in (int(text) for text in sizes.split(",")):
        video = list(scene(count, warmup + frames, width))
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


def _introduce_machine() -> None:
    machine = platform.processor() or platform.machine()
    console.print(f"{machine}, Python {platform.python_version()}, numpy {np.__version__}, one thread")


Vectors = NDArray[np.float32]
# Takes queries, gives the row of the nearest vector to each.
Finder = Callable[[Vectors], NDArray[Any]]


def _matrix_product(vectors: Vectors) -> Finder:
    squares = np.einsum("nd,nd->n", vectors, vectors)
    return lambda queries: np.asarray((squares - 2 * queries @ vectors.T).argmin(axis=1))


def _pykdtree(vectors: Vectors) -> Finder:
    tree = KDTree(vectors)
    return lambda queries: np.asarray(tree.query(queries)[1])


def _scipy(vectors: Vectors) -> Finder:
    tree = cKDTree(vectors)
    return lambda queries: np.asarray(tree.query(queries)[1])


def _neighbours(vectors: Vectors) -> Finder:
    index = NearestNeighbours()
    for start in range(0, len(vectors), 100):  # as they come in a long video
        index.add(vectors[start : start + 100], np.arange(start, min(start + 100, len(vectors))))
    return lambda queries: index.query(queries)[1]


FINDERS: dict[str, Callable[[Vectors], Finder]] = {
    "matrix product": _matrix_product,
    "pykdtree": _pykdtree,
    "scipy cKDTree": _scipy,
    "long memory": _neighbours,
}


def _few_directions(count: int, width: int, rng: np.random.Generator) -> Vectors:
    """Clusters of a hundred in 8 directions, with a little noise in all others."""
    centres = rng.normal(size=(max(1, count // 100), 8))
    inside = centres[rng.integers(len(centres), size=count)] + 0.15 * rng.normal(size=(count, 8))
    basis = np.linalg.qr(rng.normal(size=(width, 8)))[0]
    return np.asarray(inside @ basis.T + 0.02 * rng.normal(size=(count, width)), dtype=np.float32)


def _all_directions(count: int, width: int, rng: np.random.Generator) -> Vectors:
    return rng.normal(size=(count, width)).astype(np.float32)


@app.command()
def gallery(
    sizes: Annotated[str, typer.Option(help="remembered vectors, separated by commas")] = "1000,10000,100000",
    width: Annotated[int, typer.Option(help="their length; pykdtree takes 127 at most")] = 128,
    queries: Annotated[int, typer.Option(help="vectors that are looked for at once")] = 30,
    seconds: Annotated[float, typer.Option(help="how long each is timed")] = 1.0,
) -> None:
    """Time exact nearest-neighbour queries: where a tree wins, and where a matrix product does."""
    _introduce_machine()
    table = Table(title=f"queries a millisecond, {width} dimensions, {queries} at once")
    table.add_column("vectors use", no_wrap=True)
    for heading in ("number", *FINDERS):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("fastest", no_wrap=True)
    for title, draw in (("8 directions", _few_directions), ("all directions", _all_directions)):
        for count in (int(text) for text in sizes.split(",")):
            vectors = draw(count + 20 * queries, width, np.random.default_rng(0))
            remembered, asked = vectors[:count], vectors[count:].reshape(20, queries, width)
            speed = {
                name: _queries_per_millisecond(make, remembered, asked, seconds)
                for name, make in FINDERS.items()
                if name != "pykdtree" or width <= 127
            }
            fastest = max(speed, key=lambda name: speed[name])
            cells = [f"{speed[name]:.3g}" if name in speed else "refuses" for name in FINDERS]
            table.add_row(title, str(count), *cells, fastest)
    console.print(table)


def _queries_per_millisecond(
    make: Callable[[Vectors], Finder], vectors: Vectors, batches: Vectors, seconds: float
) -> float:
    """The median speed of a way to find the nearest. The first round warms it up, and checks its answers."""
    find, check = make(vectors), _matrix_product(vectors)
    for batch in batches:
        distances = np.linalg.norm(vectors[find(batch)] - batch, axis=1)
        nearest = np.linalg.norm(vectors[check(batch)] - batch, axis=1)
        if not np.allclose(distances, nearest, rtol=1e-3):
            raise SystemExit(f"{make.__name__} does not find the nearest")
    spent: list[float] = []
    while sum(spent) < seconds:
        for batch in batches:
            start = time.perf_counter()
            find(batch)
            spent.append(time.perf_counter() - start)
    return float(batches.shape[1] / np.median(spent) / 1000)


@app.command()
def memory(
    frames: Annotated[int, typer.Option(help="length of the video")] = 1_000_000,
    objects: Annotated[int, typer.Option(help="people in it")] = 50,
    tracker: Annotated[str, typer.Option(help="which tracker")] = "deepsort",
    width: Annotated[int, typer.Option(help="length of the appearance vectors")] = 128,
) -> None:
    """Show that the resident size after many frames is what it was after the first thousand."""
    forwards = list(scene(objects, 500, width))
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


def _resident_mebibytes() -> float:
    """What this process holds in memory now (Linux: from /proc; elsewhere: its peak)."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - not a file of the user's
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except FileNotFoundError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    app()
