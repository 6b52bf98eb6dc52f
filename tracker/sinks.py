"""What is made of a sequence while it is tracked, besides the result file: a video, a window, a page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tracker.detections import Detections
from tracker.tracks import Tracks

if TYPE_CHECKING:
    from tracker.pipeline import SequenceRun


class SinkError(RuntimeError):
    """Something cannot be shown or written; the message says what, and what would be needed."""


@dataclass(frozen=True, slots=True)
class Step:
    """All that is known about one frame once it is tracked.

    Attributes:
        number: its number, from 1.
        image: (height, width, 3) RGB; None where it is missing, or where nobody asked for images.
        detections: what was detected in it, with the appearance vectors if there are any.
        tracks: what the tracker made of it.
    """

    number: int
    image: NDArray[np.uint8] | None
    detections: Detections
    tracks: Tracks


class Sink(ABC):
    """Gets every frame of one sequence, in order.

    Attributes:
        images: whether it can do without images, makes use of those that there are, or needs them.
        path: the file that it makes; None if it makes none.
        kept: where that is which was there when the run was stopped; None if there is nothing.
    """

    images: ClassVar[Literal["unused", "welcome", "needed"]] = "needed"
    path: Path | None = None
    kept: Path | None = None

    @abstractmethod
    def begin(self, run: SequenceRun) -> None:
        """A sequence is ready to be tracked."""

    @abstractmethod
    def add(self, step: Step) -> None:
        """The next frame is tracked."""

    @abstractmethod
    def end(self, *, complete: bool) -> None:
        """No frame comes any more: all were there, or an error or Ctrl-C came in between."""


@contextmanager
def running(sinks: Sequence[Sink], run: SequenceRun) -> Iterator[None]:
    """Begin every sink, and end every one that was begun, whatever happens in between."""
    with ExitStack() as stack:
        for sink in sinks:
            sink.begin(run)

            def end(kind: type[BaseException] | None, *_: object, sink: Sink = sink) -> None:
                sink.end(complete=kind is None)

            stack.push(end)
        yield


def partial(path: Path) -> Path:
    """Where a file is written until it is whole; the suffix stays, by which programs know what it is."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")
