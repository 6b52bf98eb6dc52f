"""What a tracker takes from a frame: the detections that count, and what its stages need of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.boxes import covered_shares, non_maximum_suppression
from tracker.config import Stage, TrackerConfig
from tracker.costs import Indices
from tracker.detections import Detections
from tracker.gallery import Gallery
from tracker.motion import Array, Motion


@dataclass(slots=True)
class Frame:
    """The detections of a frame that count, and what was worked out about them once."""

    indices: Indices  # rows of the detections as they came
    boxes: Array
    measured: Array  # the boxes in the filter's coordinates
    scores: Array
    classes: NDArray[np.int64]
    separate_classes: bool
    vectors: NDArray[np.float32] | None  # prepared for the gallery
    usable: NDArray[np.bool_] | None
    memorable: NDArray[np.bool_] | None


def score_limits(config: TrackerConfig) -> dict[str, float]:
    """The least scores with which anybody is ever tracked, by the option that changes them."""
    limits = {
        "--min-confidence X": config.detections.min_confidence,
        "--set lifecycle.birth_score=X": config.lifecycle.birth_score,
    }
    given = {option: least for option, least in limits.items() if least is not None}
    if config.lifecycle.confirm_hits == 1:
        return given
    # A new track is confirmed by another detection, in any stage that tentative tracks take part in.
    stages = [_stage_limits(stage) for stage in config.stages if stage.tracks != "confirmed"]
    return given | min(stages, key=lambda stage: max(stage.values(), default=-np.inf), default={})


def _stage_limits(stage: Stage) -> dict[str, float]:
    limits = {}
    if stage.min_score is not None:
        limits[f"--set stages.{stage.name}.min_score=X"] = stage.min_score
    if stage.cost == "overlap-score":
        # Its cost is 1 - score even where two boxes are the same.
        limits[f"--set stages.{stage.name}.threshold=X"] = 1 - stage.threshold
    return limits


class Intake:
    """Looks at one video's detections, frame by frame.

    Args:
        config: of the tracker.
        motion: whose coordinates boxes are measured in.
        gallery: that the vectors are prepared for.
    """

    def __init__(self, config: TrackerConfig, motion: Motion, gallery: Gallery) -> None:
        self._config, self._motion, self._gallery = config, motion, gallery
        self._only_class: int | None = None
        self._several_classes = False

    def frame(self, detections: Detections) -> Frame:
        """Choose the detections that count, and work out what every stage needs of them."""
        rules = self._config.detections
        chosen = self._acceptable(detections)
        separate = self._classes_matter(detections.classes)
        if rules.nms is not None and len(chosen) > 1:
            classes = detections.classes[chosen] if separate else None
            stays = non_maximum_suppression(
                detections.boxes[chosen], detections.scores[chosen], rules.nms, classes
            )
            chosen = chosen[stays]
        boxes = detections.boxes[chosen]
        vectors = usable = memorable = None
        if detections.features is not None and self._config.uses_appearance:
            vectors, usable = self._gallery.prepare(detections.features[chosen])
            quality = None if detections.quality is None else detections.quality[chosen]
            memorable = usable & self._good_views(boxes, quality)
        return Frame(
            indices=chosen,
            boxes=boxes,
            measured=self._motion.measure(boxes),
            scores=detections.scores[chosen],
            classes=detections.classes[chosen],
            separate_classes=separate,
            vectors=vectors,
            usable=usable,
            memorable=memorable,
        )

    def _acceptable(self, detections: Detections) -> Indices:
        """Rows that have a proper box, a proper and sufficient score and a sufficient height."""
        rules = self._config.detections
        left, top, right, bottom = detections.boxes.T
        # NaN fails a comparison; infinity is looked for only where the sum of all betrays it.
        good = right > left
        good &= bottom > top
        if rules.min_height > 0:
            good &= bottom - top >= rules.min_height
        if not np.isfinite(detections.boxes.sum() + detections.scores.sum()):
            good &= np.isfinite(detections.boxes).all(axis=1) & np.isfinite(detections.scores)
        if rules.min_confidence is not None:
            good &= detections.scores >= rules.min_confidence
        return np.asarray(good.nonzero()[0])

    def _classes_matter(self, classes: NDArray[np.int64]) -> bool:
        """Whether tracks of several classes may meet: never asked for again once they have."""
        if self._config.classes == "ignore" or not len(classes):
            return self._several_classes
        if self._only_class is None:
            self._only_class = int(classes[0])
        self._several_classes |= bool((classes != self._only_class).any())
        return self._several_classes

    def _good_views(self, boxes: Array, quality: NDArray[np.float32] | None) -> NDArray[np.bool_]:
        """Which boxes show enough to remember somebody by."""
        rules = self._config.memory
        good = np.ones(len(boxes), dtype=np.bool_)
        if quality is not None and rules.least_quality > 0:
            good &= quality >= rules.least_quality
        if rules.most_covered < 1:
            good &= covered_shares(boxes) <= rules.most_covered
        return good
