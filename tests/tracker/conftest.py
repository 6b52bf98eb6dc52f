from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.sequences import SequenceMaker


@pytest.fixture
def make_sequence(tmp_path: Path) -> SequenceMaker:
    return SequenceMaker(tmp_path / "all sequences")
