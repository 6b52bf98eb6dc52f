"""Any footage as a source of crops: videos and images, with boxes from a file or a detector."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.crops import Boxes, Images
from reid.datasets.crops import Footage
from reid.datasets.motchallenge import read_boxes
from reid.detectors import Detector, open_detector
from reid.files import FileError, files_fingerprint
from reid.footage.frames import FrameSource
from reid.footage.sources import open_source

LOG = logging.getLogger(__name__)

#: A learner can do without what might be nobody, so that less is asked of it than of a tracker.
MIN_SCORE = 0.5
_FRAMES_AT_ONCE = 8

_BoxedFrames = Iterator[tuple[int, Images | None, Boxes, NDArray[np.float64]]]


def choose_footage(
    sources: Sequence[str],
    detections: Sequence[Path] = (),
    detector: str | None = None,
    *,
    weights: Path | None = None,
    classes: str | None = None,
    device: str = "auto",
) -> list[Footage]:
    """Footage as it is asked for on a command line.

    Args:
        sources: videos, folders of images, patterns, see `open_source`.
        detections: a file with boxes for each of them, in the same order.
        detector: or what finds the boxes, see `open_detector`.
        weights: for the detector.
        classes: for the detector.
        device: for the detector.

    Raises:
        ValueError: if these do not fit together, or something is not there.
    """
    if detector is None:
        for option, given in (("--detector-weights", weights), ("--classes", classes)):
            if given is not None:
                raise ValueError(f"{option} {given}: is for a detector; expected --detector NAME, too")
        if len(detections) != len(sources):
            raise ValueError(
                f"{len(sources)} × --source and {len(detections)} × --detections; expected a file with "
                f"boxes for each source, in the same order, or --detector NAME"
            )
        return [open_footage(spec, boxes) for spec, boxes in zip(sources, detections, strict=True)]
    if detections:
        raise ValueError("--detector and --detections: expected one of them")
    if not sources:
        raise ValueError(f"--detector {detector}: nothing to look at; expected --source WHAT, too")
    finder = open_detector(detector, weights=weights, classes=classes, min_score=MIN_SCORE, device=device)
    return [open_footage(spec, finder) for spec in sources]


def open_footage(spec: str, boxes: Path | Detector) -> Footage:
    """Footage with boxes from a file in MOTChallenge's format, or from a detector.

    Raises:
        ValueError: if either is not there or not as it should be.
    """
    source = open_source(spec)
    if source.live:
        raise FileError(
            f"{source.name}: is live; expected footage that can be read again, such as a recording"
        )
    if not source.files:
        # What was cut from it is kept, and would be taken for what is there by then.
        raise FileError(
            f"{source.name}: is on a server, where it may change unnoticed; expected footage on this "
            f"machine: download it first"
        )
    known = f"{source.name} {files_fingerprint(source.files)}"
    if isinstance(boxes, Path):
        # Read at once, so that a mistake in it shows before hours of work.
        frames, told = _stored(source, boxes), files_fingerprint([boxes])
    else:
        frames, told = _detected(source, boxes), boxes.fingerprint
    return Footage(source.title, frames, f"{known} {told}")


def _stored(source: FrameSource, path: Path) -> _BoxedFrames:
    table = read_boxes(path)

    def frames() -> _BoxedFrames:
        number = 0
        with source:
            for frame in source:
                number = frame.number
                rows = slice(*np.searchsorted(table.frames, [number, number + 1]))
                yield number, frame.image, table.boxes[rows], table.scores[rows]
        late = int((table.frames > number).sum())
        if late:
            LOG.warning("%s: %d boxes beyond the last frame, %d, are not used", path, late, number)
        _tell(source)

    return frames()


def _detected(source: FrameSource, detector: Detector) -> _BoxedFrames:
    with source:
        every = iter(source)
        while frames := list(islice(every, _FRAMES_AT_ONCE)):
            images = [frame.image for frame in frames if frame.image is not None]
            found = iter(detector.detect(images) if images else [])
            for frame in frames:
                boxes, scores = np.empty((0, 4)), np.empty(0)
                if frame.image is not None:
                    boxes, scores, _ = next(found)
                yield frame.number, frame.image, boxes, scores
    _tell(source)


def _tell(source: FrameSource) -> None:
    for note in source.notes:
        LOG.warning("%s", note)
