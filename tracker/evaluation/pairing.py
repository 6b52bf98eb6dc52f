"""Which result file belongs to which sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tracker.motchallenge import FileError, SequenceInfo, find_sequences


class EvaluationError(ValueError):
    """The results do not fit the ground truth; the message names what is missing or too much."""


def result_files(folder: Path) -> dict[str, Path]:
    """The ``<sequence>.txt`` files of a folder by sequence."""
    if not folder.is_dir():
        raise EvaluationError(
            f"{folder}: no such folder; expected one with a <sequence>.txt for each sequence"
        )
    files = {path.stem: path for path in sorted(folder.glob("*.txt")) if path.is_file()}
    if not files:
        raise EvaluationError(f"{folder}: no result file; expected <sequence>.txt, for example MOT16-02.txt")
    return files


def unique_names(folders: Iterable[Path]) -> list[str]:
    """Short names for result folders: as much of the end of each path as tells them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(path[-depth:]) for path in parts]
        if len(set(names)) == len(names):
            return names
    raise EvaluationError("a result folder is given twice; expected each once")


def pair(
    files: Mapping[str, Path],
    data_root: Path,
    patterns: Iterable[str] | None = None,
    *,
    partial: bool = False,
) -> list[tuple[SequenceInfo, Path]]:
    """The sequences to score, each with its result file.

    With ``patterns`` these are the sequences that the patterns find. Without, they are those of the result
    files, and the results are expected to be whole: every other sequence with ground truth beside them (same
    benchmark and split, and for MOT17 the same detector) must have a file too.

    Args:
        files: Result files by sequence.
        data_root: Folder below which the sequences lie.
        patterns: Names or globs of sequences; result files of others are left alone.
        partial: Score what is there, and leave out sequences without a result file.

    Raises:
        EvaluationError: A sequence has no result file, or a result file no ground truth.
        FileError: A sequence is not there.
    """
    if patterns is None:
        scored = _sequences_of(files, data_root)
        candidates = [*scored, *_siblings(scored)]
    else:
        candidates = find_sequences(patterns, data_root)
    expected = {
        sequence.name: sequence
        for sequence in candidates
        if sequence.name in files or sequence.ground_truth.is_file()
    }
    missing = [name for name in expected if name not in files]
    if missing and not partial:
        raise EvaluationError(
            f"no result file for {', '.join(missing)}; expected one for each sequence with ground truth "
            "(--partial scores only what is there, --seq chooses sequences)"
        )
    pairs = [(sequence, files[name]) for name, sequence in expected.items() if name in files]
    if not pairs:
        chosen = ", ".join(expected) or "none has ground truth"
        raise EvaluationError(f"none of the chosen sequences has a result file ({chosen})")
    for sequence, path in pairs:
        _require_ground_truth(sequence, path)
    return pairs


def _sequences_of(files: Mapping[str, Path], data_root: Path) -> list[SequenceInfo]:
    try:
        return find_sequences(files, data_root)
    except FileError as error:
        raise EvaluationError(f"a result file has no ground truth: {error}") from error


def _require_ground_truth(sequence: SequenceInfo, path: Path) -> None:
    if not sequence.ground_truth.is_file():
        raise EvaluationError(
            f"{path}: {sequence.name} has no ground truth; expected it at {sequence.ground_truth}"
        )


def _siblings(sequences: Iterable[SequenceInfo]) -> list[SequenceInfo]:
    """Sequences with ground truth beside the given ones, of the same detectors where names end in one."""
    wanted = dict.fromkeys((sequence.folder.parent, _detector(sequence.name)) for sequence in sequences)
    return [
        SequenceInfo.read(folder)
        for parent, detector in wanted
        for folder in sorted(parent.iterdir())
        if _detector(folder.name) == detector
        and (folder / "seqinfo.ini").is_file()
        and (folder / "gt" / "gt.txt").is_file()
    ]


def _detector(name: str) -> str:
    """The public detector that a MOT17 name ends in (``MOT17-02-FRCNN``), else nothing."""
    return name.rpartition("-")[2] if name.startswith("MOT17-") and name.count("-") == 2 else ""
