from __future__ import annotations

import math
from importlib import import_module

import numpy as np
import pytest

from reid.evaluation.distances import (
    Metric,
    Separation,
    auc,
    distance_blocks,
    distances,
    pair_distances,
    silhouette,
)

# By this name the package has the function.
MODULE = import_module("reid.evaluation.distances")


def test_euclidean_is_not_squared_and_cosine_is_one_minus_it() -> None:
    a = np.array([[3.0, 4.0], [1.0, 0.0]], dtype=np.float32)
    b = np.array([[0.0, 0.0], [0.0, 2.0], [-1.0, 0.0]], dtype=np.float32)
    expected = [[5, math.sqrt(13), math.sqrt(32)], [1, math.sqrt(5), 2]]
    np.testing.assert_allclose(distances(a, b, "euclidean"), expected, rtol=1e-6)
    np.testing.assert_allclose(distances(a, b, "cosine"), [[1, 0.2, 1.6], [1, 1, 2]], rtol=1e-6)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_pairs_agree_with_the_matrix(metric: Metric) -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 20, 8)).astype(np.float32)
    np.testing.assert_allclose(pair_distances(a, b, metric), np.diag(distances(a, b, metric)), atol=1e-5)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("size", [1, 40, 140, 10_000])
def test_blocks_make_the_matrix(metric: Metric, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_BLOCK", size)
    a, b = np.random.default_rng(0).normal(size=(2, 20, 8)).astype(np.float32)
    rows, blocks = zip(*distance_blocks(a[:13], b, metric), strict=True)
    assert [row for block in rows for row in range(block.start, block.stop)] == list(range(13))
    assert max(block.size for block in blocks) <= max(size, len(b))
    np.testing.assert_allclose(np.concatenate(blocks), distances(a[:13], b, metric), atol=1e-6)


def test_distances_far_from_the_origin_keep_their_digits() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 20, 8)).astype(np.float32)
    shift = np.float32(1000)
    near, far = (distances(a + s, b + s, "euclidean") for s in (0 * shift, shift))
    np.testing.assert_allclose(near, far, atol=1e-2)


def test_the_same_vectors_have_no_distance_and_never_nan() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 16)).astype(np.float32)
    np.testing.assert_allclose(np.diag(distances(vectors, vectors, "euclidean")), 0, atol=5e-3)
    assert np.isfinite(distances(vectors * 0, vectors, "cosine")).all()


def test_auc_counts_pairs() -> None:
    positive, negative = np.array([0.1, 0.4, 0.4]), np.array([0.3, 0.4, 0.9, 1.0])
    wins = sum((p < n) + 0.5 * (p == n) for p in positive for n in negative)
    assert auc(positive, negative) == pytest.approx(wins / 12)
    assert math.isnan(auc(positive, negative[:0]))


def test_the_negatives_may_come_in_parts() -> None:
    # Many are equal: ties count half.
    positive, negative = np.random.default_rng(0).integers(0, 9, (2, 300)).astype(np.float32)
    separation = Separation(positive)
    assert math.isnan(separation.auc)
    for part in np.split(negative, [0, 10, 170]):
        separation.add(part)
    assert separation.auc == auc(positive, negative)


@pytest.mark.parametrize("size", [4, 10_000])
def test_silhouette_by_hand(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_BLOCK", size)
    # On a line: a at 0 and 1, b at 4 and 6; the lone crop and the one without a name do not count.
    places = np.array([[0.0], [1], [4], [6], [5], [2]], dtype=np.float32)
    identities = np.array([1, 1, 2, 2, 3, -1])
    expected = np.mean([(5 - 1) / 5, (4 - 1) / 4, (3.5 - 2) / 3.5, (5.5 - 2) / 5.5])
    assert silhouette(places, identities, min_crops=2) == pytest.approx(expected, rel=1e-5)
    assert math.isnan(silhouette(places, identities, min_crops=4))


def test_thinning_hardly_changes_the_silhouette() -> None:
    rng = np.random.default_rng(0)
    identities = np.repeat(np.arange(10), 60)
    vectors = (rng.normal(size=(10, 4))[identities] + 0.3 * rng.normal(size=(600, 4))).astype(np.float32)
    thinned = silhouette(vectors, identities, max_crops=300)
    assert thinned == pytest.approx(silhouette(vectors, identities), abs=0.03)
    assert thinned == silhouette(vectors, identities, max_crops=300)
