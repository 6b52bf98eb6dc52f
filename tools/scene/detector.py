"""What an imperfect detector would report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .config import DetectorConfig
from .gait import smoothstep

Array = NDArray[np.float64]

_LASTS = 0.85  # how much of a person's luck with the detector stays from frame to frame
_FALSE_ALARM_FRAMES = 3.0  # mean length of a run of false alarms at one place


@dataclass(slots=True)
class _Luck:
    """How the detector gets on with one person at the moment; standard normal numbers."""

    found: float
    sides: Array  # (4,)


class Detector:
    """Finds people with errors that last for some frames, as those of real detectors do."""

    def __init__(self, config: DetectorConfig, size: tuple[int, int], rng: np.random.Generator) -> None:
        self._config = config
        self._width, self._height = size
        self._rng = rng
        self._luck: dict[int, _Luck] = {}
        self._false: Array = np.empty((0, 5))  # box and score
        for _ in range(20):
            self._dream(np.empty((0, 4)))

    def detect(self, ids: NDArray[np.int64], boxes: Array, visibility: Array) -> tuple[Array, Array]:
        """Boxes (M, 4) and scores (M,) for the people of one frame."""
        tall = boxes[:, 3] - boxes[:, 1]
        ease = smoothstep((visibility - 0.10) / 0.55) * smoothstep((tall - 12.0) / 24.0)
        found_boxes, scores = [], []
        for i, identity in enumerate(ids.tolist()):
            luck = self._next_luck(identity)
            chance = (1 - self._config.miss_rate) * float(ease[i])
            if ndtr(luck.found) >= chance:
                continue
            size = np.tile(boxes[i, 2:] - boxes[i, :2], 2)
            error = self._config.jitter * (1 + 1.5 * (1 - visibility[i])) * luck.sides * size
            found_boxes.append(boxes[i] + error)
            scores.append(0.45 + 0.5 * chance - 0.04 * luck.found + self._rng.normal(0, 0.05))
        self._luck = {identity: self._luck[identity] for identity in ids.tolist()}
        self._dream(boxes)
        all_boxes = np.concatenate([np.array(found_boxes).reshape(-1, 4), self._false[:, :4]])
        all_scores = np.clip(np.concatenate([scores, self._false[:, 4]]), 0.05, 0.99)
        all_boxes = np.clip(all_boxes, 0, (self._width, self._height, self._width, self._height))
        usable = (all_boxes[:, 2] - all_boxes[:, 0] >= 4) & (all_boxes[:, 3] - all_boxes[:, 1] >= 8)
        order = np.argsort(-all_scores[usable], kind="stable")
        return all_boxes[usable][order], all_scores[usable][order]

    def _next_luck(self, identity: int) -> _Luck:
        fresh = self._rng.normal(size=9)
        luck = self._luck.get(identity)
        if luck is None:
            luck = _Luck(float(fresh[0]), fresh[1:5])
        else:
            new = np.sqrt(1 - _LASTS**2)
            luck.found = _LASTS * luck.found + new * float(fresh[0])
            luck.sides = 0.6 * luck.sides + 0.8 * fresh[1:5]
        self._luck[identity] = luck
        return luck

    def _dream(self, boxes: Array) -> None:
        """Let false alarms end and begin."""
        rng = self._rng
        self._false = self._false[rng.random(len(self._false)) >= 1 / _FALSE_ALARM_FRAMES]
        for _ in range(rng.poisson(self._config.false_alarms / _FALSE_ALARM_FRAMES)):
            if len(boxes) and rng.random() < 0.3:
                box = self._part_of(boxes[int(rng.integers(len(boxes)))])
            else:
                box = self._anywhere()
            score = 0.08 + 0.75 * rng.beta(2, 4)
            self._false = np.concatenate([self._false, [[*box, score]]])
        if len(self._false):
            size = self._false[:, 2:4] - self._false[:, :2]
            self._false[:, :4] += rng.normal(0, 0.01, (len(self._false), 4)) * np.tile(size, 2)

    def _part_of(self, box: Array) -> Array:
        """The upper or lower part of somebody, or somebody with a neighbour."""
        left, top, right, bottom = np.clip(box, 0, (self._width, self._height, self._width, self._height))
        width, height = max(right - left, 8.0), max(bottom - top, 16.0)
        kind = int(self._rng.integers(3))
        if kind == 0:
            return np.array([left, top, left + width, top + 0.5 * height])
        if kind == 1:
            return np.array([left, top + 0.45 * height, left + width, top + height])
        return np.array([left - 0.5 * width, top - 0.1 * height, left + 1.4 * width, top + height])

    def _anywhere(self) -> Array:
        rng = self._rng
        foot = rng.uniform(0.42, 0.98) * self._height
        tall = (0.15 + 0.5 * (foot / self._height - 0.42)) * rng.uniform(0.6, 1.3) * self._height
        tall = max(min(tall, foot), 0.12 * self._height)
        wide = max(tall * rng.uniform(0.3, 0.5), 6.0)
        left = rng.uniform(0, self._width - wide)
        return np.array([left, foot - tall, left + wide, foot])
