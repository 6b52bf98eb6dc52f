"""What every source of frames has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid.files import places_in_words
from reid.footage.readahead import ReadAhead

#: Frames a second where a source does not know.
USUAL_FRAME_RATE = 25.0

_FRAMES_AHEAD = 8


class SourceError(ValueError):
    """Frames cannot be had; the message names the source, the frame if it is one, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        number: Its number, from 1. Numbers ascend; they have gaps where a live source dropped frames, or was
            away.
        image: (height, width, 3) RGB, uint8, or None if it is missing or damaged.
    """

    number: int
    image: NDArray[np.uint8] | None


class FrameSource(ABC):
    """Frames in order, decoded ahead in a thread; a context manager that ends the thread.

    A frame that cannot be read is delivered without its image, so that the frames behind it keep their
    numbers, and logged. A file can be iterated over again; each time starts at its first frame.

    Attributes:
        name: What to call it in messages.
        title: A short name, without anything that a file name may not have.
        length: Number of frames, or None if that is not known.
        exact_length: Whether that is certain: containers of videos may promise more or fewer than come.
        frame_rate: Frames per second, or None if that is not known.
        size: Width and height in pixels, or None if that is not known.
        live: Whether frames come at their own pace. Then those that nobody took in time are dropped.
        files: All that is read, as far as it lies on this machine.
    """

    name: str
    title: str
    length: int | None
    exact_length: bool = True
    frame_rate: float | None
    size: tuple[int, int] | None
    live: bool = False
    files: tuple[Path, ...] = ()

    def __init__(self) -> None:
        self._ahead: ReadAhead[Frame] | None = None
        self._stopping = Event()
        self._missing: list[int] = []
        self._events: list[str] = []
        self._back_at: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        self._stop()
        self._stopping.clear()
        self._missing.clear()
        self._events.clear()
        self._back_at.clear()
        ahead = self._ahead = ReadAhead(
            self._frames(), depth=1 if self.live else _FRAMES_AHEAD, newest_wins=self.live
        )
        try:
            yield from ahead
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(f"{self.name}: {error}") from error
        finally:
            ahead.close()

    def close(self) -> None:
        """Let go of the file or device; an iteration that is under way ends."""
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()
        if self._ahead is not None:
            self._ahead.close()

    def fingerprint(self, number: int) -> str | None:
        """Stands for what a frame shows, without decoding it; None if it is missing, or never was in a file.

        It depends on the contents of the file, not on where that is.
        """
        return None

    @property
    def dropped(self) -> int:
        """How many frames of a live source came faster than they were taken."""
        return 0 if self._ahead is None else self._ahead.dropped

    def was_away(self, after: int, until: int) -> bool:
        """Whether a live source was lost, and came back, after one frame and until another."""
        return any(after < number <= until for number in self._back_at)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong with the frames so far, in words."""
        notes = []
        if self._missing:
            places = places_in_words("frame", self._missing)
            notes.append(
                f"{self.name}: {len(self._missing)} of {self.length} images missing or damaged ({places})"
            )
        notes += [f"{self.name}: {event}" for event in self._events]
        if self.dropped:
            notes.append(f"{self.name}: {self.dropped} frames dropped, to keep up with it")
        return tuple(notes)

    @abstractmethod
    def _frames(self) -> Generator[Frame]:
        """Decode frame after frame; runs in the thread."""
