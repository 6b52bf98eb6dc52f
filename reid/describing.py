"""From frames to described boxes: finding, cutting and encoding, each in a thread of its own.

While somebody works with one frame, crops of the next ones are encoded, boxes are found and cut in those
behind, and still later ones are decoded. Networks and OpenCV compute outside of Python's lock, so that all of
this goes on at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from threading import Event
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from reid.crops import Boxes, Images
from reid.descriptor import Crops, Description, DescriptorProtocol
from reid.footage.frames import Frame, FrameSource
from reid.footage.readahead import ReadAhead
from reid.vectorcache import Entry, VectorCache

_CROPS_AT_ONCE = 64
# What waits between the threads is bounded by frames, too, as these are large where their images are kept.
_FRAMES_WITH_IMAGES = 8
_FRAMES_WITHOUT = 64
# Encoding a batch on a slow processor takes seconds; a thread that is at it is waited for.
_PATIENCE = 60.0

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Finding(Generic[Found]):
    """What is in a frame.

    Attributes:
        found: whatever is to be known about it later.
        boxes: (N, 4) what is to be described.
    """

    found: Found
    boxes: Boxes


@dataclass(frozen=True, slots=True)
class Described(Generic[Found]):
    """A frame with what is in it.

    Attributes:
        number: its number, from 1.
        image: None where it is missing, or where nobody asked for images.
        found: as it was found.
        description: of the boxes to describe; None without a descriptor.
    """

    number: int
    image: Images | None
    found: Found
    description: Description | None


class _Rest(NamedTuple):
    """What is still to be encoded of a frame: which rows of its description come from which crops."""

    description: Description
    rows: NDArray[np.intp]
    crops: Crops


@dataclass(slots=True)
class _Work(Generic[Found]):
    """A frame on its way through the threads."""

    number: int
    image: Images | None
    finding: Finding[Found]
    description: Description | None = None
    rest: _Rest | None = None
    fingerprint: str | None = None  # where the description is to be kept

    @property
    def crops(self) -> int:
        return 0 if self.rest is None else len(self.rest.rows)

    @property
    def done(self) -> Described[Found]:
        return Described(self.number, self.image, self.finding.found, self.description)


class Describing(Generic[Found]):
    """Frames with what is in them, described. Iterating over it starts with the first frame.

    Args:
        source: the frames.
        find: says what is in a frame; it is called in the order of the frames, in a thread.
        descriptor: what describes it; None leaves it undescribed.
        sees: whether ``find`` looks at the images.
        keep_images: whether the images come along.
        cache: keeps vectors and gives them again. Where no image is needed for anything else, those whose
            vectors are known are not even decoded.

    Attributes:
        encoding: seconds spent on computing vectors in this iteration.
    """

    def __init__(
        self,
        source: FrameSource,
        find: Callable[[Frame], Finding[Found]],
        descriptor: DescriptorProtocol | None,
        *,
        sees: bool = False,
        keep_images: bool = False,
        cache: VectorCache | None = None,
    ) -> None:
        self.encoding = 0.0
        self._source = source
        self._find = find
        self._descriptor = descriptor
        self._sees = sees
        self._keep_images = keep_images
        self._cache = cache
        self._crops_at_once = max(_CROPS_AT_ONCE, descriptor.batch) if descriptor is not None else 0
        # A live source cannot wait for more frames to fill a batch.
        frames = _FRAMES_WITH_IMAGES if keep_images else _FRAMES_WITHOUT
        self._frames_at_once = 1 if source.live else frames
        self._stopped = Event()

    def __iter__(self) -> Generator[Described[Found]]:
        self.encoding = 0.0
        self._stopped.clear()
        looked = ReadAhead(self._look(), depth=self._frames_at_once)
        done = ReadAhead(self._encode(looked), depth=self._frames_at_once)
        try:
            yield from done
        finally:
            # In this order: whoever waits for something from before gets to know that nothing will come.
            self._stopped.set()
            self._source.close()
            looked.close(_PATIENCE)
            done.close(_PATIENCE)

    def _look(self) -> Generator[_Work[Found]]:
        """Find out what is in each frame, and cut out what is to be described."""
        number = 1
        while (work := self._recalled(number)) is not None:
            yield work
            number += 1
        if number - 1 == self._source.length and self._is_known_end(number - 1):
            return
        last = 0
        for frame in self._source:
            last = frame.number
            if last >= number:
                yield self._looked_at(frame)
        # Closing a source ends it, too, wherever it is.
        if last == self._source.length and not self._stopped.is_set():
            self._note_end(last)

    def _is_known_end(self, number: int) -> bool:
        """Whether nothing comes behind a frame that is the last according to the source."""
        if self._source.exact_length or self._cache is None or self._descriptor is None:
            return True
        end = self._end_fingerprint(number)
        return end is not None and self._cache.get(end, self._descriptor.fingerprint) is not None

    def _note_end(self, number: int) -> None:
        """Keep for another time that the source was right about its last frame."""
        if self._source.exact_length or self._cache is None or self._descriptor is None:
            return
        if (end := self._end_fingerprint(number)) is not None:
            nothing = Entry(np.empty((0, 4)), Description.unseen(0, self._descriptor.width))
            self._cache.put(self._descriptor.fingerprint, [(end, nothing)])

    def _end_fingerprint(self, number: int) -> str | None:
        """Stands for the fact that a frame is the last one."""
        fingerprint = self._source.fingerprint(number)
        return None if fingerprint is None else f"{fingerprint} is the last"

    def _recalled(self, number: int) -> _Work[Found] | None:
        """A frame of which all is known although nobody has seen it; None if something is not."""
        if self._cache is None or self._descriptor is None or self._sees or self._keep_images:
            return None
        fingerprint = self._source.fingerprint(number)
        entry = None if fingerprint is None else self._cache.get(fingerprint, self._descriptor.fingerprint)
        if entry is None:
            return None
        finding = self._find(Frame(number, None))
        rows = entry.find(finding.boxes)
        return None if (rows < 0).any() else _Work(number, None, finding, entry.description.take(rows))

    def _looked_at(self, frame: Frame) -> _Work[Found]:
        finding = self._find(frame)
        work = _Work(frame.number, frame.image if self._keep_images else None, finding)
        if self._descriptor is None:
            return work
        boxes = finding.boxes
        work.description = Description.unseen(len(boxes), self._descriptor.width)
        if frame.image is None:
            return work
        unknown = np.arange(len(boxes))
        if self._cache is not None and (fingerprint := self._source.fingerprint(frame.number)) is not None:
            entry = self._cache.get(fingerprint, self._descriptor.fingerprint)
            if entry is not None:
                rows = entry.find(boxes)
                work.description.put(rows >= 0, entry.description.take(rows[rows >= 0]))
                unknown = np.flatnonzero(rows < 0)
            if entry is None or len(unknown):
                work.fingerprint = fingerprint
        work.rest = _Rest(work.description, unknown, self._descriptor.cut(frame.image, boxes[unknown]))
        return work

    def _encode(self, looked: Iterable[_Work[Found]]) -> Generator[Described[Found]]:
        """Encode the crops of several frames at once; frames come out in their order."""
        waiting: list[_Work[Found]] = []
        crops = 0
        try:
            for work in looked:
                waiting.append(work)
                crops += work.crops
                if not 0 < crops < self._crops_at_once or len(waiting) >= self._frames_at_once:
                    self._finish(waiting)
                    yield from (work.done for work in waiting)
                    waiting, crops = [], 0
        except Exception:
            # What is wrong with a later frame takes nothing from those before.
            self._finish(waiting)
            yield from (work.done for work in waiting)
            raise
        self._finish(waiting)
        yield from (work.done for work in waiting)

    def _finish(self, frames: list[_Work[Found]]) -> None:
        """Encode what is to be encoded of some frames, and keep it."""
        rests = [work.rest for work in frames if work.rest is not None]
        if self._descriptor is None or not rests or self._stopped.is_set():
            return
        images = np.concatenate([rest.crops.images for rest in rests])
        visible = np.concatenate([rest.crops.visible for rest in rests])
        started = time.perf_counter()
        description = self._descriptor.encode(Crops(images, visible))
        self.encoding += time.perf_counter() - started
        ends = np.cumsum([len(rest.rows) for rest in rests]).tolist()
        for rest, end in zip(rests, ends, strict=True):
            rest.description.put(rest.rows, description.take(slice(end - len(rest.rows), end)))
        if self._cache is not None:
            entries = (
                (work.fingerprint, Entry(work.finding.boxes, work.description))
                for work in frames
                if work.fingerprint is not None and work.description is not None
            )
            self._cache.put(self._descriptor.fingerprint, entries)
