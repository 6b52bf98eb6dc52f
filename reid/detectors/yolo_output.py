"""What the numbers mean that a YOLO puts out. There are three customs, told apart by their shape.

anchors × (4 + 1 + classes)   YOLOv5, v6, v7: box, whether there is anything, what it is
(4 + classes) × anchors       YOLOv8, v9, v11, v12: box, what it is; also anchors × (4 + classes)
boxes × 6                     YOLOv10, v26, and exports with NMS inside: corners, score, class
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.detectors.detector import Found

#: Cells of the grids on which YOLOs look, in pixels.
_STRIDES = (8, 16, 32, 64)
_BOXES_A_CELL = (1, 3)


class Custom(enum.Enum):
    """The three customs."""

    objectness = "anchors × (5 + classes)"
    classes = "anchors × (4 + classes)"
    final = "boxes × 6"


@dataclass(frozen=True, slots=True)
class YoloOutput:
    """How to read a network's output.

    Attributes:
        custom: which custom it follows.
        transposed: whether the anchors are its columns.
        classes: how many classes there are; None if that cannot be seen.
    """

    custom: Custom
    transposed: bool
    classes: int | None

    def read(self, values: NDArray[np.float32], min_score: float) -> Found:
        """Boxes of one image as corners in pixels of the input, without those less sure than that."""
        table = np.asarray(values.T if self.transposed else values, dtype=np.float64)
        if self.custom is Custom.final:
            table = table[table[:, 4] >= min_score]
            return Found(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))
        first = 5 if self.custom is Custom.objectness else 4
        scores = table[:, first:] if self.classes is None else table[:, first : first + self.classes]
        if self.custom is Custom.objectness:
            scores = scores * table[:, 4:5]
        classes = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), classes]
        rows = best >= min_score
        middle, half = table[rows, :2], table[rows, 2:4] / 2.0
        return Found(np.hstack((middle - half, middle + half)), best[rows], classes[rows])


def recognise(shape: tuple[int, ...], size: tuple[int, int], classes: int | None) -> YoloOutput | None:
    """Which custom an output follows; None if it is no detector's.

    Args:
        shape: of the output for one image.
        size: width and height of the input.
        classes: how many classes there are, if the file says so.
    """
    if len(shape) != 2 or (min(shape) < 1 and shape[1] != 6):
        return None
    rows, columns = shape
    counts = _anchor_counts(size)
    # A grid of one or two classes has six columns, too: with or without the one for "anything at all".
    if columns == 6 and not (rows in counts and classes in (None, 1, 2)):
        return YoloOutput(Custom.final, False, classes)
    # The channels are few and the anchors many, but for tiny inputs, where the grid has to tell.
    transposed = columns in counts if (rows in counts) != (columns in counts) else rows < columns
    channels = rows if transposed else columns
    if classes is None:
        # Anchors in rows were the custom as long as there was a channel for "anything at all".
        classes = channels - (4 if transposed else 5)
        custom = Custom.classes if transposed else Custom.objectness
        return YoloOutput(custom, transposed, classes) if classes >= 1 else None
    if channels == 5 + classes and not transposed:
        return YoloOutput(Custom.objectness, False, classes)
    # Behind the classes there may be more: masks or joints. Rows that are no grid are another kind of
    # detector's, RT-DETR's for example, whose boxes are not in pixels.
    fits = channels >= 4 + classes and (transposed or rows in counts)
    return YoloOutput(Custom.classes, transposed, classes) if fits else None


def _anchor_counts(size: tuple[int, int]) -> set[int]:
    """How many boxes a YOLO may look at in an input of that size."""
    cells = [-(-size[0] // stride) * -(-size[1] // stride) for stride in _STRIDES]
    return {each * sum(cells[:grids]) for each in _BOXES_A_CELL for grids in (3, 4)}
