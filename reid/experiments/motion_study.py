"""What the two experiments on human motion have in common: data, trainings, measures, tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.datasets.cmu import MOVEMENTS, Motion, load_motion
from reid.datasets.gait import synthetic_motion
from reid.experiments.distances import random_pairs
from reid.experiments.measures import Measures, measure
from reid.experiments.report import Report
from reid.experiments.trainings import Trained, TrainingData, train_all
from reid.experiments.variants import trainings_of
from reid.geometry.metric import Decode
from reid.training.settings import FlatVAE

PART = "angles"

PAPER = "Chen et al., Learning Flat Latent Manifolds with VAEs, ICML 2020"

#: At as many samples the metric tensor is looked at, between as many pairs interpolations are measured.
_POINTS, _PAIRS = 3000, 100

# The log has an entry every 50 steps.
_QUICK = ["optimiser.steps=60", "method.objective.importance_samples=2"]


@dataclass(frozen=True, slots=True)
class Study:
    """Trained models of one motion, and what was measured of them.

    Attributes:
        motion: what all of them learnt.
        models: by their names, one for each seed.
        measures: the same.
        pairs: (P, 2) numbers of poses between which is interpolated, the same for all models.
        quick: whether nothing of this means anything.
        started: when, in seconds of the monotonic clock.
    """

    motion: Motion
    models: dict[str, list[Trained]]
    measures: dict[str, list[Measures]]
    pairs: NDArray[np.int64]
    quick: bool
    started: float

    @classmethod
    def conduct(
        cls,
        configuration: str,
        names: Sequence[str],
        output: Path,
        data_root: Path,
        quick: bool,
        seeds: Sequence[int],
        done: Callable[[str], None],
    ) -> Study:
        """Read the motion, train the models and measure them.

        Args:
            configuration: name of the settings.
            names: of the models.
            output: the experiment's folder.
            data_root: with the folder ``cmu_mocap``.
            quick: take made-up motion and a few steps.
            seeds: one training of each model for each.
            done: called with what has been trained.

        Raises:
            FileError: if there is no motion.
        """
        started = time.monotonic()
        motion = synthetic_motion() if quick else load_motion(data_root)
        changes = _QUICK if quick else []
        trained = train_all(
            trainings_of(configuration, names, seeds, changes),
            TrainingData(motion.angles, 0.0, PART),
            output / "models",
            done,
            # Other processes take longer to start than a quick training takes.
            workers=1 if quick else None,
        )
        models = {name: [one for one in trained if one.name == name] for name in names}
        points = 100 if quick else _POINTS
        measures = {
            name: [measure(one.model, motion.angles, {PART: motion.angles}, points) for one in several]
            for name, several in models.items()
        }
        pairs = random_pairs(len(motion), 10 if quick else _PAIRS)
        return cls(motion, models, measures, pairs, quick, started)

    @property
    def kappa(self) -> float:
        """The reconstruction error that all models are allowed."""
        method = self._any.settings.method
        assert isinstance(method, FlatVAE)
        return method.objective.constraint.kappa

    @property
    def _any(self) -> Trained:
        return next(iter(self.models.values()))[0]

    @property
    def graph_nodes(self) -> int:
        """The paper's, or a few."""
        return 500 if self.quick else 14_400

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
        trained = [one for several in self.models.values() for one in several]
        optimiser = self._any.settings.optimiser
        report.notes = [*notes, *_left_out(self.motion)]
        if self.quick:
            report.notes.insert(0, "A quick run on made-up motion: its numbers and figures mean nothing.")
        report.facts = {
            "data": self.motion.source,
            "poses": poses,
            "seeds": ", ".join(str(one.seed) for one in next(iter(self.models.values()))),
            "steps": f"{optimiser.steps:,} of {optimiser.batch} poses",
            "trainings": f"{len(trained)}, {sum(one.seconds for one in trained):.0f} s of processor time",
            "time": f"{time.monotonic() - self.started:.0f} s in this run",
        }
        report.write()


def _left_out(motion: Motion) -> list[str]:
    missing = [name for name in MOVEMENTS if name not in motion.names]
    return [f"Of the paper's five movements {' and '.join(missing)} were not there."] if missing else []
