"""Which camera took which crop, as far as a camera can be told from the people in front of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.datasets.store import CropIndex

Numbers = NDArray[np.intp]

#: What fewer tracklets of a camera (or crops, if it has none) have in common is the people, not the camera.
LEAST_SEEN = 20


def recordings_of(index: CropIndex) -> Numbers:
    """A number for each crop's recording, from 0: what one camera of one source took."""
    return _numbered(np.stack([index.source, index.camera]))


def cameras_of(index: CropIndex) -> Numbers:
    """A number for each crop's camera, from 0.

    Cameras of different sources are different ones. But recordings of a handful of people count as one camera
    together, or as part of the largest where even together they are few. Clips are more often from one camera
    than each from another; and a camera's mean, which is taken away, must not be a person's.
    """
    recordings = recordings_of(index)
    if not len(recordings):
        return recordings
    seen = _seen_in(recordings, index)
    few = seen < LEAST_SEEN
    camera_of = np.arange(len(seen))
    camera_of[few] = few.argmax() if seen[few].sum() >= LEAST_SEEN else seen.argmax()
    return _numbered(camera_of[recordings][None])


def _seen_in(recordings: Numbers, index: CropIndex) -> NDArray[np.intp]:
    """How many tracklets each recording has; crops, where it has none."""
    crops = np.bincount(recordings)
    known = index.tracklet >= 0
    pairs = np.unique(np.stack([recordings[known], index.tracklet[known]]), axis=1)
    tracklets = np.bincount(pairs[0], minlength=len(crops))
    return np.where(tracklets > 0, tracklets, crops)


def _numbered(keys: NDArray[Any]) -> Numbers:
    """The number of each column among the different ones."""
    return np.unique(keys, axis=1, return_inverse=True)[1].ravel()
