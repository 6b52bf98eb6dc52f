"""Frames are read ahead in a thread, which ends when it should."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from reid.footage.frames import Frame, FrameSource, SourceError
from reid.footage.readahead import ReadAhead
from reid.footage.sources import open_source
from tests.reid.footage.numbered import make_video, read_all


def interrupt_at_frame_3(path: Path) -> None:
    with open_source(path) as source:
        for frame in source:
            if frame.number == 3:
                raise KeyboardInterrupt


def wait_until(holds: Callable[[], bool]) -> None:
    """As long as that takes on a busy machine."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Ticker(FrameSource):
    """A live source that ticks every five milliseconds, as a camera would."""

    name, title, length, frame_rate, size, live = "ticker", "ticker", None, None, None, True

    def __init__(self, frames: int, fault: Exception | None = None) -> None:
        super().__init__()
        self.ticks = 0
        self._count = frames
        self._fault = fault

    def let_pass(self, ticks: int) -> None:
        enough = min(self._count, self.ticks + ticks)
        wait_until(lambda: self.ticks >= enough)

    def _frames(self) -> Generator[Frame]:
        for number in range(1, self._count + 1):
            time.sleep(0.005)
            self.ticks = number
            yield Frame(number, None)
        if self._fault:
            raise self._fault


def test_leaving_early_ends_the_thread_promptly(tmp_path: Path) -> None:
    path = make_video(tmp_path / "shop.avi", frames=200)
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        interrupt_at_frame_3(path)
    assert time.perf_counter() - started < 2.0


def test_closing_ends_an_iteration(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "shop.avi", frames=100))
    numbers = []
    for frame in source:
        numbers.append(frame.number)
        if frame.number == 2:
            source.close()
    assert numbers == [1, 2]
    assert len(read_all(source)) == 100


def test_of_a_live_source_the_newest_frame_wins() -> None:
    source = Ticker(40)
    numbers = []
    for frame in source:
        numbers.append(frame.number)
        source.let_pass(5)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 40
    assert len(numbers) < 30
    assert source.dropped == 40 - len(numbers)


def test_a_fault_in_the_thread_surfaces_at_the_consumer() -> None:
    with pytest.raises(SourceError, match="ticker: the cable is out"):
        read_all(Ticker(2, OSError("the cable is out")))
    with pytest.raises(SourceError, match=r"^frame 7$"):
        read_all(Ticker(0, SourceError("frame 7")))


def test_reading_ahead_is_bounded() -> None:
    produced = []

    def items() -> Generator[int]:
        for number in range(100):
            produced.append(number)
            yield number

    ahead = ReadAhead(items(), depth=3)
    taken = [next(ahead), next(ahead)]
    wait_until(lambda: len(produced) >= 6)
    time.sleep(0.1)
    assert taken == [0, 1]
    assert len(produced) == 2 + 3 + 1  # taken, waiting, and the one in the producer's hand
    assert list(ahead) == list(range(2, 100))
    ahead.close()


def test_the_generator_is_closed_in_its_own_thread() -> None:
    closed_in = []

    def items() -> Generator[int]:
        try:
            while True:
                yield 0
        finally:
            closed_in.append(threading.current_thread().name)

    ahead = ReadAhead(items(), depth=1)
    next(ahead)
    ahead.close()
    assert closed_in == ["read-ahead"]
    with pytest.raises(StopIteration):
        next(ahead)
