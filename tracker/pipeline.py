"""From frames and detections to a result file: one sequence through the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid.describing import Describing, Finding
from reid.files import FileError
from reid.footage.frames import USUAL_FRAME_RATE, Frame, FrameSource
from reid.footage.sources import open_source
from tracker.boxsource import BoxSource, StoredBoxes, open_boxes
from tracker.config import Stored, TrackerConfig
from tracker.detections import Detections
from tracker.engine import Tracker
from tracker.intake import score_limits
from tracker.motchallenge import SequenceInfo
from tracker.results import ResultFormat, ResultWriter
from tracker.sinks import Sink, Step, running
from tracker.tracks import Tracks

if TYPE_CHECKING:
    from reid.descriptor import Description, DescriptorProtocol
    from reid.vectorcache import VectorCache

__all__ = ["BoxSource", "Report", "SequenceRun", "Stored", "track_sequence"]

# The detections of a frame, and the rows of those that are described.
_Found: TypeAlias = tuple[Detections, NDArray[np.intp]]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a sequence.

    Attributes:
        sequence: its name.
        result: the file that was written.
        detections: where they came from.
        appearance: where the appearance vectors came from, "" without them.
        frames: the number of the last frame; what is live may have dropped some before it.
        tracked: how many frames were tracked.
        identities: how many tracks were shown.
        seconds: how long it took, from the first frame to the last.
        encoding: for how much of that time vectors were computed.
        notes: what was dropped or looked wrong, in words.
    """

    sequence: str
    result: Path
    detections: str
    appearance: str
    frames: int
    tracked: int
    identities: int
    seconds: float
    encoding: float
    notes: tuple[str, ...]


