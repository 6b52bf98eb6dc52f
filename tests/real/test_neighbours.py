"""Who is taken for the same person without any label is the same person, in real crops."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from reid.datasets.store import CropIndex, CropStore
from reid.descriptor import Descriptor
from reid.evaluation.table import TestSet
from reid.training.cameras import cameras_of
from reid.training.neighbours import Likeness, find_likeness
from reid.training.settings import load_training


def likeness(images: NDArray[np.uint8], index: CropIndex, within: int | None = None) -> Likeness:
    settings = load_training("fmvae-small").data.neighbours
    assert settings is not None
    vectors = torch.from_numpy(Descriptor.load("histogram")(np.asarray(images)))
    frames = settings.within if within is None else within
    return find_likeness(vectors, index, cameras_of(index), settings.nearest, frames)


def right(pairs: NDArray[np.int64], people: NDArray[np.int64]) -> float:
    return float((people[pairs[:, 0]] == people[pairs[:, 1]]).mean())


def test_crops_of_a_moment_find_each_other_by_their_colours(held_out: list[TestSet]) -> None:
    store = held_out[0].crops
    people = store.labels.identity
    found = likeness(store.images, store.index)
    groups, pairs = found.groups.numpy(), found.pairs().numpy()
    within = groups[pairs[:, 0]] == groups[pairs[:, 1]]
    assert right(pairs[within], people) > 0.98
    assert groups.max() + 1 < 0.65 * len(store)
    # A chance pair of two cameras is right once in 100 times.
    assert right(pairs[~within], people) > 0.4


def test_tracklets_that_were_cut_short_find_each_other(
    footage: CropStore, people_in_footage: NDArray[np.int64]
) -> None:
    apart, together = (likeness(footage.images, footage.index, within) for within in (0, None))
    assert together.groups.max() < 0.7 * apart.groups.max()
    pairs = together.pairs().numpy()
    known = pairs[(people_in_footage[pairs] >= 0).all(axis=1)]
    assert right(known, people_in_footage) > 0.96
