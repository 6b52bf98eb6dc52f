"""From result files to figures, the sequences side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

from joblib import Parallel, delayed

from tracker.evaluation.figures import COLUMNS, OVERALL, Counts, figures
from tracker.evaluation.pairing import pair, result_files
from tracker.evaluation.protocol import Protocol, compare
from tracker.motchallenge import SequenceInfo, read_ground_truth, read_results

if TYPE_CHECKING:
    import pandas

    from tracker.evaluation.libraries import HotaParts


@dataclass(frozen=True, slots=True)
class SequenceScore:
    """What was counted in one sequence.

    Attributes:
        name: Name of the sequence.
        protocol: The protocol that was applied.
        counts: What CLEAR and identity figures are made of.
        hota: What trackeval says about HOTA at every threshold.
        notes: What was dropped from the files, in words.
    """

    name: str
    protocol: Protocol
    counts: Counts
    hota: HotaParts
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The figures of one tracker on one or several sequences.

    Attributes:
        name: What the results are called in tables, by default the name of their folder.
        official: Whether the CLEAR figures are trackeval's instead of motmetrics'.
        sequences: What was counted, sequence by sequence.
    """

    name: str
    official: bool
    sequences: tuple[SequenceScore, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was dropped from the files, in words."""
        return tuple(note for sequence in self.sequences for note in sequence.notes)

    @property
    def method(self) -> str:
        """How the figures came about, in words."""
        library = "trackeval" if self.official else "motmetrics"
        protocols = ", ".join(dict.fromkeys(sequence.protocol for sequence in self.sequences))
        return f"CLEAR figures by {library}, protocol {protocols}"

    @property
    def title(self) -> str:
        """What the figures are, in words."""
        return f"{self.name}: {self.method}"

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """Figures by sequence; percent, frames and counts as ``COLUMNS`` says."""
        return {sequence.name: self._figures([sequence]) for sequence in self.sequences}

    @property
    def overall(self) -> dict[str, float]:
        """Figures of all sequences together: of the summed counts, not means of the sequences' figures."""
        return self._figures(self.sequences)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """The rows and, as ``OVERALL``, the last one."""
        return {**self.rows, OVERALL: self.overall}

    def to_dataframe(self) -> pandas.DataFrame:
        """The rows as a table with one column for each figure."""
        import pandas as pd

        return pd.DataFrame.from_dict(self.to_dict(), orient="index", columns=list(COLUMNS))

    def _figures(self, sequences: Iterable[SequenceScore]) -> dict[str, float]:
        from tracker.evaluation.libraries import combine_hota

        chosen = tuple(sequences)
        counts = reduce(add, (sequence.counts for sequence in chosen))
        hota = combine_hota({sequence.name: sequence.hota for sequence in chosen})
        return figures(counts, hota, official=self.official)


def evaluate(
    results: Path | str | Mapping[str, Path | str],
    data_root: Path | str,
    *,
    protocol: str = "auto",
    official: bool = False,
    sequences: Iterable[str] | None = None,
    partial: bool = False,
    jobs: int | None = None,
    name: str | None = None,
) -> EvaluationResult:
    """Score MOTChallenge result files.

    Args:
        results: A folder of ``<sequence>.txt`` files, or the files by sequence.
        data_root: Folder below which the sequences with their ground truth lie.
        protocol: ``mot15``, ``mot16``, ``mot17``, ``mot20``, ``none``, or ``auto`` for the sequence's own.
        official: CLEAR figures as trackeval counts them, instead of as motmetrics does.
        sequences: Names or globs of the sequences to score; by default all that have results.
        partial: Leave out sequences without a result file instead of raising.
        jobs: Sequences to score at a time; by default as many as there are processors.
        name: What to call the results; by default the folder's name.

    Raises:
        EvaluationError: A sequence has no result file, or a result file no ground truth.
        FileError: A file is missing or holds something else than expected.
    """
    if isinstance(results, Mapping):
        files = {sequence: Path(path) for sequence, path in results.items()}
        default_name = "results"
    else:
        files = result_files(Path(results))
        default_name = Path(results).resolve().name
    pairs = pair(files, Path(data_root), sequences, partial=partial)
    tasks = [(sequence, path, Protocol.choose(protocol, sequence), official) for sequence, path in pairs]
    scores = _score_all(tasks, jobs or os.cpu_count() or 1)
    return EvaluationResult(name or default_name, official, tuple(scores))


def score(sequence: SequenceInfo, results: Path, protocol: Protocol, official: bool) -> SequenceScore:
    """Score one result file."""
    from tracker.evaluation.libraries import count_with_motmetrics, count_with_trackeval, hota_parts

    truth = read_ground_truth(sequence.ground_truth)
    tracks = read_results(results)
    comparison = compare(truth, tracks, sequence, protocol)
    counts = count_with_trackeval(comparison) if official else count_with_motmetrics(comparison)
    return SequenceScore(
        sequence.name, protocol, counts, hota_parts(comparison), (*truth.notes, *tracks.notes)
    )


def _score_all(tasks: list[tuple[SequenceInfo, Path, Protocol, bool]], jobs: int) -> list[SequenceScore]:
    # The longest first, so that no worker is left alone with it at the end.
    order = sorted(range(len(tasks)), key=lambda index: -tasks[index][0].ground_truth.stat().st_size)
    scores = Parallel(n_jobs=min(jobs, len(tasks)))(delayed(score)(*tasks[index]) for index in order)
    by_index = dict(zip(order, scores, strict=True))
    return [by_index[index] for index in range(len(tasks))]
