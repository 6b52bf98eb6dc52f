"""Of several boxes around one thing only the surest stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reid.crops import Boxes
from reid.datasets.tracklets import overlaps


def suppress(
    boxes: Boxes,
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
    max_overlap: float,
    most: int = 1000,
) -> NDArray[np.intp]:
    """Rows that stay, the surest first, when a box goes if one that stays is surer and overlaps it.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,) how sure each is.
        classes: (N,) boxes of different classes do not compete.
        max_overlap: the intersection over union that two boxes that stay may have.
        most: only this many, the surest, are looked at.
    """
    order = np.argsort(-scores, kind="stable")[:most]
    boxes, classes = boxes[order], classes[order]
    beats = np.triu(overlaps(boxes, boxes) > max_overlap, 1)
    beats &= classes[:, None] == classes[None, :]
    stays: NDArray[np.bool_] = np.ones(len(order), dtype=np.bool_)
    # Whether the first k boxes stay is settled after k rounds; in practice three or four settle it all.
    while True:
        now = np.logical_not(beats[stays].any(axis=0))
        if (now == stays).all():
            return order[stays]
        stays = now
