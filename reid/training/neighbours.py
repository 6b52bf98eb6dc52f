"""Crops of other cameras that probably show the same person, found by the model itself while it learns.

Nothing says who is who. But two crops that are among each other's nearest, each in the other's camera, are
the same person far more often than chance has it, and what a crop has in common with such neighbours is more
the person's than the camera's, the light's or the moment's. The same goes for the crops of a tracklet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Cameras = NDArray[np.intp]

_ROWS_AT_ONCE = 4096


def neighbours_across_cameras(vectors: Tensor, cameras: Cameras, nearest: int) -> Tensor:
    """Pairs of rows of different cameras that are among each other's nearest, each way round, (P, 2).

    The vectors are compared by their angle after each camera's mean is taken away.

    Args:
        vectors: (N, D).
        cameras: (N,) numbers from 0.
        nearest: how many of each other camera count.
    """
    directions = _without_camera_means(vectors, cameras)
    members = [np.flatnonzero(cameras == camera) for camera in range(int(cameras.max(initial=-1)) + 1)]
    found = [
        _reciprocal(directions, one, other, nearest)
        for one in members
        for other in members
        if one is not other
    ]
    return torch.cat(found) if found else torch.empty((0, 2), dtype=torch.int64)


def common_values(values: Tensor, pairs: Tensor) -> Tensor:
    """Each row's mean with its neighbours', (N, D), stretched to the deviation that the values had.

    The stretch keeps a reconstruction error comparable, whether values are averaged or not.
    """
    total = values.clone().index_add_(0, pairs[:, 0], values[pairs[:, 1]])
    count = torch.bincount(pairs[:, 0], minlength=len(values)) + 1
    return stretched_like(values, total / count[:, None])


def tracklet_values(values: Tensor, tracklets: NDArray[np.integer[Any]]) -> Tensor:
    """The mean of each row's tracklet, (N, D), stretched likewise; a row of none (-1) keeps its own."""
    group = torch.from_numpy(tracklet_groups(tracklets))
    count = torch.bincount(group)
    total = torch.zeros(len(count), values.shape[1], dtype=values.dtype).index_add_(0, group, values)
    return stretched_like(values, (total / count[:, None])[group])


def tracklet_groups(tracklets: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """The number of each row's group, from 0: its tracklet, or the row alone where it is of none (-1)."""
    number = np.where(tracklets < 0, -1 - np.arange(len(tracklets)), tracklets)
    return np.unique(number, return_inverse=True)[1].ravel()


def stretched_like(pattern: Tensor, values: Tensor) -> Tensor:
    """Values times a factor that gives them the deviation of ``pattern``, all numbers taken together."""
    return values * (pattern.std(correction=0) / values.std(correction=0).clamp_min(1e-12))


def _without_camera_means(vectors: Tensor, cameras: Cameras) -> Tensor:
    camera = torch.from_numpy(cameras)
    count = torch.bincount(camera).clamp_min(1)
    unit = torch.nn.functional.normalize(vectors.float())
    means = torch.zeros(len(count), unit.shape[1]).index_add_(0, camera, unit) / count[:, None]
    return torch.nn.functional.normalize(unit - means[camera])


def _reciprocal(directions: Tensor, one: Cameras, other: Cameras, nearest: int) -> Tensor:
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
