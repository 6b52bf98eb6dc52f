"""The descriptors that ship load, are small, and say what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import reid
from reid.descriptor import Descriptor
from reid.weights_file import read_descriptor_file

FOLDER = Path(reid.__file__).parent / "weights"
SHIPPED = sorted(FOLDER.glob("*.safetensors"))


def test_all_together_are_small() -> None:
    assert SHIPPED
    assert sum(path.stat().st_size for path in SHIPPED) < 40e6


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_descriptor_is_ready(path: Path) -> None:
    descriptor = Descriptor.load(path.stem, "cpu")
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    frame[:, :80] //= 4
    vectors = descriptor(frame, np.array([[10.0, 5, 50, 110], [12, 8, 52, 112], [100, 5, 140, 110]]))
    assert vectors.shape == (3, 128)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distance = 1 - unit @ unit.T
    assert distance[0, 1] < distance[0, 2]
    about, _ = read_descriptor_file(path)
    assert about.name == path.stem
    assert about.auc is not None
    assert about.training_data
    assert "/" not in about.training_data, "a path of the machine it was trained on"
    assert path.stem in (FOLDER / "README.md").read_text(encoding="utf-8")
