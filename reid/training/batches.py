"""Batches that depend on nothing but the seed and the step, so that a resumed run sees the same ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from reid.crops import Images
from reid.datasets.store import TrainingView
from reid.descriptor import Vectors
from reid.models.stripes import COLOURS, statistics_of_crops, stripe_statistics
from reid.training.augment import augment
from reid.training.cameras import cameras_of
from reid.training.components import Components, principal_components
from reid.training.levelling import OwnStatistics, level_cameras
from reid.training.neighbours import Likeness, Members, find_likeness, only_tracklets
from reid.training.settings import AugmentSettings, DataSettings, NeighbourSettings


@dataclass(frozen=True, slots=True)
class Batch:
    """What a method trains on in one step.

    Attributes:
        x: what the encoder reads, augmented.
        targets: the clean parts of the observation, or what else the method wants.
    """

    x: Tensor
    targets: dict[str, Tensor]


class Batches(Protocol):
    """Data that a training can draw from."""

    def __len__(self) -> int:
        """How many samples there are."""

    def batch(self, rows: NDArray[np.int64], generator: Generator) -> Batch:
        """The samples in ``rows``, on the generator's device."""

    def look_again(self, step: int, describe: Callable[[Tensor], Tensor]) -> None:
        """Adapt the targets to what the model has learnt, if this step is one for that.

        Args:
            step: the step to come.
            describe: the model as it is by now, images (N, 3, H, W) to vectors (N, D).
        """
        return

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint needs to give the same batches again."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up such a state."""
        return


def rows_of_step(count: int, batch: int, step: int, seed: int) -> NDArray[np.int64]:
    """Which samples belong to a step: every epoch goes through all of them once, in another order."""
    if count < batch:
        # A batch has two at least.
        fewer = f", or --set optimiser.batch={count}" if count > 1 else ""
        raise ValueError(f"{count} samples are fewer than one batch of {batch}; expected more{fewer}")
    per_epoch = count // batch
    epoch, position = divmod(step, per_epoch)
    order = np.random.default_rng((seed, epoch)).permutation(count)
    return order[position * batch : (position + 1) * batch]


def generator_of_step(seed: int, step: int, device: torch.device, process: int = 0) -> Generator:
    """A source of randomness for one step (and one of several processes)."""
    (state,) = np.random.SeedSequence((seed, step, process)).generate_state(1, np.uint64)
    return Generator(device).manual_seed(int(state) & (2**63 - 1))


def _pixels(crops: Images) -> Tensor:
    """Crops with the channels first, which stay last in memory, as convolutions like best.

    Nothing is copied: what lies in a file is read when it is looked at.
    """
    with warnings.catch_warnings():
        # Nobody writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(crops).permute(0, 3, 1, 2)


# Parts of an observation that can be made from a crop: its pixels; its stripe statistics; those that it has
# in common with its tracklet and with its neighbours in other cameras.
IMAGE, STATISTICS, COMMON = "image", "statistics", "common_statistics"
PARTS = (IMAGE, STATISTICS, COMMON)


