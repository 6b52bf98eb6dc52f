"""Files and folders: written completely or not at all, and what is wrong with one, in words."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_PLACES_NAMED = 5


class FileError(ValueError):
    """A file is missing or not as it should be; says which, where, what is wrong and what is expected."""


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` only if the block ends well.

    The suffix is kept, because many writers choose their format by it.

    Raises:
        FileError: if it cannot be written; what was at ``path`` before is still there.
    """
    unfinished = _unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        # Writing to a full disk names no file; another name is that of a file which the block reads.
        if error.filename not in (None, str(unfinished), str(path.parent)):
            raise
        reason = error.strerror or error
        raise FileError(f"{path}: cannot be written ({reason}); expected a place with room") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    """Where a file is until it is complete."""
    return path.with_name(f".{path.stem}.{os.getpid()}.unfinished{path.suffix}")


@contextmanager
def folder_written_atomically(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` to write into; it takes that name only if the block ends well.

    What was at ``folder`` before is gone then, and as it was otherwise.

    Raises:
        OSError: if it cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    old = unfinished.with_name(f"{unfinished.name}.old")
    try:
        yield unfinished
        # A temporary folder is its maker's alone.
        unfinished.chmod(0o755)
        if folder.exists():
            folder.replace(old)
        unfinished.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Complain now where a file cannot be written, and not after an hour of work.

    Raises:
        FileError: naming the file; nothing is changed.
    """
    if path.is_dir():
        raise FileError(f"{path}: is a folder; expected the name of a file")
    unfinished = _unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        unfinished.unlink()
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror}); expected a writable place") from error


def write_text(path: Path, text: str) -> None:
    """Write a whole text file.

    Raises:
        FileError: if it cannot be written; what was at ``path`` before is still there.
    """
    with written_atomically(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Complain where a file to be written is one that is read, or is to be written twice.

    Raises:
        FileError: naming the file.
    """
    read, written = {path.resolve() for path in inputs}, set()
    for path in outputs:
        place = path.resolve()
        if place in read:
            raise FileError(
                f"{path}: is read, and would be written over; expected another name for the output"
            )
        if place in written:
            raise FileError(f"{path}: would be written twice; expected different names")
        written.add(place)


def folders_below(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder below ``root``, and itself, behind links too, but once: links may lead back.

    With the names of its folders, which may be cleared to leave them out, and of its files.
    """
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield Path(place), folders, files


def digest(path: Path) -> str:
    """Stands for the contents of a file.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_fingerprint(files: Iterable[Path]) -> str:
    """Stands for files by their paths, sizes and times, where reading all of them would take too long.

    Raises:
        OSError: if one is not there.
    """
    found = hashlib.sha256()
    for path in files:
        about = path.stat()
        found.update(f"{path.resolve().as_posix()}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return found.hexdigest()


def places_in_words(unit: str, places: Sequence[int]) -> str:
    """Such as "line 4", or "lines 4, 9, 12, 20, 31 and 7 more"."""
    named = ", ".join(map(str, places[:_PLACES_NAMED]))
    more = len(places) - _PLACES_NAMED
    return f"{unit}{'' if len(places) == 1 else 's'} {named}{f' and {more} more' if more > 0 else ''}"
