"""Tracks: what a tracker says about a frame, and the table of those it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.motion import empty_state

if TYPE_CHECKING:
    import supervision as sv

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tracks:
    """The tracks shown in one frame, one row each.

    Attributes:
        ids: (N,) identities, from 1 on, without holes, in the order in which they were first shown.
        boxes: (N, 4) left, top, right, bottom in pixels, 0-based.
        scores: (N,) the score of the newest detection.
        classes: (N,) the class of the newest detection.
        detections: (N,) which row of the frame's detections each track took; -1 where the box is predicted.
        gaps: (N,) frames since the last detection; 0 where there is one in this frame.
    """

    ids: Integers
    boxes: Floats
    scores: Floats
    classes: Integers
    detections: Integers
    gaps: Integers

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Any) -> Tracks:
        """The chosen rows (a slice, a mask or indices) as new tracks."""
        return Tracks(
            self.ids[rows],
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            self.detections[rows],
            self.gaps[rows],
        )

    @classmethod
    def empty(cls) -> Tracks:
        """A frame without tracks."""
        none = np.empty(0, dtype=np.int64)
        return cls(none, np.empty((0, 4)), np.empty(0), none, none, none)

    def to_supervision(self, given: sv.Detections | None = None) -> sv.Detections:
        """The same rows for ``supervision``; ``data["detection_index"]`` is -1 where the box is predicted.

        Args:
            given: the detections that were tracked; each track gets its detection's mask and data, and
                zeros, empty words or None where the box is predicted.
        """
        import supervision as sv

        given = sv.Detections.empty() if given is None else given
        carried: dict[str, Any] = {
            name: [None if row < 0 else values[row] for row in self.detections]
            if isinstance(values, list)
            else self._of_detections(values)
            for name, values in given.data.items()
        }
        return sv.Detections(
            xyxy=self.boxes,
            mask=None if given.mask is None else self._of_detections(np.asarray(given.mask)),
            confidence=self.scores,
            class_id=self.classes,
            tracker_id=self.ids,
            data={**carried, "detection_index": self.detections, "gap": self.gaps},
            metadata=dict(given.metadata),
        )

    def _of_detections(self, values: NDArray[Any]) -> NDArray[Any]:
        """What belongs to each track's detection, of something that has a row for each detection."""
        rows = np.zeros((len(self), *values.shape[1:]), dtype=values.dtype)
        if values.dtype == object:
            rows[:] = None
        detected = self.detections >= 0
        rows[detected] = values[self.detections[detected]]
        return rows


class LiveTracks:
    """The table of tracks that are followed: one column for each property, one row for each track.

    Rows keep the order of birth. ``state`` belongs to :class:`tracker.motion.Motion`, ``slots`` are places
    in the gallery.
    """

    _COLUMNS = ("ids", "gaps", "hits", "streaks", "classes", "detections", "slots", "confirmed")

    def __init__(self) -> None:
        self.state = empty_state()
        self.scores: Floats = np.empty(0)
        self._set_columns(np.empty((len(self._COLUMNS), 0), dtype=np.int64))

    def _set_columns(self, columns: Integers) -> None:
        self._columns = columns
        (
            self.ids,  # 0 until the track is first shown
            self.gaps,  # frames since the last detection
            self.hits,  # detections so far
            self.streaks,  # matches in a row, the birth not counted
            self.classes,
            self.detections,  # row of this frame's detections, or -1
            self.slots,
            self.confirmed,  # 0 or 1
        ) = columns

    def __getstate__(self) -> tuple[Floats, Floats, Integers]:
        return self.state, self.scores, self._columns

    def __setstate__(self, there: tuple[Floats, Floats, Integers]) -> None:
        self.state, self.scores, columns = there
        # The columns are views: copied one by one they would be so no longer.
        self._set_columns(columns)

    def __len__(self) -> int:
        return len(self.scores)

    def age(self) -> None:
        """A frame begins: nobody has a detection yet."""
        self.gaps += 1
        self.detections[:] = -1

    def hit(
        self, rows: NDArray[np.intp], detections: NDArray[np.intp], scores: Floats, classes: Integers
    ) -> None:
        """Note that the tracks in ``rows`` were matched to ``detections`` (rows of the frame's)."""
        self.streaks[rows] = np.where(self.gaps[rows] == 1, self.streaks[rows] + 1, 1)
        self.gaps[rows] = 0
        self.hits[rows] += 1
        self.detections[rows] = detections
        self.scores[rows] = scores
        self.classes[rows] = classes

    def append(
        self,
        state: Floats,
        detections: NDArray[np.intp],
        scores: Floats,
        classes: Integers,
        slots: NDArray[np.intp],
        *,
        confirmed: bool,
    ) -> None:
        """Add new tracks at the end of the table."""
        columns = np.zeros((len(self._COLUMNS), len(scores)), dtype=np.int64)
        columns[2] = 1
        columns[4] = classes
        columns[5] = detections
        columns[6] = slots
        columns[7] = confirmed
        self.state = np.concatenate((self.state, state), axis=1)
        self.scores = np.concatenate((self.scores, scores))
        self._set_columns(np.concatenate((self._columns, columns), axis=1))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all tracks but those in the mask ``rows``."""
        self.state = self.state[:, rows]
        self.scores = self.scores[rows]
        self._set_columns(self._columns[:, rows])
