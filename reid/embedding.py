"""Vectors beside detections, as DeepSORT stores them: described once, a sequence can be tracked often.

Each row is frame, id, left, top, width, height, score as in the detection file, -1 three times, and the
vector. Coordinates stay as they are in the file: 1-based.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.datasets.crops import image_or_none
from reid.datasets.motchallenge import image_paths, read_rows
from reid.descriptor import DescriptorProtocol

LOG = logging.getLogger(__name__)

_COLUMNS = 7
# Readers take the vectors to begin behind column 10 where columns 8 to 10 are -1.
_UNUSED = 3


def embed_sequence(
    folder: Path,
    detections: Path,
    descriptor: DescriptorProtocol,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float64]:
    """Detections with their vectors, (N, 10 + width), in the order of the file.

    A row whose box shows nothing, or whose frame has no image, gets a vector of NaN, which trackers take
    for "no appearance".

    Args:
        folder: the sequence, with its images.
        detections: text file in MOTChallenge's format.
        descriptor: what describes the boxes.
        progress: called with the number of frames done and of all frames.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    rows = _detection_rows(detections)
    paths = image_paths(folder)
    out = np.full((len(rows), _COLUMNS + _UNUSED + descriptor.width), np.nan)
    out[:, :_COLUMNS] = rows
    out[:, _COLUMNS : _COLUMNS + _UNUSED] = -1
    boxes = rows[:, 2:6].copy()
    boxes[:, :2] -= 1
    boxes[:, 2:] += boxes[:, :2]
    numbers = np.unique(rows[:, 0])
    unseen = [int(number) for number in numbers if int(number) not in paths]
    if unseen:
        LOG.warning(
            "%s: no images for %d of %d frames with detections, from %d to %d: no vectors there",
            folder,
            len(unseen),
            len(numbers),
            unseen[0],
            unseen[-1],
        )
    for done, number in enumerate(numbers, start=1):
        path = paths.get(int(number))
        image = None if path is None else image_or_none(path)
        if image is not None:
            found = np.flatnonzero(rows[:, 0] == number)
            out[found, _COLUMNS + _UNUSED :] = descriptor(image, boxes[found])
        progress(done, len(numbers))
    return out


def _detection_rows(path: Path) -> NDArray[np.float64]:
    """Frame, id, left, top, width, height, score of every row of a file."""
    rows = read_rows(path)
    wrong = np.flatnonzero(~(rows[:, 0] >= 1) | (rows[:, 0] != np.floor(rows[:, 0])))
    if wrong.size:
        raise ValueError(
            f"{path}: row {wrong[0] + 1}: frame is {rows[wrong[0], 0]:g}; expected a whole number from 1"
        )
    return rows[:, :_COLUMNS]
