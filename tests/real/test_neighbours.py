"""Who is taken for the same person without any label is the same person, in real crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from reid.datasets.building import build_store
from reid.datasets.market import MarketFolder
from reid.datasets.motchallenge import detected_footage, read_boxes
from reid.datasets.store import CropIndex
from reid.datasets.tracklets import overlaps
from reid.descriptor import Descriptor
from reid.training.batches import cameras_of
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


def test_crops_of_a_moment_find_each_other_by_their_colours(data_root: Path) -> None:
    store = build_store([MarketFolder(data_root / "market1501" / "bounding_box_train", only_last=150)])
    people = store.labels.identity
    found = likeness(store.images, store.index)
    groups, pairs = found.groups.numpy(), found.pairs().numpy()
    within = groups[pairs[:, 0]] == groups[pairs[:, 1]]
    assert right(pairs[within], people) > 0.98
    assert groups.max() + 1 < 0.65 * len(store)
    # A chance pair of two cameras is right once in 150 times.
    assert right(pairs[~within], people) > 0.4


def test_tracklets_that_were_cut_short_find_each_other(data_root: Path) -> None:
    sequence = data_root / "MOT15" / "train" / "ADL-Rundle-6"
    store = build_store([detected_footage(sequence, sequence / "det" / "yolo11x.txt")])
    people = _nearest_people(store.index, sequence / "gt" / "gt.txt")
    apart, together = (likeness(store.images, store.index, within) for within in (0, None))
    assert together.groups.max() < 0.7 * apart.groups.max()
    pairs = together.pairs().numpy()
    assert right(pairs[(people[pairs] >= 0).all(axis=1)], people) > 0.96


def _nearest_people(index: CropIndex, truth: Path) -> NDArray[np.int64]:
    """Who is annotated where each crop is; -1: nobody."""
    found = np.full(len(index), -1)
    annotated = read_boxes(truth)
    for frame in np.unique(index.frame):
        rows = np.flatnonzero(index.frame == frame)
        here = annotated.take(annotated.frames == frame)
        if len(here.frames):
            overlap = overlaps(index.box[rows], here.boxes)
            found[rows] = np.where(overlap.max(axis=1) > 0.5, here.identities[overlap.argmax(axis=1)], -1)
    return found