class SequenceRun:
    """Frames made ready for tracking. Iterating over it tracks them, one by one.

    Args:
        frames: a sequence on disk, or any other source of frames.
        config: the tracker.
        detections: what is detected in the frames; or a detection file, or the name of one of the
            sequence's. None takes the sequence's best.
        descriptor: makes the appearance vectors from the images, or says which stored ones are used.
        with_images: whether the steps shall carry the images even if nothing else needs them.
        cache: keeps the descriptor's vectors for another run.

    Attributes:
        sequence: the sequence on disk; None for another source.
        name: what to call it.
        boxes: what is detected.
        frame: the number of the last frame that was tracked.
        tracked: how many frames were tracked so far.
        identities: how many tracks were shown so far.
        seconds: how long it took so far.

    Raises:
        FileError: a file is missing, damaged, or lacks the vectors asked for.
        SourceError: images are needed and there are none.
    """

    def __init__(
        self,
        frames: SequenceInfo | FrameSource,
        config: TrackerConfig,
        detections: BoxSource | str | None = None,
        descriptor: Stored | DescriptorProtocol = "auto",
        *,
        with_images: bool = False,
        cache: VectorCache | None = None,
    ) -> None:
        self.sequence = frames if isinstance(frames, SequenceInfo) else None
        self.name = frames.title if isinstance(frames, FrameSource) else frames.name
        self.config = config
        self.boxes = open_boxes(frames, detections)
        self._describe = None if isinstance(descriptor, str) else descriptor
        self._stored = _uses_stored(self.boxes, descriptor) and config.uses_appearance
        self._source: FrameSource | None = None
        if isinstance(frames, FrameSource):
            self._source = frames
        elif with_images or self._describe is not None or self.boxes.needs_images:
            self._source = open_source(frames)
        self._describing: Describing[_Found] | None = None
        if self._source is not None:
            self._describing = Describing(
                self._source,
                self._find,
                self._describe,
                sees=self.boxes.needs_images,
                keep_images=with_images,
                cache=cache,
            )
        self._cache = cache
        self._tracker = Tracker(config)
        self.frame, self.tracked, self.identities, self.seconds = 0, 0, 0, 0.0
        self._complete = False

    @property
    def length(self) -> int | None:
        """How many frames there are, if that is known; a video may say it wrongly."""
        if self.sequence is not None:
            return self.sequence.length
        return None if self._source is None else self._source.length

    @property
    def frame_rate(self) -> float | None:
        """Frames per second, if that is known."""
        if self.sequence is not None:
            return self.sequence.frame_rate
        return None if self._source is None else self._source.frame_rate

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels, if they are known."""
        if self.sequence is not None:
            return self.sequence.width, self.sequence.height
        return None if self._source is None else self._source.size

    @property
    def live(self) -> bool:
        """Whether the frames come at their own pace."""
        return self._source is not None and self._source.live

    @property
    def appearance(self) -> str:
        """Where the appearance vectors come from, "" without them."""
        if self._describe is not None:
            return self._describe.name
        return self.boxes.name if self._stored else ""

    @property
    def stored(self) -> bool:
        """Whether the appearance vectors are those that came with the detections."""
        return self._stored

    @property
    def encoding(self) -> float:
        """Seconds spent on computing vectors so far."""
        return 0.0 if self._describing is None else self._describing.encoding

    @property
    def notes(self) -> tuple[str, ...]:
        """What was dropped or looked wrong so far, in words."""
        notes = list(self.boxes.notes)
        if isinstance(self.boxes, StoredBoxes):
            last = self._last_frame(self.boxes.table.last_frame)
            notes += self.boxes.oddities(last, self.size, score_limits(self.config))
            notes += _odd_scores(self.boxes, self.config)
        if self._source is not None:
            notes += self._source.notes
        if self._cache is not None:
            notes += self._cache.notes
        return tuple(notes)

    def _last_frame(self, detected: int) -> int | None:
        """The number of the last frame, if it is certain, and news to whoever has detections until there."""
        if self._source is None or self._source.exact_length:
            return self.length
        # A video that ends before a frame that it promises says so itself.
        told = self.frame < detected <= (self._source.length or 0)
        return self.frame if self._complete and not told else None

    def __iter__(self) -> Iterator[tuple[int, Tracks]]:
        with closing(self.steps()) as steps:
            for step in steps:
                yield step.number, step.tracks

    def steps(self) -> Generator[Step]:
        """Track from the first frame, and give each frame with all that went into it."""
        self._tracker.reset()
        self.frame, self.tracked, self.identities, self.seconds = 0, 0, 0, 0.0
        self._complete = False
        started = time.perf_counter()
        with closing(self._frames()) as frames:
            for number, image, found in frames:
                self._end_tracks_of_before(number)
                try:
                    tracks = self._tracker.update(found)
                except ValueError as error:
                    raise FileError(f"{self.boxes.name}: frame {number}: {error}") from error
                self.frame = number
                self.tracked += 1
                self.identities = max(self.identities, int(tracks.ids.max(initial=0)))
                self.seconds = time.perf_counter() - started
                yield Step(number, image, found, tracks)
        self._complete = True

    def _end_tracks_of_before(self, number: int) -> None:
        """Where a live source was away for long: somebody else may stand there afterwards.

        Frames that it drops because nobody takes them in time are none for the tracker, or tracks would end
        the sooner the slower the machine is.
        """
        age = self.config.lifecycle.max_age
        long = number - self.frame - 1 > max(age, self.frame_rate or USUAL_FRAME_RATE)
        if long and self._source is not None and self._source.was_away(self.frame, number):
            for _ in range(age + 1):
                self._tracker.update(Detections.empty())

    def _frames(self) -> Generator[tuple[int, NDArray[np.uint8] | None, Detections]]:
        """Each frame's number, image and detections, with their appearance."""
        if self._describing is None:
            assert self.length is not None
            for number in range(1, self.length + 1):
                yield number, None, self._with_stored_vectors(self.boxes(number, None))
            return
        with closing(iter(self._describing)) as frames:
            for frame in frames:
                yield frame.number, frame.image, self._with_vectors(frame.found, frame.description)

    def _find(self, frame: Frame) -> Finding[_Found]:
        """What is in a frame. What the tracker will not look at need not be described."""
        found = self.boxes(frame.number, frame.image)
        least = self.config.detections.min_confidence
        rows = np.arange(len(found)) if least is None else np.flatnonzero(found.scores >= least)
        return Finding((found, rows), found.boxes[rows])

    def _with_vectors(self, found: _Found, description: Description | None) -> Detections:
        detections, rows = found
        if description is None:
            return self._with_stored_vectors(detections)
        every = type(description).unseen(len(detections), description.vectors.shape[1])
        every.put(rows, description)
        return Detections(detections.boxes, detections.scores, detections.classes, *every)

    def _with_stored_vectors(self, found: Detections) -> Detections:
        """The detections without the vectors that came with them, unless those are to be used."""
        if self._stored or found.features is None:
            return found
        return Detections(found.boxes, found.scores, found.classes)


