"""From detections to a result file: one sequence through the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reid.files import FileError
from tracker.config import TrackerConfig
from tracker.detections import Detections
from tracker.engine import Tracker
from tracker.filerows import places_in_words
from tracker.motchallenge import DetectionTable, SequenceInfo, find_detections, read_detections
from tracker.results import ResultFormat, ResultWriter
from tracker.sinks import Sink, Step, running
from tracker.sources import open_source
from tracker.tracks import Tracks

if TYPE_CHECKING:
    from reid.descriptor import DescriptorProtocol

# Appearance vectors that need no images: "file" are those that stand with the detections, "auto" takes them
# if they are there.
Stored = Literal["auto", "file", "none"]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a sequence.

    Attributes:
        sequence: its name.
        result: the file that was written.
        detections: the file that was read.
        appearance: where the appearance vectors came from, "" without them.
        frames: how many frames there were.
        identities: how many tracks were shown.
        seconds: how long the tracker took for all frames, descriptor included.
        notes: what was dropped or looked wrong, in words.
    """

    sequence: str
    result: Path
    detections: Path
    appearance: str
    frames: int
    identities: int
    seconds: float
    notes: tuple[str, ...]


class SequenceRun:
    """A sequence made ready for tracking. Iterating over it tracks it, frame by frame.

    Args:
        sequence: which one.
        config: the tracker.
        detections: a detection file, or the name of one of the sequence's; None takes the best.
        descriptor: makes the appearance vectors from the images, or says which stored ones are used.
        with_images: whether the steps shall carry the images even if the descriptor does without.

    Raises:
        FileError: a file is missing, damaged, or lacks the vectors asked for.
        SourceError: images are needed and there are none.
    """

    def __init__(
        self,
        sequence: SequenceInfo,
        config: TrackerConfig,
        detections: str | None = None,
        descriptor: Stored | DescriptorProtocol = "auto",
        *,
        with_images: bool = False,
    ) -> None:
        self.sequence = sequence
        self.config = config
        self.source = find_detections(sequence, detections)
        self.table = read_detections(self.source)
        present = self.table.features is not None
        if descriptor == "file" and not present:
            raise FileError(
                f"{self.source}: no appearance vectors; expected columns behind the detections, as in "
                f"DeepSORT's .npy files (without appearance: --descriptor none)"
            )
        self._describe = None if isinstance(descriptor, str) else descriptor
        self._images = open_source(sequence) if with_images or self._describe is not None else None
        self._stored = present and descriptor in ("auto", "file") and config.uses_appearance
        self._min_confidence = config.detections.min_confidence
        self._notes = (*self.table.notes, *_oddities(self.table, sequence))
        self._tracker = Tracker(config)
        self.identities = 0
        self.seconds = 0.0

    def __len__(self) -> int:
        return self.sequence.length

    @property
    def appearance(self) -> str:
        """Where the appearance vectors come from, "" without them."""
        if self._describe is not None:
            return self._describe.name
        return self.source.name if self._stored else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was dropped or looked wrong so far, in words."""
        return self._notes if self._images is None else (*self._notes, *self._images.notes)

    def __iter__(self) -> Iterator[tuple[int, Tracks]]:
        with closing(self.steps()) as steps:
            for step in steps:
                yield step.number, step.tracks

    def steps(self) -> Generator[Step]:
        """Track the sequence from its beginning, and give each frame with all that went into it."""
        self._tracker.reset()
        self.identities, self.seconds = 0, 0.0
        with closing(self._detections()) as frames:
            started = time.perf_counter()
            for number, image, found in frames:
                try:
                    tracks = self._tracker.update(found)
                except ValueError as error:
                    raise FileError(f"{self.source}: frame {number}: {error}") from error
                self.identities = max(self.identities, int(tracks.ids.max(initial=0)))
                self.seconds += time.perf_counter() - started
                yield Step(number, image, found, tracks)
                started = time.perf_counter()

    def _detections(self) -> Generator[tuple[int, NDArray[np.uint8] | None, Detections]]:
        """Each frame's number, image and detections, with their appearance."""
        if self._images is None:
            for number in range(1, self.sequence.length + 1):
                yield number, None, self._found(number)
            return
        for frame in self._images:
            found = self._found(frame.number)
            if self._describe is not None:
                found = self._described(found, frame.image, self._describe)
            yield frame.number, frame.image, found

    def _found(self, number: int) -> Detections:
        """The detections of a frame as they are stored, with their vectors if those are to be used."""
        found = self.table.frame(number)
        if not self._stored and found.features is not None:
            found = Detections(found.boxes, found.scores, found.classes)
        return found

    def _described(
        self, found: Detections, image: NDArray[np.uint8] | None, describe: DescriptorProtocol
    ) -> Detections:
        """Detections with vectors made from the image; without an image they have none."""
        vectors = np.full((len(found), describe.width), np.nan, dtype=np.float32)
        if image is not None:
            # What the tracker will not look at need not be described.
            rows = np.ones(len(found), dtype=np.bool_)
            if self._min_confidence is not None:
                rows = found.scores >= self._min_confidence
            vectors[rows] = describe(image, found.boxes[rows])
        return Detections(found.boxes, found.scores, found.classes, vectors)


def track_sequence(
    sequence: SequenceInfo,
    config: TrackerConfig,
    output: Path,
    *,
    detections: str | None = None,
    descriptor: Stored | DescriptorProtocol = "auto",
    fmt: ResultFormat | None = None,
    sinks: Sequence[Sink] = (),
    begin: Callable[[SequenceRun], None] = lambda run: None,
    advance: Callable[[int], None] = lambda number: None,
) -> Report:
    """Track a sequence and write the result file.

    Args:
        sequence: which one.
        config: the tracker.
        output: the file to write.
        detections: see :class:`SequenceRun`.
        descriptor: see :class:`SequenceRun`.
        fmt: format of the result; None decides by the file's suffix.
        sinks: what else is made of it: a video, a window, a page.
        begin: called when everything is read.
        advance: called after each frame with its number.
    """
    wishes = {sink.images for sink in sinks}
    with_images = "needed" in wishes or ("welcome" in wishes and sequence.has_images)
    run = SequenceRun(sequence, config, detections, descriptor, with_images=with_images)
    begin(run)
    # The result file is closed first: whatever happens to the rest, it is there.
    with running(sinks, run), ResultWriter(output, fmt) as writer, closing(run.steps()) as steps:
        for step in steps:
            writer.write(step.number, step.tracks)
            for sink in sinks:
                sink.add(step)
            advance(step.number)
    return Report(
        sequence=sequence.name,
        result=output,
        detections=run.source,
        appearance=run.appearance,
        frames=sequence.length,
        identities=run.identities,
        seconds=run.seconds,
        notes=run.notes,
    )


def _oddities(table: DetectionTable, sequence: SequenceInfo) -> Iterator[str]:
    """What a user would like to know about detections that do not fit their sequence."""
    late = int(np.count_nonzero(table.frames > sequence.length))
    if late:
        yield (
            f"{table.source.name}: {late} detections beyond the last frame, {sequence.length}, are not used "
            f"(the last one is in frame {table.last_frame})"
        )
    left, top, right, bottom = table.boxes.T
    outside = (right <= 0) | (bottom <= 0) | (left >= sequence.width) | (top >= sequence.height)
    if outside.any():
        frames = places_in_words("frame", np.unique(table.frames[outside]).tolist())
        yield f"{table.source.name}: {int(outside.sum())} detections lie outside the image ({frames})"
