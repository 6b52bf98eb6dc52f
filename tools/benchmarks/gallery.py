"""Ways to find the nearest among many vectors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree
from rich.table import Table
from scipy.spatial import cKDTree

from benchmarks.asking import whole_numbers
from benchmarks.printing import console, introduce_machine
from tracker.neighbours import NearestNeighbours

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


def gallery(
    sizes: Annotated[str, typer.Option(help="remembered vectors, separated by commas")] = "1000,10000,100000",
    width: Annotated[int, typer.Option(min=1, help="their length; pykdtree takes 127 at most")] = 128,
    queries: Annotated[int, typer.Option(min=1, help="vectors that are looked for at once")] = 30,
    seconds: Annotated[float, typer.Option(min=0.001, help="how long each is timed")] = 1.0,
) -> None:
    """Time exact nearest-neighbour queries: where a tree wins, and where a matrix product does."""
    introduce_machine()
    table = Table(title=f"queries a millisecond, {width} dimensions, {queries} at once")
    table.add_column("vectors use", no_wrap=True)
    for heading in ("number", *FINDERS):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("fastest", no_wrap=True)
    for title, draw in (("8 directions", _few_directions), ("all directions", _all_directions)):
        for count in whole_numbers(sizes):
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
