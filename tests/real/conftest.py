"""Where the real data are: the folder that VHP_DATA names; without it these tests are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from reid.datasets.building import CropSettings, build_store
from reid.datasets.crops import CropSource
from reid.datasets.market import MarketFolder
from reid.datasets.motchallenge import LabelledSequence, detected_footage
from reid.datasets.store import CropStore
from reid.evaluation.table import TestSet
from reid.footage.sequence import SequenceInfo


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
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where crops are stored: one folder for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "stores"


def _stored(folder: Path, source: CropSource, settings: CropSettings | None = None) -> CropStore:
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        return build_store([source], settings, folder)


@pytest.fixture(scope="session")
def footage(sequence: Path, stores: Path) -> CropStore:
    """What a detector found in the sequence."""
    detections = sequence / "det" / "yolo11x.txt"
    return _stored(stores / "footage", detected_footage(sequence, detections))


@pytest.fixture(scope="session")
def held_out(market: Path, sequence: Path, stores: Path) -> list[TestSet]:
    """Every crop of Market-1501's last 100 identities, and of the people in the sequence."""
    everything = CropSettings(min_box_height=0, min_box_width=0, min_sharpness=0, min_difference=0)
    people = _stored(stores / "market", MarketFolder(market, only_last=100), everything)
    annotated = _stored(stores / "adl", LabelledSequence(sequence), everything)
    return [
        TestSet("market", people),
        TestSet("adl", annotated, SequenceInfo.read(sequence).frame_rate),
    ]
