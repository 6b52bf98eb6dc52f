"""What a detector said about one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracker.boxes import xywh_to_xyxy

if TYPE_CHECKING:
    import supervision as sv

Rows: TypeAlias = slice | NDArray[np.bool_] | NDArray[np.integer[Any]]


class Detections:
    """The detections of one frame, one row each.

    Attributes:
        boxes: (N, 4) left, top, right, bottom in pixels, 0-based.
        scores: (N,) confidences; any range. Ones if not given.
        classes: (N,) class numbers. Zeros if not given.
        features: (N, D) appearance vectors, or None when there are none. A row with a number that is not
            finite, or of length zero, means "no appearance for this one".
        quality: (N,) how good a view each vector was made from, 0 to 1, or None where nobody says.
    """

    __slots__ = ("boxes", "classes", "features", "quality", "scores")

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]
    features: NDArray[np.float32] | None
    quality: NDArray[np.float32] | None

    def __init__(
        self,
        boxes: ArrayLike,
        scores: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        features: ArrayLike | None = None,
        quality: ArrayLike | None = None,
    ) -> None:
        self.boxes = np.asarray(boxes, dtype=np.float64)
        if self.boxes.size == 0:
            self.boxes = self.boxes.reshape(0, 4)
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4:
            raise ValueError(f"boxes must have shape (N, 4), not {self.boxes.shape}")
        count = len(self.boxes)
        self.scores = np.ones(count) if scores is None else np.asarray(scores, dtype=np.float64)
        self.classes = (
            np.zeros(count, dtype=np.int64) if classes is None else np.asarray(classes, dtype=np.int64)
        )
        self.quality = None if quality is None else np.asarray(quality, dtype=np.float32)
        columns = (("scores", self.scores), ("classes", self.classes), ("quality", self.quality))
        for name, column in columns:
            if column is not None and column.shape != (count,):
                raise ValueError(f"{name} must have shape ({count},), one for each box, not {column.shape}")
        self.features = None if features is None else np.asarray(features, dtype=np.float32)
        if self.features is not None and count == 0 and self.features.size == 0:
            # What a list of nobody's vectors becomes: of no known length.
            self.features = None
        if self.features is not None and (self.features.ndim != 2 or len(self.features) != count):
            raise ValueError(
                f"features must have shape ({count}, D), one row for each box, not {self.features.shape}"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        width = "no" if self.features is None else f"{self.features.shape[1]}-d"
        return f"Detections({len(self)} boxes, {width} features)"

    def __getitem__(self, rows: Rows) -> Detections:
        """The chosen rows (a slice, a mask or indices) as new detections."""
        features = None if self.features is None else self.features[rows]
        quality = None if self.quality is None else self.quality[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows], features, quality)

    @classmethod
    def empty(cls) -> Detections:
        """A frame in which nothing was detected."""
        return cls(np.empty((0, 4)))

    @classmethod
    def from_xywh(
        cls,
        boxes: ArrayLike,
        scores: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        features: ArrayLike | None = None,
    ) -> Detections:
        """Detections from boxes given as left, top, width, height."""
        # Their shape is checked first: five columns would make five boxes of four.
        given = cls(boxes, scores, classes, features)
        return cls(xywh_to_xyxy(given.boxes), given.scores, given.classes, given.features)

    @classmethod
    def from_supervision(cls, detections: sv.Detections) -> Detections:
        """Detections from ``supervision``; appearance vectors are taken from ``data["features"]``."""
        return cls(
            detections.xyxy,
            detections.confidence,
            detections.class_id,
            detections.data.get("features"),
        )

    def to_supervision(self) -> sv.Detections:
        """The same detections for ``supervision``; appearance vectors go to ``data["features"]``."""
        import supervision as sv

        return sv.Detections(
            xyxy=self.boxes,
            confidence=self.scores,
            class_id=self.classes,
            data={} if self.features is None else {"features": np.asarray(self.features)},
        )
