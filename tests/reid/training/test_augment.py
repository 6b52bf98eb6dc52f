"""Variations of crops: as the encoder sees them, and the same in their own colours."""

from __future__ import annotations

import torch
from torch import Generator

from reid.training.augment import augment
from reid.training.settings import AugmentSettings

CROPS = torch.randint(0, 256, (6, 3, 32, 16), dtype=torch.uint8, generator=Generator().manual_seed(1))
MOVED = {"flip": 0.5, "shift": 0.1, "zoom": 0.1}
RECOLOURED = {"brightness": 0.3, "contrast": 0.3, "tint": 0.1}


def seeded() -> Generator:
    return Generator().manual_seed(2)


def test_nothing_asked_for_changes_nothing() -> None:
    varied = augment(CROPS, AugmentSettings(), seeded())
    assert torch.equal(varied.seen, CROPS.float() / 255)
    assert torch.equal(varied.moved, varied.seen)


def test_colours_change_only_in_what_is_seen() -> None:
    moved = augment(CROPS, AugmentSettings(**MOVED), seeded())
    assert torch.equal(moved.moved, moved.seen)
    assert not torch.equal(moved.seen, CROPS.float() / 255)
    varied = augment(CROPS, AugmentSettings(**MOVED, **RECOLOURED, noise=0.1), seeded())
    assert torch.equal(varied.moved, moved.moved)
    assert not torch.isclose(varied.seen, varied.moved).all(dim=3).all(dim=2).any()


def test_both_are_covered_alike() -> None:
    bare = augment(CROPS, AugmentSettings(**MOVED, **RECOLOURED), seeded())
    varied = augment(CROPS, AugmentSettings(**MOVED, **RECOLOURED, erase=1.0), seeded())
    covered = (varied.moved != bare.moved).any(dim=1)
    assert torch.equal((varied.seen != bare.seen).any(dim=1), covered)
    share = covered.float().mean(dim=(1, 2))
    assert ((share > 0.02) & (share < 0.3)).all()
    for seen, moved, where in zip(varied.seen, varied.moved, covered, strict=True):
        assert torch.equal(seen[:, where], moved[:, where])
        assert len(torch.unique(moved[:, where], dim=1).T) == 1
