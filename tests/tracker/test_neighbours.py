from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracker import exact_search, neighbours
from tracker.exact_search import Race
from tracker.neighbours import NearestNeighbours

Floats = NDArray[np.float64]


def in_few_directions(count: int, rng: np.random.Generator, width: int = 128, noise: float = 0.02) -> Floats:
    """People in a crowd: vectors that gather in an 8-dimensional subspace, with a little noise around it."""
    basis = np.linalg.qr(np.random.default_rng(99).normal(size=(width, 8)))[0]
    centres = np.random.default_rng(98).normal(size=(200, 8))
    inside = centres[rng.integers(200, size=count)] + 0.2 * rng.normal(size=(count, 8))
    return (
        np.asarray(inside @ basis.T + noise * rng.normal(size=(count, width)))
        .astype(np.float32)
        .astype(float)
    )


def by_brute_force(vectors: NDArray[Any], queries: NDArray[Any], metric: str) -> Floats:
    """(queries, vectors) all distances, in double precision."""
    vectors, queries = vectors.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        return np.asarray(1 - queries @ vectors.T)
    return np.asarray(np.sqrt(((queries[:, None] - vectors[None]) ** 2).sum(axis=2)))


@pytest.fixture
def small_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trees grow over sets that brute force can check quickly."""
    monkeypatch.setattr(neighbours, "_SMALLEST_TREE", 16)


@pytest.mark.usefixtures("small_trees")
@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.sampled_from([1, 2, 7, 9, 40, 127, 128, 300]),
    metric=st.sampled_from(["euclidean", "cosine"]),
    directions=st.integers(1, 12),
    sizes=st.lists(st.integers(0, 90), min_size=1, max_size=8),
    offset=st.sampled_from([0.0, 3.0, 1000.0]),
    used=st.integers(1, 20),
)
# More candidates are asked for than there are.
@example(521639, 9, "euclidean", 1, [46, 59, 19], 0.0, 15)
def test_answers_are_those_of_brute_force(
    seed: int, width: int, metric: str, directions: int, sizes: list[int], offset: float, used: int
) -> None:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(used, width))

    def draw(count: int) -> Floats:
        noise = 0.1 * rng.normal(size=(count, width))
        return np.asarray(offset + rng.normal(size=(count, used)) @ mixing + noise, np.float32).astype(float)

    index = NearestNeighbours(metric, directions)  # type: ignore[arg-type]
    vectors, labels = np.empty((0, width)), np.empty(0, dtype=np.int64)
    for size in sizes:
        more, names = draw(size), rng.integers(0, 10, size)
        index.add(more, names)
        vectors, labels = np.concatenate((vectors, more)), np.concatenate((labels, names))
        # Some are new, some are among those remembered.
        queries = np.concatenate((draw(5), vectors[:3]))
        excluded = rng.integers(0, 10, 3).tolist()
        everywhere = by_brute_force(vectors, queries, metric)
        everywhere[:, np.isin(labels, excluded)] = np.inf
        limit = float(rng.choice([np.inf, np.median(everywhere) if everywhere.size else 1.0]))
        distances, found = index.query(queries, limit, excluded)

        assert len(index) == len(vectors)
        # Vectors are kept as float32, and unit vectors have to be rounded to it.
        tolerance = 1e-6 if metric == "cosine" else 1e-9 * (1 + offset)
        expected = everywhere.min(axis=1, initial=np.inf)
        for query, distance in enumerate(distances):
            if expected[query] > limit + tolerance:
                assert (distance, found[query]) == (np.inf, -1)
            elif expected[query] < limit - tolerance:
                assert distance == pytest.approx(expected[query], rel=1e-6, abs=tolerance)
                nearest = labels[everywhere[query] <= expected[query] + tolerance]
                assert found[query] in nearest


def test_trees_answer_for_vectors_that_use_few_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    vectors, queries = in_few_directions(12_000, rng), in_few_directions(40, rng)
    index = NearestNeighbours()
    for start in range(0, 12_000, 1000):
        index.add(vectors[start : start + 1000], np.arange(start, start + 1000))
    compared = 0
    compare_all = exact_search.Search.compare_all

    def counting(self: object, which: NDArray[np.intp], *table: object) -> None:
        nonlocal compared
        compared += len(which) * (int(table[-1]) - int(table[-2]))  # type: ignore[call-overload]
        compare_all(self, which, *table)  # type: ignore[arg-type]

    monkeypatch.setattr(exact_search.Search, "compare_all", counting)
    distances, labels = index.query(queries)
    np.testing.assert_array_equal(labels, by_brute_force(vectors, queries, "euclidean").argmin(axis=1))
    np.testing.assert_allclose(distances, np.linalg.norm(vectors[labels] - queries, axis=1))
    assert compared < 0.4 * 40 * 12_000  # the product served the newest vectors, and hardly any others


def test_the_faster_way_is_taken_and_the_other_tried_ever_more_rarely() -> None:
    race = Race()
    tries = [0, 0]

    def run(rounds: int, seconds: tuple[float, float]) -> list[int]:
        tries[:] = [0, 0]
        for _ in range(rounds):
            tries[race.way] += 1
            race.finish(10, seconds[race.way])
        return tries

    assert run(1000, (0.001, 0.002))[1] <= 10
    assert run(1000, (0.001, 0.002))[1] <= 2
    # Now the other one is faster: that is found out, and then held to.
    run(2000, (0.003, 0.002))
    assert run(1000, (0.003, 0.002))[0] <= 8
    # However long one has been the slower one, it gets its chance.
    assert run(10_000, (0.003, 0.002))[0] >= 1


def test_both_ways_give_the_same_answer() -> None:
    rng = np.random.default_rng(2)
    for vectors in (in_few_directions(6000, rng), rng.normal(size=(6000, 128)).astype(np.float32)):
        index = NearestNeighbours()
        index.add(vectors, np.arange(6000))
        queries = (vectors[:30] + 0.3 * rng.normal(size=(30, 128))).astype(np.float32)
        answers = []
        for way in (0, 1):
            index._trees[0]._race.way = way
            answers.append(index.query(queries))
        np.testing.assert_array_equal(answers[0], answers[1])


@pytest.mark.usefixtures("small_trees")
@pytest.mark.parametrize("copied", [deepcopy, lambda index: pickle.loads(pickle.dumps(index))])
def test_a_copy_with_trees_answers_and_grows_as_the_original(
    copied: Callable[[NearestNeighbours], NearestNeighbours], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Race, "finish", lambda *_: None)  # the tree's turn, always
    rng = np.random.default_rng(8)
    vectors, queries = in_few_directions(120, rng, width=16), in_few_directions(40, rng, width=16)
    index = NearestNeighbours()
    index.add(vectors[:70], np.arange(70))
    index.query(queries)
    copy = copied(index)
    for each in (index, copy):
        each.add(vectors[70:], np.arange(70, 120))
        each.forget(range(0, 120, 7))
    for one, two in zip(index.query(queries), copy.query(queries), strict=True):
        np.testing.assert_array_equal(one, two)


def test_trees_are_few_and_of_doubling_size() -> None:
    rng = np.random.default_rng(3)
    index = NearestNeighbours()
    for _ in range(60):
        index.add(rng.normal(size=(1000, 16)), 0)
        sizes = [tree.size for tree in index._trees]
        assert all(older >= 2 * newer for older, newer in pairwise(sizes))
        assert len(index) - sum(sizes) < neighbours._SMALLEST_TREE


@pytest.mark.usefixtures("small_trees")
def test_of_equally_near_vectors_the_first_counts() -> None:
    vectors = np.tile(np.eye(4), (50, 1))
    index = NearestNeighbours()
    for start in range(0, 200, 20):
        index.add(vectors[start : start + 20], np.arange(start, start + 20))
        assert index.query(np.eye(4))[1].tolist() == [0, 1, 2, 3]


def test_tiny_and_enormous_vectors() -> None:
    for scale in (1e-30, 1e15):
        index = NearestNeighbours()
        index.add(np.array([[3.0, 4.0], [1.0, 0.0], [-1.0, 0.0]]) * scale, [1, 2, 3])
        distances, labels = index.query(np.array([[0.9, 0.0]]) * scale)
        assert labels.tolist() == [2]
        assert distances[0] == pytest.approx(0.1 * scale, rel=1e-5)


def test_small_differences_of_long_vectors() -> None:
    """Far from the origin float32 loses the differences in the matrix product: the answer stays exact."""
    rng = np.random.default_rng(7)
    vectors = (1000 + 0.01 * rng.normal(size=(400, 128))).astype(np.float32)
    queries = (1000 + 0.01 * rng.normal(size=(50, 128))).astype(np.float32)
    index = NearestNeighbours()
    index.add(vectors, np.arange(400))
    distances, labels = index.query(queries)
    everywhere = by_brute_force(vectors, queries, "euclidean")
    np.testing.assert_array_equal(labels, everywhere.argmin(axis=1))
    np.testing.assert_allclose(distances, everywhere.min(axis=1), rtol=1e-12)


@pytest.mark.usefixtures("small_trees")
def test_forgotten_labels_are_never_found_again_and_take_no_room() -> None:
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(20_000, 6)).astype(np.float32)
    index = NearestNeighbours()
    for label in range(2000):
        index.add(vectors[10 * label : 10 * label + 10], label)
        if label >= 5:
            index.forget(label - 5)
            index.forget(label - 5)  # nothing is left: harmless
        assert len(index) <= 50
        assert len(index._labels) <= 250
    distances, labels = index.query(vectors[:-50])
    assert set(labels.tolist()) <= {1995, 1996, 1997, 1998, 1999}
    expected = by_brute_force(vectors[-50:], vectors[:100], "euclidean")
    np.testing.assert_allclose(distances[:100], expected.min(axis=1), rtol=1e-6)


def test_each_label_keeps_a_fair_sample_of_its_time() -> None:
    kept = []
    for seed in range(40):
        index = NearestNeighbours(per_label=10, seed=seed)
        for moment in range(500):
            index.add([[moment, 0], [moment, 1]], [0, 1])
        assert len(index) == 20
        table = index._vectors[: index._count][~index._hidden[: index._count]]  # type: ignore[index]
        kept += [np.sort(table[table[:, 1] == label][:, 0]) for label in (0, 1)]
    moments = np.concatenate(kept)
    assert len(moments) == 40 * 2 * 10
    # As many of the first half as of the second, of each quarter as of the others: 800 draws.
    share = np.histogram(moments, bins=4, range=(0, 500))[0] / len(moments)
    np.testing.assert_allclose(share, 0.25, atol=0.06)
    assert len({tuple(moments) for moments in kept}) > 70  # the seed matters


def test_a_bounded_index_does_not_grow() -> None:
    rng = np.random.default_rng(5)
    index = NearestNeighbours(per_label=50)
    for _ in range(300):
        index.add(rng.normal(size=(200, 8)), rng.integers(0, 4, 200))
    assert len(index) == 200
    assert len(index._labels) < 3 * neighbours._SMALLEST_TREE


@pytest.mark.usefixtures("small_trees")
def test_a_bounded_index_finds_what_it_keeps() -> None:
    rng = np.random.default_rng(6)
    index = NearestNeighbours(per_label=20)
    for _ in range(50):
        index.add(rng.normal(size=(40, 12)), rng.integers(0, 9, 40))
    assert index._vectors is not None
    stays = ~index._hidden[: index._count]
    vectors, labels = index._vectors[: index._count][stays], index._labels[: index._count][stays]
    assert np.bincount(labels).tolist() == [20] * 9
    queries = rng.normal(size=(30, 12)).astype(np.float32)
    everywhere = by_brute_force(vectors, queries, "euclidean")
    distances, found = index.query(queries)
    np.testing.assert_allclose(distances, everywhere.min(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(found, labels[everywhere.argmin(axis=1)])


def test_a_label_can_be_forgotten_and_come_back() -> None:
    index = NearestNeighbours(per_label=2)
    index.add([[1.0], [2.0], [3.0]], 7)
    index.forget([7])
    index.add([[10.0], [20.0]], 7)
    assert len(index) == 2
    assert index.query([[9.0], [21.0], [2.0]])[0].tolist() == [1.0, 1.0, 8.0]


def test_nothing_remembered_nothing_found() -> None:
    index = NearestNeighbours()
    for _ in range(2):
        distances, labels = index.query(np.ones((3, 5)))
        assert (len(index), distances.tolist(), labels.tolist()) == (0, [np.inf] * 3, [-1] * 3)
        assert [len(answer) for answer in index.query(np.empty((0, 5)))] == [0, 0]
        index.add(np.empty((0, 5)), [])


@pytest.mark.parametrize(
    "vectors, message",
    [
        ([[1.0, 2.0]], "vectors of 2 numbers after vectors of 3"),
        ([[0.0, 0.0, 1.0], [np.nan, 0.0, 0.0]], "row 1 has length nan"),
        ([[np.inf, 0.0, 0.0]], "row 0 has length inf"),
        ([[0.0, 0.0, 0.0]], "row 0 has length 0"),
        ([1.0, 2.0, 3.0], r"array of shape \(3,\)"),
    ],
)
def test_unfit_vectors_are_refused_and_leave_no_trace(vectors: Any, message: str) -> None:
    index = NearestNeighbours("cosine", per_label=5)
    index.add([[1.0, 2.0, 3.0]], 4)
    with pytest.raises(ValueError, match=message):
        index.add(vectors, 5)
    with pytest.raises(ValueError, match=message):
        index.query(vectors)
    assert len(index) == 1


@pytest.mark.parametrize("directions", [0, 127])
def test_directions_that_the_tree_cannot_take(directions: int) -> None:
    with pytest.raises(ValueError, match="directions must lie between 1 and 126"):
        NearestNeighbours(directions=directions)
