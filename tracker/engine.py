"""The engine: one tracker, whatever its configuration says.

Every frame: predict where the tracks are, match them with the detections stage by stage, correct the matched
ones, end and begin tracks, remember what they looked like. All tracks are handled at once, in arrays.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from tracker.boxes import meeting_pairs
from tracker.config import Stage, TrackerConfig, load_config
from tracker.costs import COSTS, OVERLAP_COSTS, Candidates, Indices
from tracker.detections import Detections
from tracker.gallery import Gallery
from tracker.intake import Frame, Intake
from tracker.matching import match, match_total_overlap
from tracker.motion import POSITION, Array, Motion
from tracker.recall import Recall
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
        self._intake = Intake(self.config, self._motion, self._gallery)
        rules = self.config.memory.recall
        self._recall = None if rules is None else Recall(rules, self.config)
        self._next_id = 1
        self._no_data: dict[str, Any] = {}

    @overload
    def update(self, detections: Detections) -> Tracks: ...

    @overload
    def update(self, detections: sv.Detections) -> sv.Detections: ...

    def update(self, detections: Detections | sv.Detections) -> Tracks | sv.Detections:
        """Go on by one frame.

        Args:
            detections: what was detected in it, possibly nothing. Rows whose box or score is not finite,
                or whose box has no area, are passed over.

        Returns:
            The tracks to show, in the form in which the detections came; those of ``supervision`` with
            the masks and data that they came with.

        Raises:
            TypeError: it is something else, an array for example.
            ValueError: the appearance vectors are of another length than in earlier frames.
        """
        if not isinstance(detections, Detections):
            # The boxes of other libraries have an ``xyxy``, too, but call the rest by other names.
            if not hasattr(detections, "xyxy") or not isinstance(getattr(detections, "data", None), dict):
                raise TypeError(
                    f"expected Detections(boxes, scores, …) or supervision.Detections, not "
                    f"{type(detections).__name__}; Detections.empty() is a frame without any"
                )
            tracks = self.update(Detections.from_supervision(detections))
            return tracks.to_supervision(self._with_data(detections))
        # Wild input (boxes of astronomic size) may overflow; what is not finite is dropped below.
        with np.errstate(all="ignore"):
            return self._step(detections)

    def _with_data(self, detections: sv.Detections) -> sv.Detections:
        """An empty frame does not say what detections carry beside their boxes: as the last one that did."""
        if len(detections):
            self._no_data = {name: values[:0] for name, values in detections.data.items()}
        elif self._no_data:
            detections = copy(detections)
            detections.data = self._no_data
        return detections

    def _step(self, detections: Detections) -> Tracks:
        frame = self._intake.frame(detections)
        live = self._live
        self.frame += 1
        self._motion.predict(live.state)
        live.age()
        boxes = self._drop_lost(self._motion.boxes(live.state))
        spread = self._motion.expected_spread(live.state)
        rows, columns = self._match(frame, boxes, spread)
        self._motion.update(live.state, rows, frame.measured[columns], spread)
        live.hit(rows, frame.indices[columns], frame.scores[columns], frame.classes[columns])
        self._remember(frame, live.slots[rows], columns)
        self._end()
        unmatched = np.ones(len(frame.indices), dtype=np.bool_)
        unmatched[columns] = False
        self._begin(frame, unmatched)
        return self._show(detections)

    def _drop_lost(self, boxes: Array) -> Array:
        """End the tracks whose prediction is no box any more (an area below zero, an overflow)."""
        if np.isfinite(boxes.sum()):
            return boxes
        sane = np.isfinite(boxes.sum(axis=1))
        self._keep(sane)
        return np.asarray(boxes[sane])

    def _match(self, frame: Frame, boxes: Array, spread: Array) -> tuple[Indices, Indices]:
        """Go through the stages: rows of the live tracks, and the rows of ``frame`` that they take."""
        free_tracks = np.ones(len(self._live), dtype=np.bool_)
        free_detections = np.ones(len(frame.indices), dtype=np.bool_)
        matched: list[tuple[Indices, Indices]] = []
        for stage in self.config.stages:
            tracks, detections = self._possible_pairs(
                stage, frame, boxes, spread, free_tracks, free_detections
            )
            if not len(tracks):
                continue
            costs = COSTS[stage.cost](
                Candidates(
                    tracks=tracks,
                    detections=detections,
                    track_boxes=boxes,
                    boxes=frame.boxes,
                    scores=frame.scores,
                    slots=self._live.slots,
                    vectors=frame.vectors,
                    usable=frame.usable,
                    gallery=self._gallery,
                )
            )
            if stage.reject == "after":
                classes = self._live.classes[tracks] if frame.separate_classes else None
                chosen = match_total_overlap(tracks, detections, costs, stage.threshold, classes)
            else:
                levels = self._live.gaps[tracks] if stage.cascade else None
                chosen = match(tracks, detections, costs, stage.threshold, levels)
            matched.append((tracks[chosen], detections[chosen]))
            free_tracks[tracks[chosen]] = False
            free_detections[detections[chosen]] = False
        if not matched:
            nobody = np.empty(0, dtype=np.intp)
            return nobody, nobody
        return np.concatenate([pairs[0] for pairs in matched]), np.concatenate(
            [pairs[1] for pairs in matched]
        )

    def _possible_pairs(
        self,
        stage: Stage,
        frame: Frame,
        boxes: Array,
        spread: Array,
        free_tracks: NDArray[np.bool_],
        free_detections: NDArray[np.bool_],
    ) -> tuple[Indices, Indices]:
        """The pairs that a stage has to judge: of its tracks and detections, near enough, of one class."""
        live = self._live
        if stage.cost == "appearance" and frame.vectors is None:
            free_tracks = np.zeros_like(free_tracks)
        if stage.tracks != "all":
            free_tracks = free_tracks & (live.confirmed == (stage.tracks == "confirmed"))
        if stage.max_gap is not None:
            free_tracks = free_tracks & (live.gaps <= stage.max_gap)
        if stage.cascade:
            # DeepSORT's cascade has max_age levels: in the frame that ends a track it is not asked any more.
            free_tracks = free_tracks & (live.gaps <= self.config.lifecycle.max_age)
        if stage.min_score is not None:
            free_detections = free_detections & (frame.scores >= stage.min_score)
        if stage.max_score is not None:
            free_detections = free_detections & (frame.scores < stage.max_score)
        some_tracks, some_detections = free_tracks.nonzero()[0], free_detections.nonzero()[0]
        if stage.gate is not None:
            position = live.state[POSITION, some_tracks]
            rows, columns = self._motion.gate(
                position, spread[some_tracks], frame.measured[some_detections], stage.gate
            )
        elif stage.cost in OVERLAP_COSTS:
            rows, columns = meeting_pairs(boxes[some_tracks], frame.boxes[some_detections])
        else:
            rows, columns = np.ones((len(some_tracks), len(some_detections)), dtype=np.bool_).nonzero()
        tracks, detections = some_tracks[rows], some_detections[columns]
        if frame.separate_classes:
            same = live.classes[tracks] == frame.classes[detections]
            tracks, detections = tracks[same], detections[same]
        return tracks, detections

    def _end(self) -> None:
        live, life = self._live, self.config.lifecycle
        live.confirmed |= live.hits >= life.confirm_hits
        stays = live.gaps <= np.where(live.confirmed, life.max_age, life.tentative_age)
        # A matched track has gap 0 and always stays.
        if not stays.all():
            self._keep(stays)

    def _begin(self, frame: Frame, free: NDArray[np.bool_]) -> None:
        life = self.config.lifecycle
        if life.birth_score is not None:
            free = free & (frame.scores >= life.birth_score)
        columns = free.nonzero()[0]
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

    def _remember(self, frame: Frame, slots: Indices, columns: Indices) -> None:
        if frame.vectors is None or frame.memorable is None:
            return
        worth = frame.memorable[columns]
        self._gallery.remember(slots[worth], frame.vectors[columns[worth]])

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        live, gone = self._live, ~rows
        if self._recall is not None:
            looks = self._gallery.recollect(live.slots[gone])
            self._recall.remember(live.ids[gone], live.classes[gone], looks)
        self._gallery.release(live.slots[gone])
        live.keep(rows)

    def _show(self, detections: Detections) -> Tracks:
        """The tracks that the output rules let through, numbered when they are first shown."""
        live, rules = self._live, self.config.output
        visible = (live.gaps <= rules.max_gap) & (live.confirmed > 0)
        if self.frame > rules.warmup:
            visible &= live.streaks >= rules.min_streak
        rows = visible.nonzero()[0]
        boxes = self._motion.boxes(live.state[:, rows])
        # A prediction can shrink to nothing; nobody wants to see that.
        proper = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        if not proper.all():
            rows, boxes = rows[proper], boxes[proper]
        new = rows[live.ids[rows] == 0]
        if self._recall is not None and len(new):
            looks = self._gallery.recollect(live.slots[new])
            live.ids[new] = self._recall.recognise(live.classes[new], looks)
            new = new[live.ids[new] == 0]
        live.ids[new] = np.arange(self._next_id, self._next_id + len(new))
        self._next_id += len(new)
        taken = live.detections[rows]
        if rules.box == "detected":
            seen = taken >= 0
            boxes[seen] = detections.boxes[taken[seen]]
        return Tracks(live.ids[rows], boxes, live.scores[rows], live.classes[rows], taken, live.gaps[rows])
