"""Which track takes which detection: assignment on as few pairs as possible.

Only pairs within the threshold can match, and they are few. Pairs whose track and detection have no other
possibility match at once; the Hungarian method decides among the rest. The outcome is that of solving the
whole matrix: leaving a pair out of it, like giving it the cost "just above the threshold", makes the
assignment of greatest total gain over the pairs that are left, and a pair without rivals is always in it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Pairs: TypeAlias = tuple[Indices, Indices]

# Staying alone costs this much more than the threshold: DeepSORT's constant, kept for equal decisions.
_MARGIN = 1e-5


def match(
    cost: Array, threshold: float, levels: NDArray[np.int64] | None = None, margin: float = _MARGIN
) -> Pairs:
    """Match rows (tracks) and columns (detections) at the least total cost.

    Args:
        cost: (N, M); infinite where a pair is impossible.
        threshold: the largest cost at which a pair may match. Pairs above it take no part.
        levels: (N,) if given, rows with a smaller level choose before the others (a cascade).
        margin: by how much staying alone is worse than the worst acceptable pair.

    Returns:
        The matched rows and their columns.
    """
    rows, columns = np.nonzero(cost <= threshold)
    lonely = _without_rivals(rows, columns, cost.shape)
    if lonely.all():
        return rows, columns
    matched = [(rows[lonely], columns[lonely])]
    rows, columns = rows[~lonely], columns[~lonely]
    ceiling = threshold + margin
    if levels is None:
        matched.append(_solve(cost, rows, columns, ceiling))
    else:
        taken = np.zeros(cost.shape[1], dtype=np.bool_)
        level_of = levels[rows]
        for level in np.unique(level_of):
            turn = (level_of == level) & ~taken[columns]
            pairs = _solve(cost, rows[turn], columns[turn], ceiling)
            taken[pairs[1]] = True
            matched.append(pairs)
    return np.concatenate([pairs[0] for pairs in matched]), np.concatenate([pairs[1] for pairs in matched])


def match_total_overlap(cost: Array, threshold: float) -> Pairs:
    """Match as SORT does: the largest total overlap of all pairs first, then drop those above the threshold.

    If the pairs within the threshold are one to one already, they are taken as they are.

    Args:
        cost: (N, M), 1 - IoU.
        threshold: the largest cost that stays.
    """
    rows, columns = np.nonzero(cost < threshold)
    if len(rows) and _without_rivals(rows, columns, cost.shape).all():
        return rows, columns
    # Two boxes that do not meet add nothing to the total, so leaving them out changes nothing.
    rows, columns = match(cost, np.nextafter(1.0, 0.0), margin=0.0)
    stays = cost[rows, columns] <= threshold
    return rows[stays], columns[stays]


def _without_rivals(rows: Indices, columns: Indices, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pairs have both their row and their column to themselves."""
    alone_in_row = np.bincount(rows, minlength=shape[0])[rows] == 1
    alone_in_column = np.bincount(columns, minlength=shape[1])[columns] == 1
    return np.asarray(alone_in_row & alone_in_column)


def _solve(cost: Array, rows: Indices, columns: Indices, ceiling: float) -> Pairs:
    """The best assignment among the given pairs; all others cost ``ceiling``."""
    if not len(rows):
        return rows, columns
    some_rows, row_of = np.unique(rows, return_inverse=True)
    some_columns, column_of = np.unique(columns, return_inverse=True)
    part = np.full((len(some_rows), len(some_columns)), ceiling)
    part[row_of, column_of] = cost[rows, columns]
    row_of, column_of = _linear_sum_assignment()(part)
    stays = part[row_of, column_of] < ceiling
    return some_rows[row_of[stays]], some_columns[column_of[stays]]


@cache
def _linear_sum_assignment() -> Any:
    # Importing scipy.optimize takes longer than importing all of this package: not before it is needed.
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment
