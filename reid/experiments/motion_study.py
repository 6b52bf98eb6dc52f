"""What the two experiments on human motion have in common: data, trainings, measures, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.datasets.cmu import MOVEMENTS, Motion, load_motion
from reid.datasets.gait import synthetic_motion
from reid.experiments.distances import random_pairs
from reid.experiments.measures import Measures, measure
from reid.experiments.report import Report
from reid.experiments.request import Request
from reid.experiments.trainings import Trained, TrainingData, by_name
from reid.geometry.metric import Decode

PART = "angles"

MEASURED_ON_ALL = "All is measured on the poses that were learnt: the recordings are few."

NOT_SMOOTHED = (
    "The paper smooths the metric tensor with a parameter ξ that it does not print; here it is as it is."
)

#: At as many samples the metric tensor is looked at, between as many pairs interpolations are measured.
_POINTS, _PAIRS = 3000, 100

_QUICK = ["method.objective.importance_samples=2"]


@dataclass(frozen=True, slots=True)
class Study:
    """Trained models of one motion, and what was measured of them.

    Attributes:
        asked: what for.
        motion: what all of them learnt.
        models: by their names, one for each seed.
        measures: the same.
        pairs: (P, 2) numbers of poses between which is interpolated, the same for all models.
    """

    asked: Request
    motion: Motion
    models: dict[str, list[Trained]]
    measures: dict[str, list[Measures]]
    pairs: NDArray[np.int64]

    @classmethod
    def conduct(cls, asked: Request, configuration: str, names: Sequence[str]) -> Study:
        """Read the motion, train the models and measure them.

        Raises:
            FileError: if there is no motion.
        """
        motion = motion_for(asked)
        data = TrainingData(motion.angles, 0.0, PART)
        models = by_name(asked.train(configuration, names, data, quick_changes=_QUICK))
        points = 100 if asked.quick else _POINTS
        measures = {
            name: [measure(one.model, motion.angles, {PART: motion.angles}, points) for one in several]
            for name, several in models.items()
        }
        pairs = random_pairs(len(motion), 10 if asked.quick else _PAIRS)
        return cls(asked, motion, models, measures, pairs)

    @property
    def kappa(self) -> float:
        """The reconstruction error that all models are allowed."""
        return self._trained[0].kappa

    @property
    def _trained(self) -> list[Trained]:
        return [one for several in self.models.values() for one in several]

    @property
    def graph_nodes(self) -> int:
        """The paper's, or a few."""
        return 500 if self.asked.quick else 14_400

    def decoder(self, name: str, place: int = 0) -> Decode:
        """Of the model's training with a seed's number in the row of seeds."""
        return self.models[name][place].model.decode

    def latents(self, name: str, place: int = 0) -> NDArray[np.float64]:
        """Of all poses, by the same model."""
        return self.measures[name][place].latents

    def finish(self, report: Report, notes: Sequence[str]) -> None:
        """Add what all of it took, and write the report."""
        counts = np.bincount(self.motion.movement)
        poses = ", ".join(f"{count} {name}" for name, count in zip(self.motion.names, counts, strict=True))
        report.notes = [*notes, *_left_out(self.motion)]
        report.facts = {
            "data": self.motion.source,
            "poses": poses,
            **self.asked.facts(self._trained, "poses"),
        }
        report.write()


def motion_for(asked: Request) -> Motion:
    """The motion in the folder ``cmu_mocap``, or for a quick run some that is made up.

    Raises:
        FileError: if there is no motion.
    """
    return synthetic_motion() if asked.quick else load_motion(asked.data_root)


def _left_out(motion: Motion) -> list[str]:
    missing = [name for name in MOVEMENTS if name not in motion.names]
    return [f"Of the paper's five movements {' and '.join(missing)} were not there."] if missing else []
