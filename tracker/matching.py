"""Which track takes which detection: assignment on as few pairs as possible.

Only pairs within the threshold can match, and they are few. Pairs whose track and detection have no other
possibility match at once; the Hungarian method decides among the rest. The outcome is that of solving the
whole matrix: an assignment that may leave a track alone at a cost "just above the threshold" is the one with
the greatest total gain over the pairs below it, and a pair without rivals is always part of that.

Pairs come as three arrays (tracks, detections, costs); what is chosen comes back as indices into them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
Indices: TypeAlias = NDArray[np.intp]

# Staying alone costs this much more than the threshold: DeepSORT's constant, kept for equal decisions.
_MARGIN = 1e-5


def match(
    tracks: Indices,
    detections: Indices,
    costs: Array,
    threshold: float,
    levels: NDArray[np.int64] | None = None,
    margin: float = _MARGIN,
) -> Indices:
    """Choose pairs of least total cost, no track and no detection twice.

    Args:
        tracks: (P,) the track of each possible pair.
        detections: (P,) its detection.
        costs: (P,) its cost.
        threshold: the largest cost at which a pair may match. Pairs above it take no part.
        levels: (P,) if given, pairs of a smaller level are served before the others (a cascade).
        margin: by how much staying alone is worse than the worst acceptable pair.

    Returns:
        Indices of the chosen pairs.
    """
    possible = (costs <= threshold).nonzero()[0]
    lonely = _without_rivals(tracks[possible], detections[possible])
    if lonely.all():
        return possible
    chosen = [possible[lonely]]
    contested = possible[~lonely]
    ceiling = threshold + margin
    if levels is None:
        chosen.append(_solve(contested, tracks, detections, costs, ceiling))
    else:
        taken = np.zeros(detections.max() + 1, dtype=np.bool_)
        for level in np.unique(levels[contested]):
            turn = contested[(levels[contested] == level) & ~taken[detections[contested]]]
            served = _solve(turn, tracks, detections, costs, ceiling)
            taken[detections[served]] = True
            chosen.append(served)
    return np.concatenate(chosen)


def match_total_overlap(
    tracks: Indices,
    detections: Indices,
    costs: Array,
    threshold: float,
    classes: NDArray[np.int64] | None = None,
) -> Indices:
    """Choose pairs as SORT does: the largest total overlap first, then drop those above the threshold.

    If the pairs within the threshold are one to one already, they are taken as they are.

    Args:
        tracks: (P,) the track of each pair that overlaps at all; others would add nothing to the total.
        detections: (P,) its detection.
        costs: (P,) one minus the overlap.
        threshold: the largest cost that stays.
        classes: (P,) if given, each class is matched by itself: a rival in one is none in another.
    """
    if classes is not None:
        of_class = [(classes == class_).nonzero()[0] for class_ in np.unique(classes)]
        chosen_pairs = [
            pairs[match_total_overlap(tracks[pairs], detections[pairs], costs[pairs], threshold)]
            for pairs in of_class
        ]
        return np.concatenate([np.empty(0, dtype=np.intp), *chosen_pairs])
    within = (costs < threshold).nonzero()[0]
    if len(within) and _without_rivals(tracks[within], detections[within]).all():
        return within
    chosen = match(tracks, detections, costs, threshold=1.0, margin=0.0)
    return np.asarray(chosen[costs[chosen] <= threshold])


def _without_rivals(tracks: Indices, detections: Indices) -> NDArray[np.bool_]:
    """Which pairs have both their track and their detection to themselves."""
    alone: NDArray[np.bool_] = np.bincount(tracks)[tracks] == 1
    alone &= np.bincount(detections)[detections] == 1
    return alone


def _solve(pairs: Indices, tracks: Indices, detections: Indices, costs: Array, ceiling: float) -> Indices:
    """The best assignment among ``pairs``; to stay alone costs ``ceiling``."""
    if len(pairs) < 2:
        return pairs
    row, column = _renumber(tracks[pairs]), _renumber(detections[pairs])
    shape = (row.max() + 1, column.max() + 1)
    matrix = np.full(shape, ceiling)
    matrix[row, column] = costs[pairs]
    pair_at = np.full(shape, -1)
    pair_at[row, column] = pairs
    chosen = pair_at[_linear_sum_assignment()(matrix)]
    return np.asarray(chosen[chosen >= 0])


def _renumber(numbers: Indices) -> Indices:
    """The same numbers without holes, in the same order."""
    place = np.cumsum(np.bincount(numbers) > 0) - 1
    return np.asarray(place[numbers])


@cache
def _linear_sum_assignment() -> Any:
    # Importing scipy.optimize takes longer than importing all of this package: not before it is needed.
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment
