from __future__ import annotations

import math
import tracemalloc
from importlib import import_module

import numpy as np
import pytest

from reid.evaluation.distances import auc, distances
from reid.evaluation.sequences import gap_scores, tracking_scores

# By this name the package has the function.
MODULE = import_module("reid.evaluation.distances")


@pytest.fixture(scope="module")
def sequence() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six people for 100 frames, who change slowly, each sometimes unseen."""
    rng = np.random.default_rng(0)
    identities, frames = np.tile(np.arange(1, 7), 100), np.repeat(np.arange(1, 101), 6)
    drift = np.cumsum(rng.normal(0, 0.15, (100, 6, 5)), axis=0).reshape(600, 5)
    vectors = (rng.normal(size=(7, 5))[identities] + drift).astype(np.float32)
    rows = rng.permutation(600)[:500]
    return vectors[rows], identities[rows], frames[rows]


def test_tracking_scores_agree_with_plain_counting(sequence: tuple[np.ndarray, ...]) -> None:
    vectors, identities, frames = sequence
    distance = distances(vectors, vectors, "euclidean")
    positive, negative, hits = [], [], []
    for i in range(len(vectors)):
        past = [j for j in range(len(vectors)) if 20 <= frames[i] - frames[j] <= 60]
        if any(identities[j] == identities[i] for j in past):
            hits.append(identities[min(past, key=lambda j: distance[i, j])] == identities[i])
        for j in range(len(vectors)):
            if identities[i] == identities[j] and 0 < frames[i] - frames[j] <= 60:
                positive.append(distance[i, j])
            if i < j and frames[i] == frames[j]:
                negative.append(distance[i, j])
    scores = tracking_scores(vectors, identities, frames, "euclidean")
    assert scores.rank1 == pytest.approx(np.mean(hits))
    assert scores.auc == pytest.approx(auc(np.array(positive), np.array(negative)), abs=1e-4)
    assert 0.5 < scores.auc < 1


# All at once, a few queries at a time, one at a time.
@pytest.mark.parametrize("block", [1_000_000, 3_500, 1])
def test_gap_scores_agree_with_plain_counting(
    block: int, sequence: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_BLOCK", block)
    vectors, identities, frames = sequence
    rate = 10.0
    queries: dict[tuple[int, int], int] = {}
    for row in range(len(vectors)):
        queries.setdefault((identities[row], frames[row] // 10), row)
    gaps = gap_scores(vectors, identities, frames, rate, "cosine")
    assert [gap.gap for gap in gaps] == [(1, 2), (2, 5), (5, math.inf)]
    distance = distances(vectors, vectors, "cosine")
    for gap in gaps:
        precisions, positive, negative, hits = [], [], [], []
        for query in queries.values():
            same = identities == identities[query]
            apart = abs(frames - frames[query]) / rate
            match = same & (apart >= gap.gap[0]) & (apart < gap.gap[1])
            if not match.any():
                continue
            ranked = [
                row for row in np.argsort(distance[query], kind="stable") if match[row] or not same[row]
            ]
            found = [place for place, row in enumerate(ranked, 1) if match[row]]
            precisions.append(np.mean([n / place for n, place in enumerate(found, 1)]))
            hits.append(found[0] == 1)
            positive.append(distance[query][match])
            negative.append(distance[query][~same])
        assert gap.retrieval.queries == len(hits)
        assert gap.retrieval.rank1 == pytest.approx(np.mean(hits))
        assert gap.retrieval.mean_average_precision == pytest.approx(np.mean(precisions), abs=1e-4)
        assert gap.auc == pytest.approx(auc(np.concatenate(positive), np.concatenate(negative)), abs=1e-4)


def test_a_long_sequence_needs_no_matrix_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_BLOCK", 30_000)
    # Each of 3,000 crops is a query.
    identities, frames = np.tile(np.arange(300), 10), np.repeat(np.arange(10), 300)
    vectors = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    tracemalloc.start()
    gaps = gap_scores(vectors, identities, frames, 1.0, "euclidean")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert gaps[0].retrieval.queries == 3000
    assert most < 3000 * 3000 * vectors.itemsize / 10


def test_perfect_vectors_score_one() -> None:
    identities, frames = np.tile(np.arange(3), 200), np.repeat(np.arange(200), 3)
    vectors = np.eye(3, dtype=np.float32)[identities]
    scores = tracking_scores(vectors, identities, frames, "cosine")
    assert (scores.auc, scores.rank1) == (1, 1)
    for gap in gap_scores(vectors, identities, frames, 25, "cosine"):
        assert (gap.auc, gap.retrieval.rank1, gap.retrieval.mean_average_precision) == (1, 1, 1)


def test_a_sequence_too_short_for_a_gap_has_no_score() -> None:
    identities, frames = np.tile(np.arange(2), 30), np.repeat(np.arange(30), 2)
    vectors = np.eye(2, dtype=np.float32)[identities]
    gaps = gap_scores(vectors, identities, frames, 25, "cosine")
    assert [gap.retrieval.queries > 0 for gap in gaps] == [True, False, False]
    assert math.isnan(gaps[1].auc)
    empty = gap_scores(vectors[:0], identities[:0], frames[:0], 25, "cosine")
    assert [gap.retrieval.queries for gap in empty] == [0, 0, 0]
    nothing = tracking_scores(vectors[:0], identities[:0], frames[:0], "cosine")
    assert math.isnan(nothing.auc)
    assert math.isnan(nothing.rank1)
