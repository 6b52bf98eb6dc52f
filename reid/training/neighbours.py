"""Crops that probably show the same person, found by their statistics or by the model while it learns.

Nothing says who is who. But two crops that are among each other's nearest, each in the other's camera, are
the same person far more often than chance has it; two that are so within a few seconds of one camera nearly
always; and those of a tracklet always. What a crop has in common with such others is more the person's than
the camera's, the light's or the moment's.

Crops of a tracklet, and tracklets that follow each other, make a *group*; groups are neighbours across
cameras. A crop that nothing is known about is a group by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Generator, Tensor

from reid.datasets.store import CropIndex
from reid.training.cameras import recordings_of

Rows = NDArray[np.intp]

#: Cosine from which one tracklet may follow another. Of crops of Market-1501 that do, 99 of 100 pairs are one
#: person's.
LEAST_COSINE = 0.5

_ROWS_AT_ONCE = 4096


class Members:
    """Who is in which group.

    Attributes:
        size: how many there are in each group.
        place: (N,) which of its group each row is, from 0.
    """

    def __init__(self, groups: Tensor) -> None:
        self._groups = groups
        self._order = torch.argsort(groups, stable=True)
        self.size = torch.bincount(groups)
        self._start = torch.cumsum(self.size, dim=0) - self.size
        self.place = torch.empty_like(self._order)
        self.place[self._order] = torch.arange(len(groups)) - self._start.repeat_interleave(self.size)

    def rows(self, group: Tensor, number: Tensor) -> Tensor:
        """The row of each group's member of this number; after the last the first comes again."""
        return self._order[self._start[group] + number % self.size[group]]

    def drawn(self, rows: Rows, generator: Generator) -> Tensor:
        """A random member of each row's group, possibly itself."""
        share = torch.rand(len(rows), generator=generator, device=generator.device).cpu().double()
        group = self._groups[rows]
        return self.rows(group, (share * self.size[group]).long())


