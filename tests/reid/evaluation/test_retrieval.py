from __future__ import annotations

import math

import numpy as np
import pytest

from reid.evaluation.retrieval import market_queries, market_scores

# Four queries, six gallery crops. Identities 1, 2, 3; 0 is a distractor, -1 junk.
GALLERY = np.array([1, 1, 2, 3, 0, -1])
GALLERY_CAMERAS = np.array([1, 2, 1, 2, 3, 2])
QUERIES = np.array([1, 1, 2, 3])
QUERY_CAMERAS = np.array([1, 3, 2, 2])
DISTANCES = np.array(
    [
        # Its own camera's crop is nearest and does not count, nor does the junk; then 3, then the match.
        [0.0, 0.5, 0.9, 0.4, 0.6, 0.1],
        # Matches at ranks 1 and 4: AP = (1/1 + 2/4) / 2.
        [0.2, 0.5, 0.3, 0.6, 0.4, 0.0],
        # The match comes fifth: AP = 1/5.
        [0.1, 0.2, 0.9, 0.3, 0.4, 0.0],
        # The only match is in its own camera: not a valid query.
        [0.1, 0.2, 0.9, 0.0, 0.4, 0.0],
    ],
    dtype=np.float32,
)


def test_a_table_small_enough_to_count() -> None:
    scores = market_scores(DISTANCES, QUERIES, QUERY_CAMERAS, GALLERY, GALLERY_CAMERAS)
    assert scores.queries == 3
    assert scores.rank1 == pytest.approx(1 / 3)
    assert scores.rank5 == pytest.approx(1)
    assert scores.rank10 == pytest.approx(1)
    assert scores.mean_average_precision == pytest.approx((1 / 2 + 3 / 4 + 1 / 5) / 3)


def test_no_valid_query_is_not_zero() -> None:
    scores = market_scores(DISTANCES[3:], QUERIES[3:], QUERY_CAMERAS[3:], GALLERY, GALLERY_CAMERAS)
    assert scores.queries == 0
    assert math.isnan(scores.rank1)
    assert math.isnan(scores.mean_average_precision)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match=r"of shape \(4,\); expected \(6,\): one to each item"):
        market_scores(DISTANCES.T, QUERIES, QUERY_CAMERAS, GALLERY, GALLERY_CAMERAS)
    with pytest.raises(ValueError, match="shorter"):
        market_scores(DISTANCES, QUERIES[:3], QUERY_CAMERAS[:3], GALLERY, GALLERY_CAMERAS)


def test_the_queries_may_come_one_by_one() -> None:
    asked = (QUERIES, QUERY_CAMERAS, GALLERY, GALLERY_CAMERAS)
    assert market_scores(iter(DISTANCES), *asked) == market_scores(DISTANCES, *asked)


def test_one_query_for_each_person_in_each_camera() -> None:
    identities = np.array([1, 1, 2, 1, 0, -1, 2])
    cameras = np.array([1, 1, 1, 2, 1, 1, 1])
    assert market_queries(identities, cameras).tolist() == [0, 2, 3]
