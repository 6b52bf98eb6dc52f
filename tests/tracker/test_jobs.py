"""What a run of ``track`` consists of, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reid.footage.frames import Frame, FrameSource
from tracker.jobs import Job, how_far


class Promising(FrameSource):
    """Footage that says how many frames it has."""

    def __init__(self, length: int | None) -> None:
        super().__init__()
        self.name = self.title = "street"
        self.length = length

    def _frames(self) -> Iterator[Frame]:
        yield from ()


@pytest.mark.parametrize("length, said", [(60, "40 of 60"), (40, "40 of 40"), (28, "40"), (None, "40")])
def test_a_promise_that_was_wrong_is_not_repeated(tmp_path: Path, length: int | None, said: str) -> None:
    result = tmp_path / "street.txt"
    result.touch()
    told = how_far(Job("street", "street.mkv", Promising(length)), 40, result, [])
    assert told == f"stopped after {said} frames of street; what was tracked is in {result}"
