"""Where the real data are: the folder that VHP_DATA names; without it these tests are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
