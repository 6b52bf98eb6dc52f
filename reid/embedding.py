"""Vectors beside detections, as DeepSORT stores them: described once, footage can be tracked often.

Each row is frame, id, left, top, width, height, score as in the detection file, -1 three times, and the
vector. Coordinates stay as they are in the file: 1-based.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.describing import Describing, Finding
from reid.descriptor import DescriptorProtocol
from reid.filerows import read_numbers
from reid.files import places_in_words
from reid.footage.frames import Frame
from reid.footage.sources import open_source
from reid.vectorcache import VectorCache

_COLUMNS = 7
# Readers take the vectors to begin behind column 10 where columns 8 to 10 are -1.
_UNUSED = 3


@dataclass(frozen=True, slots=True)
class Embedded:
    """Detections with their vectors.

    Attributes:
        rows: (N, 10 + width), in the order of the file. A row whose box shows nothing, or whose frame has no
            image, has a vector of NaN, which trackers take for "no appearance".
        notes: what was missing, in words.
    """

    rows: NDArray[np.float64]
    notes: tuple[str, ...]


def embed_detections(
    source: str | Path,
    detections: Path,
    descriptor: DescriptorProtocol,
    *,
    cache: VectorCache | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Embedded:
    """Describe all detections in some footage.

    Args:
        source: a sequence, a video, images: whatever `open_source` takes.
        detections: text file in MOTChallenge's format.
        descriptor: what describes the boxes.
        cache: keeps the vectors for another time.
        progress: called with the number of frames done and of all frames.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    read = read_numbers(detections)
    read.whole(0, "frame", smallest=1)
    rows, boxes = read.values[:, :_COLUMNS], read.boxes()
    vectors = np.full((len(rows), descriptor.width), np.nan)
    order = np.argsort(rows[:, 0], kind="stable")

    def find(frame: Frame) -> Finding[NDArray[np.intp]]:
        own = order[slice(*np.searchsorted(rows[:, 0], [frame.number, frame.number + 1], sorter=order))]
        return Finding(own, boxes[own])

    last = 0
    with open_source(source) as frames:
        with closing(iter(Describing(frames, find, descriptor, cache=cache))) as described:
            for frame in described:
                last = frame.number
                if frame.description is not None:
                    vectors[frame.found] = frame.description.vectors
                progress(last, frames.length)
        notes = [*frames.notes, *(cache.notes if cache is not None else [])]
    late = np.unique(rows[rows[:, 0] > last, 0]).astype(int).tolist()
    if late:
        where = places_in_words("frame", late)
        notes.append(
            f"{detections.name}: detections beyond the last frame, {last}, have no vectors ({where})"
        )
    return Embedded(np.hstack([rows, np.full((len(rows), _UNUSED), -1.0), vectors]), tuple(notes))
