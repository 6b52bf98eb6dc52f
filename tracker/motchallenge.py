"""Sequences on disk in MOTChallenge's layout: where they are, and which files belong to them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from reid.filerows import from_motchallenge
from reid.files import FileError
from reid.footage.sequence import SequenceInfo, sequence_folders
from reid.images import natural_key
from tracker.tables import (
    DetectionTable,
    TrackTable,
    read_detections,
    read_ground_truth,
    read_results,
    to_motchallenge,
)

__all__ = [
    "DetectionTable",
    "FileError",
    "SequenceInfo",
    "TrackTable",
    "find_detections",
    "find_sequences",
    "from_motchallenge",
    "read_detections",
    "read_ground_truth",
    "read_results",
    "to_motchallenge",
]

# From worst to best; a name that is not here is somebody's own detector and better than all of these.
_PUBLIC_DETECTORS = ("det", "acf", "dpm", "frcnn", "sdp")
_DETECTION_SUFFIXES = (".npy", ".txt", ".csv")


def find_sequences(patterns: Iterable[str], root: Path) -> list[SequenceInfo]:
    """The sequences that any of the patterns means, each once, in natural order of their names.

    A pattern is the path of a sequence's folder, or the name of a sequence below ``root``, or its path below
    ``root``, either with ``*``, ``?`` and ``[]`` as in a shell. If a name is there more than once, the one at
    ``<root>/<name>`` is taken, then the one at ``<root>/<benchmark>/{train,test}/<name>``.

    Raises:
        FileError: if a pattern means nothing, or a name is in several places of equal right.
    """
    folders: dict[Path, None] = {}
    below: list[Path] | None = None
    for pattern in patterns:
        if (Path(pattern) / "seqinfo.ini").is_file():
            folders[Path(pattern).resolve()] = None
            continue
        if below is None:
            below = list(sequence_folders(root))
        # A name may have brackets of its own.
        found = [folder for folder in below if pattern in _names(folder, root)] or [
            folder for folder in below if any(fnmatchcase(name, pattern) for name in _names(folder, root))
        ]
        if not found:
            raise FileError(_nothing_found(pattern, root, [folder.name for folder in below]))
        for folder in _one_for_each_name(found, root):
            folders[folder.resolve()] = None
    return [SequenceInfo.read(folder) for folder in sorted(folders, key=lambda path: natural_key(path.name))]


def _names(folder: Path, root: Path) -> tuple[str, str]:
    """What a sequence below ``root`` may be called."""
    return folder.name, folder.relative_to(root).as_posix()


def _one_for_each_name(folders: Iterable[Path], root: Path) -> list[Path]:
    """Of folders with the same name the one in the most expected place."""

    def rank(folder: Path) -> int:
        above = folder.relative_to(root).parts[:-1]
        if not above:
            return 0
        return 1 if len(above) == 2 and above[1] in ("train", "test") else 2

    chosen: dict[str, Path] = {}
    for folder in sorted(folders, key=rank):
        other = chosen.setdefault(folder.name, folder)
        if other != folder and rank(other) == rank(folder):
            raise FileError(
                f"{folder.name} is at {other} and at {folder}; expected one, or the path of the one meant"
            )
    return list(chosen.values())


def _nothing_found(pattern: str, root: Path, names: list[str]) -> str:
    if not root.is_dir():
        return f"{root}: no such folder; expected the folder that the sequences are below"
    near = (
        difflib.get_close_matches(pattern, names, n=5, cutoff=0.4) or sorted(set(names), key=natural_key)[:5]
    )
    there = f"there are {len(names)}, such as {', '.join(near)}" if near else "there is none at all"
    return f"{root}: no sequence {pattern!r} below it; {there} (a sequence is a folder with a seqinfo.ini)"


def find_detections(sequence: SequenceInfo, choice: str | None = None) -> Path:
    """The detection file of a sequence.

    Args:
        sequence: Whose detections.
        choice: A name in the sequence's ``det`` folder, with or without suffix, or the path of a file, or the
            path of a folder with a file of the sequence's name. None takes the best file of the ``det``
            folder: one with appearance vectors (``.npy``), then poi, then a detector that is not one of the
            benchmark's public ones, then these: sdp, frcnn, dpm, acf, and ``det.txt`` last.

    Raises:
        FileError: if there is no such file; it names those that there are.
    """
    folder = sequence.folder / "det"
    present = sorted(path for path in folder.glob("*") if path.suffix in _DETECTION_SUFFIXES)
    if choice is None:
        if present:
            return max(present, key=_promise)
        raise FileError(
            f"{folder}: no detections; expected a .txt or .npy file in it, or the path of one elsewhere"
        )
    stems = [folder / choice, Path(choice), Path(choice) / sequence.name]
    for stem in stems:
        for path in (stem, *(stem.parent / (stem.name + suffix) for suffix in _DETECTION_SUFFIXES)):
            if path.is_file():
                return path
    there = f"{folder} has {', '.join(path.name for path in present)}" if present else f"{folder} has none"
    raise FileError(f"no detections {choice!r} for {sequence.name}; {there}")


def chosen_detections(sequences: Iterable[SequenceInfo], choice: str) -> list[Path]:
    """The detection files that sequences take: one for each, as far as there is one.

    Raises:
        FileError: if one would serve several sequences; it names the file and two of them.
    """
    owners: dict[Path, SequenceInfo] = {}
    for sequence in sequences:
        try:
            path = find_detections(sequence, choice)
        except FileError:
            continue  # told when it is this sequence's turn
        if (owner := owners.setdefault(path, sequence)) is not sequence:
            raise FileError(
                f"{path}: would be the detections of {owner.name} and of {sequence.name}; "
                f"expected one sequence, or a folder with a file of each sequence's name"
            )
    return list(owners)


def _promise(path: Path) -> tuple[bool, int, str]:
    """How good a detection file is likely to be, to be compared with others of the same sequence."""
    stem = path.stem.lower()
    rank = _PUBLIC_DETECTORS.index(stem) if stem in _PUBLIC_DETECTORS else len(_PUBLIC_DETECTORS)
    return path.suffix == ".npy", rank + (stem == "poi"), path.stem