@dataclass(frozen=True, slots=True)
class Likeness:
    """Which crops probably show the same person.

    Attributes:
        groups: (N,) the number of each crop's group, from 0.
        neighbours: (P, 2) groups of different cameras that are each other's neighbours, each way round.
    """

    groups: Tensor
    neighbours: Tensor

    def pairs(self) -> Tensor:
        """Pairs of crops, (Q, 2): each with one of its group, and with one of each neighbouring group."""
        members = Members(self.groups)
        size = members.size
        # The one half the group away: crops that follow each other hardly differ.
        opposite = members.rows(self.groups, members.place + size[self.groups] // 2)
        within = torch.stack([torch.arange(len(opposite)), opposite], dim=1)[size[self.groups] > 1]
        # Every member of the one group, each with another member of the other, as far as there are any.
        times = size[self.neighbours[:, 0]]
        one, other = self.neighbours.repeat_interleave(times, dim=0).unbind(dim=1)
        number = torch.arange(len(one)) - (torch.cumsum(times, dim=0) - times).repeat_interleave(times)
        across = torch.stack([members.rows(one, number), members.rows(other, number)], dim=1)
        return torch.cat([within, across])

    def common(self, values: Tensor) -> Tensor:
        """What each row has in common with its group and its group's neighbours, (N, D).

        It is stretched to the deviation that the values had: a reconstruction error stays comparable, whether
        values are averaged or not.
        """
        own = group_means(values, self.groups)
        total = own.clone()
        for pairs in torch.split(self.neighbours, _ROWS_AT_ONCE):
            one, other = pairs.unbind(dim=1)
            total.index_add_(0, one, own[other])
        total /= (torch.bincount(self.neighbours[:, 0], minlength=len(total)) + 1)[:, None]
        return stretched_like(values, total[self.groups])


def only_tracklets(index: CropIndex) -> Likeness:
    """What is known before anybody was looked for: crops of one tracklet are one person's."""
    groups = torch.from_numpy(tracklet_groups(index.tracklet))
    return Likeness(groups, torch.empty((0, 2), dtype=torch.int64))


def find_likeness(vectors: Tensor, index: CropIndex, cameras: Rows, nearest: int, within: int) -> Likeness:
    """Look for crops that probably show the same person.

    The vectors are compared by their angle after each camera's mean is taken away.

    Args:
        vectors: (N, D) of the crops.
        index: where and when each was taken.
        cameras: (N,) numbers from 0.
        nearest: how many groups of each other camera count.
        within: frames within which one tracklet may follow another; 0: none does.
    """
    directions = _without_camera_means(vectors, cameras)
    groups = tracklet_groups(index.tracklet)
    if within:
        groups = _joined(groups, _followers(directions, index, groups, within))
    means = group_means(directions, torch.from_numpy(groups))
    pairs = neighbours_across_cameras(means, _of_groups(groups, cameras), nearest)
    return Likeness(torch.from_numpy(groups), pairs)


def neighbours_across_cameras(directions: Tensor, cameras: Rows, nearest: int) -> Tensor:
    """Pairs of rows of different cameras that are among each other's nearest, each way round, (P, 2).

    Args:
        directions: (N, D), compared by their angle.
        cameras: (N,) numbers from 0.
        nearest: how many of each other camera count.
    """
    directions = torch.nn.functional.normalize(directions)
    members = [np.flatnonzero(cameras == camera) for camera in range(int(cameras.max(initial=-1)) + 1)]
    found = [
        _reciprocal(directions, one, other, nearest)
        for one in members
        for other in members
        if one is not other
    ]
    return torch.cat(found) if found else torch.empty((0, 2), dtype=torch.int64)


def group_means(values: Tensor, groups: Tensor) -> Tensor:
    """The mean of the rows of each group."""
    count = torch.bincount(groups)
    total = torch.zeros(len(count), values.shape[1], dtype=values.dtype).index_add_(0, groups, values)
    return total / count[:, None]


def tracklet_groups(tracklets: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """The number of each row's group, from 0: its tracklet, or the row alone where it is of none (-1)."""
    number = np.where(tracklets < 0, tracklets.max(initial=-1) + 1 + np.arange(len(tracklets)), tracklets)
    return np.unique(number, return_inverse=True)[1].ravel()


def _of_groups(groups: Rows, numbers: Rows) -> Rows:
    """The number that the members of each group have."""
    found = np.zeros(int(groups.max(initial=-1)) + 1, dtype=np.intp)
    found[groups] = numbers
    return found


def _followers(directions: Tensor, index: CropIndex, groups: Rows, within: int) -> Rows:
    """Pairs of groups (P, 2), the later one second, that follow each other in a recording."""
    means = torch.nn.functional.normalize(group_means(directions, torch.from_numpy(groups)))
    recording = _of_groups(groups, recordings_of(index))
    first = np.full(len(means), np.iinfo(np.int64).max)
    last = np.full(len(means), np.iinfo(np.int64).min)
    np.minimum.at(first, groups, index.frame)
    np.maximum.at(last, groups, index.frame)
    # A plain folder numbers its images as their names have it, which need not be the order of time.
    timed = np.zeros(len(means), dtype=bool)
    timed[groups[(index.camera >= 0) | (index.tracklet >= 0)]] = True
    found = [np.empty((0, 2), dtype=np.intp)]
    for number in np.unique(recording[timed]):
        rows = np.flatnonzero(timed & (recording == number))
        rows = rows[np.argsort(first[rows], kind="stable")]
        found.append(rows[_successions(means[rows], first[rows], last[rows], within)])
    return np.concatenate(found)


def _successions(directions: Tensor, first: NDArray[np.int64], last: NDArray[np.int64], within: int) -> Rows:
    """Pairs of rows (P, 2), the later one second, that are each other's nearest.

    The second is the nearest of all that begin soon after the first has ended, and the first of all that end
    soon before the second begins.

    Args:
        directions: (N, D).
        first: (N,) when each begins, in increasing order.
        last: (N,) when it ends.
        within: what is soon.
    """
    count = len(first)
    following, following_cosine = np.full(count, -1), np.full(count, LEAST_COSINE)
    leading, leading_cosine = np.full(count, -1), np.full(count, LEAST_COSINE)
    for start in range(0, count, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, count))
        later = np.arange(start, np.searchsorted(first, last[rows].max() + within, side="right"))
        cosine = (directions[rows] @ directions[later].T).numpy()
        gap = first[later] - last[rows, None]
        cosine[(gap <= 0) | (gap > within)] = -1.0
        _keep_better(following, following_cosine, rows, later[cosine.argmax(axis=1)], cosine.max(axis=1))
        _keep_better(leading, leading_cosine, later, rows[cosine.argmax(axis=0)], cosine.max(axis=0))
    pairs = np.stack([np.arange(count), following], axis=1)[following >= 0]
    mutual: Rows = pairs[leading[pairs[:, 1]] == pairs[:, 0]]
    return mutual


def _keep_better(best: Rows, best_cosine: NDArray[Any], rows: Rows, new: Rows, cosine: NDArray[Any]) -> None:
    """Of each row, take the new one where it is nearer than the best so far."""
    better = cosine > best_cosine[rows]
    best[rows[better]], best_cosine[rows[better]] = new[better], cosine[better]


def _joined(groups: Rows, pairs: Rows) -> Rows:
    """The numbers of larger groups: those of a pair become one."""
    count = int(groups.max(initial=-1)) + 1
    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    joined: Rows = connected_components(links, directed=False)[1].astype(np.intp)[groups]
    return joined


def stretched_like(pattern: Tensor, values: Tensor) -> Tensor:
    """Values times a factor that gives them the deviation of ``pattern``, all numbers taken together."""
    return values * (pattern.std(correction=0) / values.std(correction=0).clamp_min(1e-12))


def _without_camera_means(vectors: Tensor, cameras: Rows) -> Tensor:
    camera = torch.from_numpy(cameras)
    unit = torch.nn.functional.normalize(vectors.float())
    return torch.nn.functional.normalize(unit - group_means(unit, camera)[camera])


def _reciprocal(directions: Tensor, one: Rows, other: Rows, nearest: int) -> Tensor:
    """Pairs (row of one camera, row of the other) that find each other."""
    there = _nearest(directions[one], directions[other], nearest)
    back = _nearest(directions[other], directions[one], nearest)
    rows = torch.arange(len(one))[:, None].expand_as(there)
    mutual = (back[there] == rows[..., None]).any(dim=-1)
    return torch.stack([torch.from_numpy(one)[rows[mutual]], torch.from_numpy(other)[there[mutual]]], dim=1)


def _nearest(queries: Tensor, gallery: Tensor, nearest: int) -> Tensor:
    """The rows of the gallery with the smallest angle to each query, (Q, at most ``nearest``)."""
    count = min(nearest, len(gallery))
    return torch.cat([(some @ gallery.T).topk(count).indices for some in torch.split(queries, _ROWS_AT_ONCE)])
