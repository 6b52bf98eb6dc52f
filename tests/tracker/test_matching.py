"""Assignment on possible pairs only, against the whole matrix and the originals' rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.matching import match, match_total_overlap

Array = NDArray[np.float64]
Pairs = set[tuple[int, int]]

MARGIN = 1e-5  # DeepSORT's


@dataclass(frozen=True)
class Case:
    """A cost matrix of tracks and detections; impossible pairs are infinite."""

    costs: Array
    threshold: float
    levels: NDArray[np.int64]  # of each track


@st.composite
def cases(draw: st.DrawFn, *, distinct: bool) -> Case:
    """Random matrices from empty to full.

    Args:
        draw: hypothesis.
        distinct: whether no two costs are the same, so that there is only one best assignment.
    """
    shape = draw(st.tuples(st.integers(0, 12), st.integers(0, 12)))
    density = draw(st.sampled_from((0.1, 0.2, 0.4, 0.7, 1.0)))
    threshold = draw(st.sampled_from((0.05, 0.3, 0.7, 0.95)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    costs = rng.random(shape) if distinct else rng.integers(0, 10, shape) / 10
    costs[rng.random(shape) > density] = np.inf
    return Case(costs, threshold, rng.integers(1, 4, shape[0]))


def possible_pairs(costs: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    tracks, detections = np.isfinite(costs).nonzero()
    return tracks, detections, costs[tracks, detections]


def matched(case: Case, *, cascade: bool = False) -> Pairs:
    tracks, detections, costs = possible_pairs(case.costs)
    levels = case.levels[tracks] if cascade else None
    chosen = match(tracks, detections, costs, case.threshold, levels)
    return {*zip(tracks[chosen].tolist(), detections[chosen].tolist(), strict=True)}


def whole_matrix(costs: Array, threshold: float) -> Pairs:
    """DeepSORT's ``min_cost_matching``."""
    capped = np.where(costs > threshold, threshold + MARGIN, costs)
    rows, columns = linear_sum_assignment(capped)
    return {
        (row, column)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if capped[row, column] <= threshold
    }


def level_by_level(case: Case) -> Pairs:
    """DeepSORT's ``matching_cascade``."""
    free = list(range(case.costs.shape[1]))
    pairs: Pairs = set()
    for level in range(1, 4):
        some = (case.levels == level).nonzero()[0]
        for row, column in whole_matrix(case.costs[np.ix_(some, free)], case.threshold):
            pairs.add((int(some[row]), free[column]))
        free = [column for column in free if column not in {taken for _, taken in pairs}]
    return pairs


def total_cost(pairs: Pairs, case: Case) -> float:
    """What DeepSORT minimises: pairs not made cost the threshold and a little more."""
    alone: int = min(case.costs.shape) - len(pairs)
    return sum(float(case.costs[pair]) for pair in pairs) + alone * (case.threshold + MARGIN)


def assert_one_to_one(pairs: Pairs) -> None:
    for side in zip(*pairs, strict=True):
        assert len(set(side)) == len(side)


@given(cases(distinct=True))
@settings(max_examples=800, derandomize=True, deadline=None)
def test_the_one_best_assignment_is_found(case: Case) -> None:
    assert matched(case) == whole_matrix(case.costs, case.threshold)


@given(cases(distinct=False))
@settings(max_examples=800, derandomize=True, deadline=None)
def test_of_several_best_assignments_one_is_found(case: Case) -> None:
    pairs = matched(case)
    assert_one_to_one(pairs)
    assert all(case.costs[pair] <= case.threshold for pair in pairs)
    best = total_cost(whole_matrix(case.costs, case.threshold), case)
    assert total_cost(pairs, case) == pytest.approx(best, abs=1e-9)


@given(cases(distinct=True))
@settings(max_examples=800, derandomize=True, deadline=None)
def test_a_cascade_serves_level_by_level(case: Case) -> None:
    assert matched(case, cascade=True) == level_by_level(case)


def test_large_matrices() -> None:
    rng = np.random.default_rng(0)
    for density in (0.02, 0.1, 0.5):
        costs = rng.random((150, 120))
        costs[rng.random(costs.shape) > density] = np.inf
        case = Case(costs, 0.6, rng.integers(1, 4, 150))
        assert matched(case) == whole_matrix(case.costs, case.threshold)
        assert matched(case, cascade=True) == level_by_level(case)


def sort_rule(overlaps: Array, threshold: float) -> Pairs:
    """SORT's ``associate_detections_to_trackers``, for tracks in rows."""
    near = overlaps > threshold
    if near.any() and near.sum(0).max() == 1 and near.sum(1).max() == 1:
        rows, columns = near.nonzero()
    else:
        rows, columns = linear_sum_assignment(-overlaps)
    return {
        (row, column)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if overlaps[row, column] >= threshold
    }


@given(cases(distinct=True))
@settings(max_examples=800, derandomize=True, deadline=None)
def test_sorts_rule(case: Case) -> None:
    overlaps = np.where(np.isfinite(case.costs), 1 - case.costs, 0)
    tracks, detections, costs = possible_pairs(case.costs)
    chosen = match_total_overlap(tracks, detections, costs, case.threshold)
    pairs = {*zip(tracks[chosen].tolist(), detections[chosen].tolist(), strict=True)}
    assert pairs == sort_rule(overlaps, 1 - case.threshold)


def test_sort_prefers_the_total_to_the_single_pair() -> None:
    # Overlaps: the first track has 0.45 with both, the second 0.8 with one of them and 0.5 with the other.
    overlaps = np.array([[0.45, 0.1], [0.8, 0.5]])
    tracks, detections, costs = possible_pairs(1 - overlaps)
    chosen = match_total_overlap(tracks, detections, costs, threshold=0.7)
    assert {*zip(tracks[chosen], detections[chosen], strict=True)} == {(0, 0), (1, 1)}
    # The total decides even where its second pair is then dropped as too poor: nobody else may have it.
    overlaps = np.array([[0.6, 0.5], [0.55, 0.2]])
    tracks, detections, costs = possible_pairs(1 - overlaps)
    chosen = match_total_overlap(tracks, detections, costs, threshold=0.48)
    assert {*zip(tracks[chosen], detections[chosen], strict=True)} == {(1, 0)}


def test_pairs_may_come_in_any_order_and_numbering() -> None:
    rng = np.random.default_rng(4)
    tracks, detections = (rng.random((9, 8)) < 0.4).nonzero()
    costs, levels = rng.random(len(tracks)), rng.integers(1, 3, 9)[tracks]
    order = rng.permutation(len(tracks))
    for given_levels in (None, levels):
        shuffled_levels = None if given_levels is None else given_levels[order]
        plain = match(tracks, detections, costs, 0.8, given_levels)
        shuffled = match(10 * tracks[order] + 3, 7 * detections[order], costs[order], 0.8, shuffled_levels)
        assert {*plain.tolist()} == {*order[shuffled].tolist()}


@pytest.mark.parametrize("costs, expected", [([0.7], [0]), ([np.nextafter(0.7, 1)], []), ([np.inf], [])])
def test_the_threshold_itself_is_accepted(costs: list[float], expected: list[int]) -> None:
    alone = np.zeros(1, dtype=np.intp)
    assert match(alone, alone, np.array(costs), 0.7).tolist() == expected


def test_without_pairs_nothing_matches() -> None:
    nothing = np.empty(0, dtype=np.intp)
    assert match(nothing, nothing, np.empty(0), 0.7).size == 0
    assert match(nothing, nothing, np.empty(0), 0.7, np.empty(0, dtype=np.int64)).size == 0
    assert match_total_overlap(nothing, nothing, np.empty(0), 0.7).size == 0


def test_a_cost_that_is_no_number_never_matches() -> None:
    tracks, detections = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert match(tracks, detections, np.array([np.nan, 0.2, np.nan]), 0.7).tolist() == [1]
