"""What is kept of every identity while a sequence is tracked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.filerows import from_motchallenge
from tracker.report.pictures import thumbnail
from tracker.sinks import Step
from tracker.tables import to_motchallenge
from tracker.tracks import Floats, Integers, Tracks

GLIMPSES = 8
_FIRST_INTERVAL = 4  # frames


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What an identity looked like in one frame in which it was detected.

    Attributes:
        frame: which frame.
        picture: the crop as JPEG; None without an image.
        vector: its appearance vector; None without one.
    """

    frame: int
    picture: bytes | None
    vector: NDArray[np.float32] | None


class Glimpses:
    """Glimpses of one identity at even intervals, however long it stays: between N and 2 N of them."""

    def __init__(self) -> None:
        self.kept: list[Glimpse] = []
        self._interval = _FIRST_INTERVAL
        self._due = 0

    def due(self, frame: int) -> bool:
        """Whether it is time for the next one."""
        return frame >= self._due

    def add(self, glimpse: Glimpse) -> None:
        """Keep one; when there are too many, every second one goes and they become rarer."""
        self.kept.append(glimpse)
        if len(self.kept) > 2 * GLIMPSES:
            self.kept = self.kept[::2]
            self._interval *= 2
        self._due = self.kept[-1].frame + self._interval


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity over the whole sequence.

    Attributes:
        number: its id.
        frames: (N,) where it was shown, ascending.
        places: (N,) the same among the frames that were tracked: what is live drops some.
        detected: (N,) whether it was detected there, or predicted.
        glimpses: what it looked like, in order of time.
    """

    number: int
    frames: Integers
    places: Integers
    detected: NDArray[np.bool_]
    glimpses: list[Glimpse]

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(N, D) its appearance vectors; (0, 0) if there are none."""
        vectors = [glimpse.vector for glimpse in self.glimpses if glimpse.vector is not None]
        return np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32)

    @property
    def strip(self) -> list[Glimpse]:
        """At most ``GLIMPSES`` glimpses with a picture, evenly spread."""
        seen = [glimpse for glimpse in self.glimpses if glimpse.picture is not None]
        places = np.linspace(0, len(seen) - 1, min(len(seen), GLIMPSES)).round().astype(int)
        return [seen[place] for place in places.tolist()]

    @property
    def longest_gap(self) -> int:
        """The most frames between two in which it was shown."""
        return int(np.diff(self.places).max(initial=1)) - 1


class Recording:
    """Everything that the page tells about the tracks, collected step by step."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._glimpses: dict[int, Glimpses] = {}
        self._frames: list[Integers] = []
        self._tracks: list[Tracks] = []

    def add(self, step: Step) -> None:
        """The next frame."""
        self._numbers.append(step.number)
        tracks, found = step.tracks, step.detections
        self._frames.append(np.full(len(tracks), step.number, dtype=np.int64))
        self._tracks.append(tracks)
        for identity, row, box in zip(
            tracks.ids.tolist(), tracks.detections.tolist(), tracks.boxes, strict=True
        ):
            glimpses = self._glimpses.setdefault(identity, Glimpses())
            if row >= 0 and glimpses.due(step.number):
                picture = None if step.image is None else thumbnail(step.image, box)
                vector = None if found.features is None else found.features[row]
                if vector is not None and not (np.isfinite(vector).all() and vector.any()):
                    vector = None
                glimpses.add(Glimpse(step.number, picture, vector))

    @property
    def last_frame(self) -> int:
        """The number of the last frame; 0 before the first."""
        return self._numbers[-1] if self._numbers else 0

    @property
    def frames(self) -> Integers:
        """(N,) the frame of every box."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._frames])

    @property
    def ids(self) -> Integers:
        """(N,) the identity of every box."""
        return np.concatenate([np.empty(0, dtype=np.int64), *(tracks.ids for tracks in self._tracks)])

    @property
    def boxes(self) -> Floats:
        """(N, 4) every box, rounded as in the result file, so that the page has the figures of the file."""
        boxes = np.concatenate([np.empty((0, 4)), *(tracks.boxes for tracks in self._tracks)])
        return from_motchallenge(np.round(to_motchallenge(boxes), 2))

    def tracks(self, frame: int) -> Tracks:
        """The tracks of a frame."""
        for frames, tracks in zip(self._frames, self._tracks, strict=True):
            if len(frames) and frames[0] == frame:
                return tracks
        return Tracks.empty()

    def identities(self) -> list[Identity]:
        """All identities, in order of their numbers."""
        ids, frames = self.ids, self.frames
        places = np.searchsorted(np.array(self._numbers, dtype=np.int64), frames)
        detected = np.concatenate(
            [np.empty(0, dtype=np.bool_), *(tracks.detections >= 0 for tracks in self._tracks)]
        )
        order = np.argsort(ids, kind="stable")
        numbers, starts = np.unique(ids[order], return_index=True)
        return [
            Identity(number, frames[rows], places[rows], detected[rows], self._glimpses[number].kept)
            for number, rows in zip(numbers.tolist(), np.split(order, starts)[1:], strict=True)
        ]
