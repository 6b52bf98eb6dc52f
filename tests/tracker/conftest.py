from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.sequences import SequenceMaker


@pytest.fixture
def make_sequence(tmp_path: Path) -> SequenceMaker:
    return SequenceMaker(tmp_path / "all sequences")


@pytest.fixture
def root(make_sequence: SequenceMaker) -> Path:
    """Where three sequences are."""
    for name in ("Night Shop-01", "Night Shop-02", "hall"):
        make_sequence(name)
    return make_sequence.root


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A test runs in a folder of its own, with a space in its name, without the data of whoever runs it."""
    monkeypatch.delenv("VHP_DATA", raising=False)
    folder = tmp_path / "my videos"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
