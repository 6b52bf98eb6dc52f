"""What a detector is: images in, boxes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid.crops import Boxes, Images
from reid.detectors.classes import choose_classes


class DetectorError(ValueError):
    """A detector that cannot be loaded or used; says what it is and what was expected."""


class Found(NamedTuple):
    """What was found in an image, the surest first.

    Attributes:
        boxes: (N, 4) left, top, right, bottom in pixels, 0-based, inside the image.
        scores: (N,) confidences, from 0 to 1.
        classes: (N,) the detector's own numbers of classes.
    """

    boxes: Boxes
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


class Detector(ABC):
    """Finds things in images.

    Args:
        name: what to call it.
        class_names: what its numbers of classes mean.
        classes: which of them are wanted, see `reid.detectors.classes.choose_classes`.
        min_score: nothing less sure is reported.

    Attributes:
        name: what to call it.
        classes: the numbers of the wanted classes.
        min_score: as above.
        fingerprint: a text that changes whenever what is found would.
    """

    fingerprint: str

    def __init__(
        self, name: str, class_names: Mapping[int, str], classes: str | None, min_score: float
    ) -> None:
        self.name = name
        self.min_score = min_score
        try:
            self.classes = choose_classes(classes, class_names)
        except ValueError as error:
            raise DetectorError(f"{name}: {error}") from error

    def __call__(self, image: Images) -> Found:
        """What is in an image (height, width, 3), uint8 RGB."""
        (found,) = self.detect([image])
        return found

    def detect(self, images: Sequence[Images]) -> list[Found]:
        """What is in each of some images of one size, together in as few runs as the network allows."""
        return [self._wanted(found, image) for found, image in zip(self._detect(images), images, strict=True)]

    @abstractmethod
    def _detect(self, images: Sequence[Images]) -> list[Found]:
        """Everything that the network says, in any order."""

    def _wanted(self, found: Found, image: Images) -> Found:
        height, width = image.shape[:2]
        boxes = np.clip(found.boxes, 0.0, (width, height, width, height))
        good = (found.scores >= self.min_score) & np.isin(found.classes, self.classes)
        good &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        rows = np.flatnonzero(good)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
        return Found(boxes[rows], found.scores[rows], found.classes[rows])