def track_sequence(
    frames: SequenceInfo | FrameSource,
    config: TrackerConfig,
    output: Path,
    *,
    detections: BoxSource | str | None = None,
    descriptor: Stored | DescriptorProtocol = "auto",
    fmt: ResultFormat | None = None,
    sinks: Sequence[Sink] = (),
    cache: VectorCache | None = None,
    begin: Callable[[SequenceRun], None] = lambda run: None,
    advance: Callable[[int], None] = lambda number: None,
) -> Report:
    """Track a sequence, a video, a camera … and write the result file.

    Args:
        frames: see :class:`SequenceRun`.
        config: the tracker.
        output: the file to write.
        detections: see :class:`SequenceRun`.
        descriptor: see :class:`SequenceRun`.
        fmt: format of the result; None decides by the file's suffix.
        sinks: what else is made of it: a video, a window, a page.
        cache: see :class:`SequenceRun`.
        begin: called when everything is read.
        advance: called after each frame with its number.
    """
    wishes = {sink.images for sink in sinks}
    there = isinstance(frames, FrameSource) or frames.has_images
    with_images = "needed" in wishes or ("welcome" in wishes and there)
    run = SequenceRun(frames, config, detections, descriptor, with_images=with_images, cache=cache)
    begin(run)
    # The result file is closed first: whatever happens to the rest, it is there.
    with running(sinks, run), ResultWriter(output, fmt) as writer, closing(run.steps()) as steps:
        try:
            for step in steps:
                writer.write(step.number, step.tracks)
                for sink in sinks:
                    sink.add(step)
                advance(step.number)
        except KeyboardInterrupt:
            # What is live has no other end.
            if not run.live:
                raise
    return Report(
        sequence=run.name,
        result=output,
        detections=run.boxes.name,
        appearance=run.appearance,
        frames=run.frame,
        tracked=run.tracked,
        identities=run.identities,
        seconds=run.seconds,
        encoding=run.encoding,
        notes=run.notes,
    )


def _odd_scores(boxes: StoredBoxes, config: TrackerConfig) -> Iterator[str]:
    """Where a tracker's idea of a sure detection does not fit the detector's."""
    highest = boxes.table.scores.max(initial=0.0)
    # Who chose a threshold beyond 1 knows what scores there are.
    meant = [f"{key} ({score:g})" for key, score in config.score_thresholds.items() if score <= 1]
    if highest > 1 and meant:
        yield (
            f"{boxes.name}: scores up to {highest:g}; {', '.join(meant)} expect some from 0 to 1, and "
            f"can be changed with --set"
        )


def _uses_stored(boxes: BoxSource, descriptor: Stored | DescriptorProtocol) -> bool:
    """Whether the vectors that come with the detections are the ones to use."""
    there = isinstance(boxes, StoredBoxes) and boxes.has_vectors
    if descriptor == "file" and not there:
        where = boxes.table.source if isinstance(boxes, StoredBoxes) else boxes.name
        raise FileError(
            f"{where}: no appearance vectors; expected columns behind the detections, as in DeepSORT's "
            f".npy files (without appearance: --descriptor none)"
        )
    return there and descriptor in ("auto", "file")
