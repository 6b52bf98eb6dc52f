"""A crowd on the move, as a detector and a descriptor would see it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tracker import Detections

WIDTH, HEIGHT = 1920, 1080


def crowd(objects: int, frames: int, width: int, seed: int = 0) -> Iterator[Detections]:
    """People who cross a picture: 5 % missed, 5 % false alarms, jitter, vectors that vary a little."""
    rng = np.random.default_rng(seed)
    size = np.stack([np.full(objects, 0.4), np.ones(objects)], axis=1) * rng.uniform(80, 160, (objects, 1))
    place = rng.uniform((0, 0), (WIDTH, HEIGHT), (objects, 2))
    step = rng.normal(0, 2.0, (objects, 2))
    look = rng.normal(size=(objects, width))
    for _ in range(frames):
        place += step
        # Who reaches an edge turns back, so that the crowd stays as large as it is.
        step[(place < 0) | (place > (WIDTH, HEIGHT))] *= -1
        seen = rng.random(objects) > 0.05
        false = rng.random(objects) < 0.05
        centre = np.concatenate([place[seen], rng.uniform((0, 0), (WIDTH, HEIGHT), (false.sum(), 2))])
        extent = np.concatenate([size[seen], size[false]])
        strangers = rng.normal(size=(false.sum(), width))
        features = np.concatenate([look[seen], strangers]) + 0.25 * rng.normal(size=(len(centre), width))
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        corners = centre + rng.normal(0, 0.02, (len(centre), 2)) * extent
        extent = extent * rng.normal(1, 0.02, (len(centre), 2))
        yield Detections(
            np.concatenate([corners - extent / 2, corners + extent / 2], axis=1),
            rng.uniform(0.6, 1.0, len(centre)),
            features=features.astype(np.float32),
        )
