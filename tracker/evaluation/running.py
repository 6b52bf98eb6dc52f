"""Result files made on the spot: trackers run over the sequences that are to be scored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from joblib import Parallel, delayed

from reid.files import refuse_overwriting
from reid.vectorcache import VectorCache
from tracker.boxsource import open_boxes
from tracker.config import calibrated_config, load_config
from tracker.evaluation.pairing import EvaluationError
from tracker.jobs import files_made, sequence_job
from tracker.looks import Looks
from tracker.motchallenge import SequenceInfo, chosen_detections, find_sequences
from tracker.pipeline import Report, track_sequence


def sequences_with_ground_truth(data_root: Path, patterns: Iterable[str] | None = None) -> list[SequenceInfo]:
    """The sequences that the patterns find, or all below ``data_root``, as far as they can be scored.

    Raises:
        EvaluationError: None has ground truth.
        FileError: A pattern finds nothing.
    """
    found = find_sequences(["*"] if patterns is None else patterns, data_root)
    scorable = [sequence for sequence in found if sequence.ground_truth.is_file()]
    if not scorable:
        raise EvaluationError(f"no ground truth in {', '.join(sequence.name for sequence in found)}")
    return scorable


def track_sequences(
    sequences: Sequence[SequenceInfo],
    tracker: str,
    folder: Path,
    *,
    detections: str | None = None,
    descriptor: str = "auto",
    overrides: Sequence[str] = (),
    jobs: int | None = None,
) -> Iterator[Report]:
    """Track sequences side by side, and tell of each when it is done.

    Args:
        sequences: What to track.
        tracker: Name of a configuration, or a YAML file.
        folder: Where the result files go, ``<sequence>.txt``.
        detections: A name below each sequence's ``det``, a folder with a file for each sequence, or the file
            of a single sequence; by default the best there is.
        descriptor: What people look like, as for the command ``track``.
        overrides: Changes to the configuration, ``KEY=VALUE``.
        jobs: Sequences to track at a time; by default as many as there are processors.

    Raises:
        DescriptorError: There is no such descriptor.
        FileError: A result would be written over something that is read.
        SettingsError: There is no such tracker, or it cannot be changed so.
    """
    load_config(tracker, overrides)  # what is wrong with it is told once, before any work
    Looks(descriptor)
    boxes = [] if detections is None else chosen_detections(sequences, detections)
    lying = [path for sequence in sequences for path in sequence_job(sequence).files]
    targets = [_target(sequence, folder) for sequence in sequences]
    refuse_overwriting(files_made(targets), [Path(tracker), Path(descriptor), *boxes, *lying])
    workers = min(jobs or os.cpu_count() or 1, len(sequences))
    reports: Iterator[Report] = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_track)(sequence, tracker, folder, detections, descriptor, overrides)
        for sequence in sequences
    )
    return reports


def _track(
    sequence: SequenceInfo,
    tracker: str,
    folder: Path,
    detections: str | None,
    descriptor: str,
    overrides: Sequence[str],
) -> Report:
    """As the command ``track`` does it."""
    boxes = open_boxes(sequence, detections)
    look = Looks(descriptor).choose(sequence, boxes, load_config(tracker, overrides))
    with closing(VectorCache()) as cache:
        return track_sequence(
            sequence,
            calibrated_config(tracker, look, overrides),
            _target(sequence, folder),
            detections=boxes,
            descriptor=look,
            fmt="mot",
            cache=cache,
        )


def _target(sequence: SequenceInfo, folder: Path) -> Path:
    return folder / f"{sequence.name}.txt"
