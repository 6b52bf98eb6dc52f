"""Where the real data are: the folder that VHP_DATA names; without it these tests are skipped."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reid.datasets.building import build_store
from reid.datasets.motchallenge import detected_footage, people, read_boxes
from reid.datasets.store import CropStore
from reid.datasets.tracklets import overlaps
from reid.evaluation.report import TestData
from reid.evaluation.table import TestSet


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def data_root() -> Path:
    root = os.environ.get("VHP_DATA")
    if not root:
        pytest.skip("VHP_DATA names no folder with real data")
    return Path(root)


@pytest.fixture(scope="session")
def golden_root(data_root: Path) -> Path:
    """Outputs of the original trackers: the folder VHP_GOLDEN, or ``golden`` beside the data."""
    root = Path(os.environ.get("VHP_GOLDEN", data_root.parent / "golden"))
    if not root.is_dir():
        pytest.skip(f"no reference outputs in {root}")
    return root


@pytest.fixture(scope="session")
def market(data_root: Path) -> Path:
    return data_root / "market1501" / "bounding_box_train"


@pytest.fixture(scope="session")
def sequence(data_root: Path) -> Path:
    """The only one with images."""
    return data_root / "MOT15" / "train" / "ADL-Rundle-6"


@pytest.fixture(scope="session")
def footage(sequence: Path) -> CropStore:
    """What a detector found in the sequence."""
    return build_store([detected_footage(sequence, sequence / "det" / "yolo11x.txt")])


@pytest.fixture(scope="session")
def people_in_footage(footage: CropStore, sequence: Path) -> NDArray[np.int64]:
    """Who is annotated where each of its crops is; -1: nobody."""
    truth = people(read_boxes(sequence / "gt" / "gt.txt"))
    who = np.full(len(footage), -1)
    for row in range(len(footage)):
        inside = truth.frames == footage.index.frame[row]
        overlap = overlaps(footage.index.box[row : row + 1], truth.boxes[inside])[0]
        if overlap.max(initial=0) > 0.5:
            who[row] = truth.identities[inside][overlap.argmax()]
    return who


@pytest.fixture(scope="session")
def held_out(market: Path, sequence: Path) -> list[TestSet]:
    """Every crop of Market-1501's last 100 identities, and of the people in the sequence."""
    sets = TestData(market, [sequence], held_out=100).sets()
    return [replace(test, name=name) for name, test in zip(("market", "adl"), sets, strict=True)]
