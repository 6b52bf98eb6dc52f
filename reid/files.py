"""Files that are either complete or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileError(ValueError):
    """A file is missing or not as it should be; says which, where, what is wrong and what is expected."""


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` only if the block ends well.

    The suffix is kept, because many writers choose their format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.unfinished{path.suffix}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
