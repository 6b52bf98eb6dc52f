"""What a detector said about one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import supervision as sv


@dataclass(frozen=True, slots=True)
class Detections:
    """The detections of one frame, one row each.

    Attributes:
        boxes: (N, 4) left, top, right, bottom in pixels, 0-based.
        scores: (N,) confidences; any range. Ones if not given.
        classes: (N,) class numbers. Zeros if not given.
        features: (N, D) appearance vectors, or None when there are none. A row with a number that is not
            finite, or of length zero, means "no appearance for this one".
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64] = field(default=None)  # type: ignore[assignment]
    classes: NDArray[np.int64] = field(default=None)  # type: ignore[assignment]
    features: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, dtype=np.float64)
        if boxes.size == 0:
            boxes = boxes.reshape(0, 4)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f"boxes must have shape (N, 4), not {boxes.shape}")
        count = len(boxes)
        scores = np.ones(count) if self.scores is None else np.asarray(self.scores, dtype=np.float64)
        classes = (
            np.zeros(count, dtype=np.int64)
            if self.classes is None
            else np.asarray(self.classes, dtype=np.int64)
        )
        for name, column in (("scores", scores), ("classes", classes)):
            if column.shape != (count,):
                raise ValueError(f"{name} must have shape ({count},), one for each box, not {column.shape}")
        features = self.features
        if features is not None:
            features = np.asarray(features, dtype=np.float32)
            if features.ndim != 2 or len(features) != count:
                raise ValueError(
                    f"features must have shape ({count}, D), one row for each box, not {features.shape}"
                )
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "scores", scores)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "features", features)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Any) -> Detections:
        """The chosen rows (a slice, a mask or indices) as new detections."""
        features = None if self.features is None else self.features[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows], features)

    @classmethod
    def empty(cls) -> Detections:
        """A frame in which nothing was detected."""
        return cls(np.empty((0, 4)))

    @classmethod
    def from_xywh(cls, boxes: ArrayLike, *args: Any, **kwargs: Any) -> Detections:
        """Detections from boxes given as left, top, width, height."""
        from tracker.boxes import xywh_to_xyxy

        return cls(xywh_to_xyxy(np.asarray(boxes, dtype=np.float64).reshape(-1, 4)), *args, **kwargs)

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

        data = {} if self.features is None else {"features": self.features}
        return sv.Detections(xyxy=self.boxes, confidence=self.scores, class_id=self.classes, data=data)
