"""What is asked of an experiment, and what follows from that for all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reid.experiments.report import Report
from reid.experiments.trainings import Trained, TrainingData, train_all
from reid.experiments.variants import trainings_of


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of an experiment.

    Attributes:
        output: the folder for everything.
        data_root: where the data are, of experiments that do not make their own; a quick run needs none.
        quick: whether a few steps on a little made-up data are enough, to see that it works.
        seeds: one training of each model for each.
        done: called with what has been trained.
        started: when, in seconds of the monotonic clock.
    """

    output: Path
    data_root: Path = Path("data")
    quick: bool = False
    seeds: Sequence[int] = (0, 1, 2)
    done: Callable[[str], None] = lambda what: None
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def report(self, title: str, paper: str) -> Report:
        """Where the outcome goes."""
        return Report(title, paper, self.output, quick=self.quick)

    @property
    def map_side(self) -> int:
        """So many points are on each side of a map of the latent plane."""
        return 30 if self.quick else 100

    def train(
        self,
        configuration: str,
        models: Sequence[str],
        data: TrainingData,
        quick_changes: Sequence[str] = (),
    ) -> list[Trained]:
        """Train each model with each seed; what has been trained before is not trained again.

        Args:
            configuration: name of the settings.
            models: names, of those in :mod:`reid.experiments.variants`.
            data: what all of them learn.
            quick_changes: what is set for a quick training besides its few steps.
        """
        # The log has an entry every 50 steps.
        changes = ["optimiser.steps=60", *quick_changes] if self.quick else []
        return train_all(
            trainings_of(configuration, models, self.seeds, changes),
            data,
            self.output / "models",
            self.done,
            # Other processes take longer to start than a quick training takes.
            workers=1 if self.quick else None,
        )

    def facts(self, trained: Sequence[Trained], samples: str) -> dict[str, str]:
        """What a report says of its trainings.

        Args:
            trained: all of them, of one configuration.
            samples: what a batch is made of: "images" …
        """
        optimiser = trained[0].settings.optimiser
        processor_seconds = sum(one.seconds for one in trained)
        return {
            "seeds": ", ".join(map(str, self.seeds)),
            "steps": f"{optimiser.steps:,} of {optimiser.batch} {samples}",
            "trainings": f"{len(trained)}, {processor_seconds:.0f} s of processor time",
            "time": f"{self.seconds:.0f} s in this run",
        }