class CropBatches(Batches):
    """Crops, augmented for the encoder, with the parts of the observation of each.

    Args:
        view: the crops; there are no labels in it.
        parts: names of the parts, of :data:`PARTS`.
        data: whose values the targets are, and how they are levelled and shared.
        augmentation: of the input.
        vectors: (N, D) of the crops, by a descriptor that is there already; the first neighbours come from
            them.
    """

    def __init__(
        self,
        view: TrainingView,
        parts: Sequence[str],
        data: DataSettings,
        augmentation: AugmentSettings,
        vectors: Vectors | None = None,
    ) -> None:
        _check(parts, data)
        self._images = _pixels(view.images)
        self._index = view.index
        self._cameras = cameras_of(view.index)
        self._augmentation = augmentation
        self._colours = data.colours
        self._members = Members(only_tracklets(view.index).groups) if data.target == "tracklet" else None
        self._own_of, self._steady = data.own_statistics, data.steady_statistics
        self._neighbour_settings = data.neighbours
        # What this looks at is gone before the statistics are counted that stay.
        likeness = self._first_likeness(data, vectors)
        made = {IMAGE: self._images}
        if STATISTICS in parts or COMMON in parts:
            found = statistics_of_crops(self._images, data.colours)
            self._mean = found.mean(dim=0)
            # A rare colour tells as much as a common one from one camera to the next; within a camera the
            # proportions tell more.
            shared = level_cameras(found, self._cameras) if data.level_cameras else found
            self._own = OwnStatistics(
                found,
                self._cameras if data.level_cameras else None,
                data.even_statistics,
                shared.std(correction=0),
            )
            if self._own_of == "clean":
                made[STATISTICS] = self._own.of_all()
            made[COMMON] = shared
        self._targets = {part: made[part] for part in parts if part in made}
        self._shared = made[COMMON] if COMMON in parts else None
        self._take(likeness)

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: NDArray[np.int64], generator: Generator) -> Batch:
        """The crops in ``rows``, each with its own target or that of another crop of its tracklet."""
        device = generator.device
        aims = rows if self._members is None else self._members.drawn(rows, generator)
        x = self._images[rows].to(device, non_blocking=True)
        targets = {part: values[aims].to(device, non_blocking=True) for part, values in self._targets.items()}
        varied = augment(x, self._augmentation, generator)
        if self._own_of != "clean":
            # Like those of the clean crops, in float32.
            with torch.autocast(device.type, enabled=False):
                shown = varied.moved if self._own_of == "moved" else varied.seen
                found = stripe_statistics(shown, self._colours)
                targets[STATISTICS] = self._own(found, self._cameras[rows])
        return Batch(varied.seen, targets)

    def look_again(self, step: int, describe: Callable[[Tensor], Tensor]) -> None:
        """Find who follows whom and the neighbours in other cameras, if that is asked for and due."""
        if self._neighbour_settings is None or not self._neighbour_settings.due(step):
            return
        self._take(self._found(describe(self._images), self._neighbour_settings))

    def components(self, latents: int) -> Components:
        """The linear model to begin with, of the crops' own statistics as known neighbours make them."""
        targets = {STATISTICS: self._own.of_all()}
        if COMMON in self._targets:
            targets[COMMON] = self._targets[COMMON]
        return principal_components(self._own, self._mean, targets, latents)

    def state(self) -> dict[str, Tensor]:
        """Which crops are taken for one person's."""
        return {"groups": self._likeness.groups, "neighbours": self._likeness.neighbours}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take the same ones again."""
        self._take(Likeness(state["groups"].cpu(), state["neighbours"].cpu()))

    def _first_likeness(self, data: DataSettings, vectors: Vectors | None) -> Likeness:
        """Who probably is the same person before the first step."""
        if data.neighbours is None:
            return only_tracklets(self._index)
        if data.neighbours.first_by in COLOURS:
            # Counted otherwise than they are learnt from, crops are taken for one another for other reasons:
            # what such pairs differ in is then not just what the model is blind to anyway.
            found = statistics_of_crops(self._images, data.neighbours.first_by)
            cameras = self._cameras if data.level_cameras else None
            own = OwnStatistics(found, cameras, data.even_statistics, torch.tensor(1.0))
            return self._found(own.of_all(), data.neighbours)
        # Until neighbours are found, a crop shares its statistics with its tracklet only.
        if vectors is None:
            return only_tracklets(self._index)
        return self._found(torch.from_numpy(vectors), data.neighbours)

    def _found(self, vectors: Tensor, settings: NeighbourSettings) -> Likeness:
        return find_likeness(vectors, self._index, self._cameras, settings.nearest, settings.within)

    def _take(self, likeness: Likeness) -> None:
        self._likeness = likeness
        if self._shared is not None:
            self._targets[COMMON] = likeness.common(self._shared)
        if self._steady:
            self._own.steady(likeness.pairs(), self._steady)
            if self._own_of == "clean":
                self._targets[STATISTICS] = self._own.of_all()


def _check(parts: Sequence[str], data: DataSettings) -> None:
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ValueError(f"no part {unknown[0]!r} can be made from crops; known: {', '.join(PARTS)}")
    if data.own_statistics != "clean":
        chosen = f"data.own_statistics: {data.own_statistics}"
        if STATISTICS not in parts:
            raise ValueError(f"{chosen} acts on the part {STATISTICS!r}, which is not observed")
        if data.target == "tracklet":
            raise ValueError(f"{chosen} is of the crop itself; data.target is tracklet: another crop")
    for setting in ("steady_statistics", "even_statistics"):
        if getattr(data, setting) and STATISTICS not in parts:
            raise ValueError(f"data.{setting} acts on the part {STATISTICS!r}, which is not observed")
    if data.level_cameras and not {STATISTICS, COMMON}.intersection(parts):
        raise ValueError(
            f"data.level_cameras acts on the parts {STATISTICS!r} and {COMMON!r}; neither is observed"
        )
    if data.neighbours is not None and COMMON not in parts and not data.steady_statistics:
        raise ValueError(f"data.neighbours acts on the part {COMMON!r}, which is not observed")


class LabelledCropBatches(Batches):
    """Crops with the numbers of their identities, for the supervised method only.

    A step's rows are not taken from an order of all crops: some identities are drawn, and some crops of each.
    """

    def __init__(
        self,
        images: Images,
        identities: NDArray[np.int64],
        images_per_identity: int,
        augmentation: AugmentSettings,
    ) -> None:
        known = identities >= 0
        self._images = _pixels(np.asarray(images)[known])
        self.names, self._classes = np.unique(identities[known], return_inverse=True)
        self._per_identity = images_per_identity
        self._rows_of = [np.flatnonzero(self._classes == number) for number in range(len(self.names))]
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: NDArray[np.int64], generator: Generator) -> Batch:
        """As many crops as ``rows`` has, of identities drawn by the generator."""
        (seed,) = torch.randint(2**62, (1,), generator=generator, device=generator.device).tolist()
        rng = np.random.default_rng(seed)
        count = max(2, len(rows) // self._per_identity)
        people = rng.choice(len(self.names), min(count, len(self.names)), replace=False)
        drawn = np.concatenate([rng.choice(self._rows_of[person], self._per_identity) for person in people])
        x = augment(self._images[drawn].to(generator.device), self._augmentation, generator).seen
        labels = torch.from_numpy(self._classes[drawn]).to(generator.device)
        return Batch(x, {"identity": labels})


class ArrayBatches(Batches):
    """Plain arrays: vectors or small images, noisy for the encoder, clean as a target.

    Args:
        x: (N, ...) clean data.
        noise: deviation of the noise that is added to what the encoder reads.
        part: the name of the observation's only part.
    """

    def __init__(self, x: NDArray[np.float32], noise: float = 0.0, part: str = "data") -> None:
        self._x = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
        self._noise, self._part = noise, part

    def __len__(self) -> int:
        return len(self._x)

    def batch(self, rows: NDArray[np.int64], generator: Generator) -> Batch:
        """The samples in ``rows``."""
        clean = self._x[rows].to(generator.device)
        noise = torch.randn(clean.shape, generator=generator, device=generator.device)
        return Batch(clean + self._noise * noise if self._noise else clean, {self._part: clean})
