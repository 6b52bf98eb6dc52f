"""The engine: one tracker, whatever its configuration says.

Every frame: predict where the tracks are, match them with the detections stage by stage, correct the matched
ones, end and begin tracks, remember what they looked like. All tracks are handled at once, in arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from tracker.boxes import non_maximum_suppression
from tracker.config import Stage, TrackerConfig, load_config
from tracker.costs import COSTS, Candidates
from tracker.detections import Detections
from tracker.gallery import Gallery
from tracker.matching import match, match_total_overlap
from tracker.motion import Array, Motion
from tracker.tracks import LiveTracks, Tracks

if TYPE_CHECKING:
    import supervision as sv


class Tracker:
    """Follows objects through a video, frame by frame.

    Args:
        config: a configuration, the name of one ("sort", "deepsort" …), or the path of a YAML file.

    Example:
        >>> tracker = Tracker("sort")
        >>> for boxes in ([[10, 20, 50, 120]], [[12, 20, 52, 120]]):
        ...     tracks = tracker.update(Detections(boxes))
        >>> tracks.ids.tolist(), tracks.detections.tolist()
        ([1], [0])
    """

    def __init__(self, config: TrackerConfig | str | Path = "deepsort") -> None:
        self.config = config if isinstance(config, TrackerConfig) else load_config(config)
        self._motion = Motion(self.config.motion)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is the first of a new video, and ids start at 1 again."""
        self.frame = 0
        self._live = LiveTracks()
        self._gallery = Gallery(self.config.memory)
        self._next_id = 1
        self._only_class: int | None = None
        self._several_classes = False

    @overload
    def update(self, detections: Detections) -> Tracks: ...

    @overload
    def update(self, detections: sv.Detections) -> sv.Detections: ...

    def update(self, detections: Detections | sv.Detections) -> Tracks | sv.Detections:
        """Go on by one frame.

        Args:
            detections: what was detected in it, possibly nothing. Rows whose box is not finite or has no
                area are passed over.

        Returns:
            The tracks to show, in the form in which the detections came.

        Raises:
            ValueError: the appearance vectors are of another length than in earlier frames.
        """
        if not isinstance(detections, Detections):
            return self.update(Detections.from_supervision(detections)).to_supervision()
        # Wild input (boxes of astronomic size) may overflow; what is not finite is dropped below.
        with np.errstate(all="ignore"):
            return self._step(detections)

    def _step(self, detections: Detections) -> Tracks:
        frame = self._look_at(detections)
        live = self._live
        self.frame += 1
        self._motion.predict(live.state)
        live.age()
        boxes = self._drop_lost(self._motion.boxes(live.state))
        free_tracks = np.ones(len(live), dtype=np.bool_)
        free_detections = np.ones(len(frame.indices), dtype=np.bool_)
        for stage in self.config.stages:
            rows, columns = self._match(stage, frame, boxes, free_tracks, free_detections)
            free_tracks[rows] = False
            free_detections[columns] = False
            self._correct(frame, rows, columns)
        self._end()
        self._begin(frame, free_detections)
        return self._show(detections)

    def _look_at(self, detections: Detections) -> _Frame:
        """Choose the detections that count, and work out what every stage needs of them."""
        rules = self.config.detections
        boxes, scores = detections.boxes, detections.scores
        size = boxes[:, 2:] - boxes[:, :2]
        # A size that is not finite or not positive fails this comparison; the sum catches the rest.
        good = np.isfinite(boxes.sum(axis=1)) & (size.min(axis=1, initial=np.inf) > 0)
        good &= size[:, 1] >= rules.min_height
        if rules.min_confidence is not None:
            good &= scores >= rules.min_confidence
        indices = np.flatnonzero(good)
        separate = self._classes_matter(detections.classes)
        if rules.nms is not None and len(indices) > 1:
            classes = detections.classes[indices] if separate else None
            indices = indices[non_maximum_suppression(boxes[indices], scores[indices], rules.nms, classes)]
        boxes = boxes[indices]
        vectors = usable = None
        if detections.features is not None and self.config.uses_appearance:
            vectors, usable = self._gallery.prepare(detections.features[indices])
        classes = detections.classes[indices]
        return _Frame(
            indices, boxes, self._motion.measure(boxes), scores[indices], classes, separate, vectors, usable
        )

    def _classes_matter(self, classes: NDArray[np.int64]) -> bool:
        """Whether tracks of several classes may meet: never asked for again once they have."""
        if self.config.classes == "ignore" or not len(classes):
            return self._several_classes
        if self._only_class is None:
            self._only_class = int(classes[0])
        self._several_classes |= bool((classes != self._only_class).any())
        return self._several_classes

    def _drop_lost(self, boxes: Array) -> Array:
        """End the tracks whose prediction is no box any more (an area below zero, an overflow)."""
        sane = np.isfinite(boxes.sum(axis=1))
        if sane.all():
            return boxes
        self._keep(sane)
        return np.asarray(boxes[sane])

    def _match(
        self,
        stage: Stage,
        frame: _Frame,
        boxes: Array,
        free_tracks: NDArray[np.bool_],
        free_detections: NDArray[np.bool_],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """One stage: rows of the live tracks and the rows of ``frame`` they take."""
        live = self._live
        if stage.tracks != "all":
            free_tracks = free_tracks & (live.confirmed == (stage.tracks == "confirmed"))
        if stage.max_gap is not None:
            free_tracks = free_tracks & (live.gaps <= stage.max_gap)
        if stage.min_score is not None:
            free_detections = free_detections & (frame.scores >= stage.min_score)
        if stage.max_score is not None:
            free_detections = free_detections & (frame.scores < stage.max_score)
        rows, columns = np.flatnonzero(free_tracks), np.flatnonzero(free_detections)
        if not (len(rows) and len(columns)) or (stage.cost == "appearance" and frame.vectors is None):
            return rows[:0], columns[:0]
        allowed = None
        if stage.gate is not None:
            distance = self._motion.squared_mahalanobis(live.state[:, rows], frame.measured[columns])
            allowed = distance <= stage.gate
        if frame.separate_classes:
            same = live.classes[rows, None] == frame.classes[columns]
            allowed = same if allowed is None else allowed & same
        cost = COSTS[stage.cost](
            Candidates(
                track_boxes=boxes[rows],
                boxes=frame.boxes[columns],
                scores=frame.scores[columns],
                allowed=allowed,
                slots=live.slots[rows],
                vectors=None if frame.vectors is None else frame.vectors[columns],
                usable=None if frame.usable is None else frame.usable[columns],
                gallery=self._gallery,
            )
        )
        if stage.reject == "after":
            matched = match_total_overlap(cost, stage.threshold)
        else:
            matched = match(cost, stage.threshold, live.gaps[rows] if stage.cascade else None)
        return rows[matched[0]], columns[matched[1]]

    def _correct(self, frame: _Frame, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        live = self._live
        self._motion.update(live.state, rows, frame.measured[columns])
        live.hit(rows, frame.indices[columns], frame.scores[columns], frame.classes[columns])
        self._remember(frame, live.slots[rows], columns)

    def _end(self) -> None:
        live, life = self._live, self.config.lifecycle
        live.confirmed |= live.hits >= life.confirm_hits
        stays = live.gaps <= np.where(live.confirmed, life.max_age, life.tentative_age)
        # A matched track has gap 0 and always stays.
        if not stays.all():
            self._keep(stays)

    def _begin(self, frame: _Frame, free: NDArray[np.bool_]) -> None:
        life = self.config.lifecycle
        if life.birth_score is not None:
            free = free & (frame.scores >= life.birth_score)
        columns = np.flatnonzero(free)
        if not len(columns):
            return
        slots = self._gallery.claim(len(columns))
        self._live.append(
            self._motion.initiate(frame.measured[columns]),
            frame.indices[columns],
            frame.scores[columns],
            frame.classes[columns],
            slots,
            confirmed=life.confirm_hits == 1,
        )
        self._remember(frame, slots, columns)

    def _remember(self, frame: _Frame, slots: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        if frame.vectors is None or frame.usable is None:
            return
        usable = frame.usable[columns]
        self._gallery.remember(slots[usable], frame.vectors[columns[usable]])

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        self._gallery.release(self._live.slots[~rows])
        self._live.keep(rows)

    def _show(self, detections: Detections) -> Tracks:
        """The tracks that the output rules let through, numbered when they are first shown."""
        live, rules = self._live, self.config.output
        visible = (live.gaps <= rules.max_gap) & (live.confirmed > 0)
        if self.frame > rules.warmup:
            visible &= live.streaks >= rules.min_streak
        rows = np.flatnonzero(visible)
        boxes = self._motion.boxes(live.state[:, rows])
        # A prediction can shrink to nothing; nobody wants to see that.
        proper = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        rows, boxes = rows[proper], boxes[proper]
        new = rows[live.ids[rows] == 0]
        live.ids[new] = np.arange(self._next_id, self._next_id + len(new))
        self._next_id += len(new)
        taken = live.detections[rows]
        if rules.box == "detected":
            seen = taken >= 0
            boxes[seen] = detections.boxes[taken[seen]]
        return Tracks(live.ids[rows], boxes, live.scores[rows], live.classes[rows], taken, live.gaps[rows])


@dataclass(frozen=True, slots=True)
class _Frame:
    """The detections of a frame that count, and what was worked out about them once."""

    indices: NDArray[np.intp]  # rows of the detections as they came
    boxes: Array
    measured: Array  # the boxes in the filter's coordinates
    scores: Array
    classes: NDArray[np.int64]
    separate_classes: bool
    vectors: NDArray[np.float32] | None  # prepared for the gallery
    usable: NDArray[np.bool_] | None
