"""Result files made on the spot: trackers run over the sequences that are to be scored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from joblib import Parallel, delayed

from tracker.config import load_config
from tracker.evaluation.pairing import EvaluationError
from tracker.motchallenge import SequenceInfo, find_sequences
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
    overrides: Iterable[str] = (),
    jobs: int | None = None,
) -> Iterator[Report]:
    """Track sequences side by side, and tell of each when it is done.

    Args:
        sequences: What to track.
        tracker: Name of a configuration, or a YAML file.
        folder: Where the result files go, ``<sequence>.txt``.
        detections: A detection file, or a name below each sequence's ``det``; by default the best there is.
        overrides: Changes to the configuration, ``KEY=VALUE``.
        jobs: Sequences to track at a time; by default as many as there are processors.
    """
    config = load_config(tracker, overrides)
    workers = min(jobs or os.cpu_count() or 1, len(sequences))
    reports: Iterator[Report] = Parallel(n_jobs=workers, return_as="generator")(
        delayed(track_sequence)(
            sequence, config, folder / f"{sequence.name}.txt", detections=detections, fmt="mot"
        )
        for sequence in sequences
    )
    return reports
