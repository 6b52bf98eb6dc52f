"""The appearance memory against lists of vectors."""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.config import Memory
from tracker.gallery import Gallery

Array = NDArray[np.float64]
Vectors = NDArray[np.float32]
Metric = Literal["cosine", "euclidean"]

EVERY_METRIC = pytest.mark.parametrize("metric", ["cosine", "euclidean"])


class PlainGallery:
    """What the gallery should do, one vector at a time in double precision."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._vectors: dict[int, deque[Array]] = {}

    def begin(self, slot: int) -> None:
        depth = self._memory.budget if self._memory.keep == "nearest" else 1
        self._vectors[slot] = deque(maxlen=depth)

    def remember(self, slot: int, vector: Array) -> None:
        kept = self._vectors[slot]
        vector = self._normalised(vector)
        if self._memory.keep == "average" and kept:
            momentum = self._memory.momentum
            vector = self._normalised(momentum * kept[0] + (1 - momentum) * vector)
        kept.append(vector)

    def distance(self, slot: int, vector: Array) -> float:
        vector = self._normalised(vector)
        if self._memory.metric == "cosine":
            return min((1 - float(old @ vector) for old in self._vectors[slot]), default=np.inf)
        return min((float(np.linalg.norm(old - vector)) for old in self._vectors[slot]), default=np.inf)

    def _normalised(self, vector: Array) -> Array:
        return vector / np.linalg.norm(vector) if self._memory.metric == "cosine" else vector


def remember(gallery: Gallery, slots: NDArray[np.intp], vectors: Vectors) -> None:
    prepared, usable = gallery.prepare(vectors)
    assert usable.all()
    gallery.remember(slots, prepared)


def distances(gallery: Gallery, slots: list[int], vectors: Vectors) -> Vectors:
    """Of every slot to every vector."""
    prepared, _ = gallery.prepare(vectors)
    rows, columns = np.ones((len(slots), len(vectors)), dtype=np.bool_).nonzero()
    found = gallery.distances(np.array(slots, dtype=np.intp), prepared, rows, columns)
    return found.reshape(len(slots), len(vectors))


@EVERY_METRIC
@pytest.mark.parametrize(
    "memory",
    [
        {"budget": 1},
        {"budget": 3},
        {"budget": 100},
        {"keep": "average"},
        {"keep": "average", "momentum": 0.0},
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_a_long_life_against_plain_lists(metric: Metric, memory: dict[str, object], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rules = Memory.model_validate({"metric": metric, **memory})
    gallery, plain = Gallery(rules), PlainGallery(rules)
    live: list[int] = []
    for _ in range(150):
        born = gallery.claim(int(rng.integers(0, 4)))
        assert not set(born.tolist()) & set(live)
        for slot in born.tolist():
            plain.begin(slot)
        live += born.tolist()
        # Some see a vector, new tracks not always.
        slots = rng.permutation(live)[: rng.integers(0, len(live) + 1)].astype(np.intp)
        vectors = rng.normal(0, 1, (len(slots), 6)).astype(np.float32)
        remember(gallery, slots, vectors)
        for slot, vector in zip(slots.tolist(), vectors.astype(np.float64), strict=True):
            plain.remember(slot, vector)
        # Some pairs, as a gate would choose them.
        questions = rng.normal(0, 1, (5, 6)).astype(np.float32)
        rows, columns = (rng.random((len(live), 5)) < rng.choice([0.1, 0.9])).nonzero()
        prepared, _ = gallery.prepare(questions)
        found = gallery.distances(np.array(live, dtype=np.intp), prepared, rows, columns)
        expected = [
            plain.distance(live[row], questions[column].astype(np.float64))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        dead = [slot for slot in live if rng.random() < 0.1]
        gallery.release(np.array(dead, dtype=np.intp))
        live = [slot for slot in live if slot not in dead]


@EVERY_METRIC
def test_only_the_newest_vectors_count(metric: Metric) -> None:
    gallery = Gallery(Memory(metric=metric, budget=2))
    slot = gallery.claim(1)
    axes = np.eye(4, dtype=np.float32)
    far = 1.0 if metric == "cosine" else np.sqrt(2)
    for vector in axes[:3]:
        remember(gallery, slot, vector[None])
    np.testing.assert_allclose(distances(gallery, [0], axes)[0], [far, 0, 0, far], atol=1e-3)


def test_euclidean_distance_is_not_squared() -> None:
    gallery = Gallery(Memory(metric="euclidean"))
    remember(gallery, gallery.claim(1), np.array([[3.0, 0, 0]], dtype=np.float32))
    found = distances(gallery, [0], np.array([[0, 4, 0], [3, 0, 3]], dtype=np.float32))
    np.testing.assert_allclose(found, [[5, 3]], rtol=1e-6)


@pytest.mark.parametrize("keep", ["nearest", "average"])
def test_euclidean_distances_far_from_the_origin_keep_their_digits(
    keep: Literal["nearest", "average"],
) -> None:
    rules = Memory(metric="euclidean", keep=keep)
    gallery, plain = Gallery(rules), PlainGallery(rules)
    slots, rng = gallery.claim(20), np.random.default_rng(0)
    people = 100 + rng.normal(size=(20, 128))
    for slot in slots.tolist():
        plain.begin(slot)
    for _ in range(5):
        vectors = (people + 0.3 * rng.normal(size=people.shape)).astype(np.float32)
        remember(gallery, slots, vectors)
        for slot, vector in zip(slots.tolist(), vectors.astype(np.float64), strict=True):
            plain.remember(slot, vector)
    questions = (people[:7] + 0.3 * rng.normal(size=(7, 128))).astype(np.float32)
    expected = [[plain.distance(slot, each.astype(np.float64)) for each in questions] for slot in slots]
    np.testing.assert_allclose(distances(gallery, slots.tolist(), questions), expected, rtol=1e-4)


def test_cosine_distance_ignores_length() -> None:
    gallery = Gallery(Memory(metric="cosine"))
    remember(gallery, gallery.claim(1), np.array([[0.01, 0.01]], dtype=np.float32))
    found = distances(gallery, [0], np.array([[500, 500], [5, 0], [-1, -1]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0, 1 - np.sqrt(0.5), 2]], atol=1e-6)


def test_the_average_follows_slowly() -> None:
    gallery = Gallery(Memory(metric="euclidean", keep="average", momentum=0.75))
    slot = gallery.claim(1)
    for value in (0.0, 8.0, 8.0):
        remember(gallery, slot, np.array([[value, 1]], dtype=np.float32))
    found = distances(gallery, [0], np.array([[3.5, 1]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0]], atol=1e-3)


@EVERY_METRIC
def test_slots_are_used_again_and_start_empty(metric: Metric) -> None:
    gallery = Gallery(Memory(metric=metric, budget=3))
    slots = gallery.claim(3)
    old, new = np.eye(2, dtype=np.float32)
    for _ in range(4):
        remember(gallery, slots, np.tile(old, (3, 1)))
    gallery.release(slots[1:2])
    assert gallery.claim(2).tolist() == [1, 3]
    assert np.isinf(distances(gallery, [1, 3], old[None])).all()
    remember(gallery, np.array([1]), new[None])
    found = distances(gallery, [0, 1], np.stack((old, new)))
    assert np.isclose(found, 0, atol=1e-3).tolist() == [[True, False], [False, True]]


def test_slots_do_not_grow_with_the_number_of_tracks() -> None:
    gallery = Gallery(Memory())
    used = set()
    for _ in range(500):
        slots = gallery.claim(10)
        used |= set(slots.tolist())
        gallery.release(slots)
    assert used == set(range(10))


@EVERY_METRIC
@pytest.mark.parametrize("keep", ["nearest", "average"])
def test_growth_forgets_nothing(metric: Metric, keep: Literal["nearest", "average"]) -> None:
    gallery = Gallery(Memory(metric=metric, keep=keep, budget=2))
    vectors = np.random.default_rng(2).normal(0, 1, (300, 5)).astype(np.float32)
    for start in range(0, 300, 3):
        remember(gallery, gallery.claim(3), vectors[start : start + 3])
    found = distances(gallery, list(range(300)), vectors)
    assert found.argmin(axis=1).tolist() == list(range(300))


def test_rows_without_a_usable_vector_are_told() -> None:
    gallery = Gallery(Memory())
    rows: Vectors = np.array(
        [[1, 2], [0, 0], [np.nan, 1], [np.inf, 1], [-np.inf, 1], [3e38, 3e38], [-2, 0]], dtype=np.float32
    )
    with np.errstate(all="ignore"):
        prepared, usable = gallery.prepare(rows)
    assert usable.tolist() == [True, False, False, False, False, False, True]
    np.testing.assert_allclose(np.linalg.norm(prepared[usable], axis=1), 1, rtol=1e-6)
    assert np.isfinite(prepared).all()


@EVERY_METRIC
def test_vectors_of_another_width_are_refused(metric: Metric) -> None:
    gallery = Gallery(Memory(metric=metric))
    assert gallery.width is None
    gallery.prepare(np.ones((2, 3), dtype=np.float32))  # nothing is remembered yet: any width will do
    gallery.prepare(np.zeros((2, 4), dtype=np.float32))
    remember(gallery, gallery.claim(1), np.ones((1, 5), dtype=np.float32))
    assert gallery.width == 5
    with pytest.raises(ValueError, match="vectors of 4 numbers after frames with vectors of 5"):
        gallery.prepare(np.ones((2, 4), dtype=np.float32))


@EVERY_METRIC
def test_nothing_asked_nothing_answered(metric: Metric) -> None:
    gallery = Gallery(Memory(metric=metric))
    nothing = np.empty(0, dtype=np.intp)
    assert gallery.claim(0).size == 0
    prepared, usable = gallery.prepare(np.empty((0, 3), dtype=np.float32))
    gallery.remember(nothing, prepared)
    gallery.release(nothing)
    assert usable.size == 0
    assert gallery.distances(nothing, prepared, nothing, nothing).size == 0
