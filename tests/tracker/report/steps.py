"""Steps made by hand for the tests of the report."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracker.detections import Detections
from tracker.sinks import Step
from tracker.tracks import Tracks


def step(
    number: int,
    ids: dict[int, bool],
    *,
    image: NDArray[np.uint8] | None = None,
    vectors: dict[int, list[float]] | None = None,
) -> Step:
    """A frame with some identities, each detected or (False) predicted, at a place of its own."""
    boxes = np.array([[40.0 * identity, 20, 40 * identity + 30, 90] for identity in ids]).reshape(-1, 4)
    found = [identity for identity, detected in ids.items() if detected]
    rows = [found.index(identity) if detected else -1 for identity, detected in ids.items()]
    features = None if vectors is None else [vectors[identity] for identity in found]
    count = len(ids)
    return Step(
        number,
        image,
        Detections(boxes[list(ids.values())], features=features),
        Tracks(
            np.array(list(ids), dtype=np.int64),
            boxes,
            np.ones(count),
            np.zeros(count, dtype=np.int64),
            np.array(rows, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
        ),
    )
