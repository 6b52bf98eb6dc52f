"""Writing tracks to a file, row by row, so that nothing is lost when a run is stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TextIO, get_args

from reid.files import FileError
from tracker.tables import to_motchallenge
from tracker.tracks import Tracks

ResultFormat = Literal["mot", "csv", "jsonl"]

_COLUMNS = ("frame", "id", "left", "top", "right", "bottom", "score", "class", "detection")
_LONGEST_ROW = 4096  # bytes, and more than that


class ResultWriter:
    """Writes the tracks of one sequence.

    Rows go to ``<path>.partial`` and the file gets its name when all are there; after an error or Ctrl-C the
    partial file stays, with everything written so far. Use it in a ``with`` statement.

    Formats:
        mot: MOTChallenge's result file, ``frame,id,left,top,width,height,score,-1,-1,-1``; pixels counted
            from 1, boxes with two decimals.
        csv: A table with a header: frame, id, left, top, right, bottom, score, class, detection. Pixels are
            counted from 0 and not rounded; ``detection`` is the row among the frame's detections that the
            track took, from 0 and without rows that were dropped as unusable; -1 where the box is predicted.
        jsonl: One JSON object in each line, with the names and numbers of ``csv``.

    Args:
        path: The file. Missing folders above it are created.
        fmt: The format; without it ``.csv`` and ``.jsonl`` decide for themselves, and all else is "mot".

    Attributes:
        path: The file.
        partial_path: Where the rows are until then.
    """

    def __init__(self, path: Path, fmt: ResultFormat | None = None) -> None:
        if fmt is None:
            suffix = path.suffix.lower()
            fmt = "csv" if suffix == ".csv" else "jsonl" if suffix == ".jsonl" else "mot"
        if fmt not in get_args(ResultFormat):
            raise ValueError(
                f"unknown result format {fmt!r}; expected one of {', '.join(get_args(ResultFormat))}"
            )
        self.path = path
        self.partial_path = path.with_name(path.name + ".partial")
        self._format = fmt
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self.path.is_dir():
            raise FileError(f"{self.path}: is a folder; expected the name of a result file")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.partial_path.open("w", encoding="utf-8", newline="\n")
            if self._format == "csv":
                self._file.write(",".join(_COLUMNS) + "\n")
        except OSError as error:
            raise self._cannot_write(error) from error
        return self

    def write(self, frame: int, tracks: Tracks) -> None:
        """Add the tracks of one frame, counted from 1.

        Raises:
            FileError: if the rows cannot be written.
        """
        if self._file is None:
            raise RuntimeError("ResultWriter writes only inside its with statement")
        lines = (
            _mot_lines(frame, tracks) if self._format == "mot" else _full_lines(frame, tracks, self._format)
        )
        try:
            self._file.writelines(lines)
        except OSError as error:
            raise self._cannot_write(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            # Closing writes what is still buffered, and so can fail as writing can.
            self._file.close()
            if error is None:
                self.partial_path.replace(self.path)
        except OSError as failure:
            if error is None:
                raise self._cannot_write(failure) from failure
        finally:
            self._file = None
            self._keep_whole_rows()

    def _keep_whole_rows(self) -> None:
        """Where there still is a partial file: a disk that is full breaks off in the middle of a row."""
        if not self.partial_path.is_file():
            return
        with suppress(OSError), self.partial_path.open("r+b") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _LONGEST_ROW)
            file.seek(start)
            file.truncate(start + file.read().rfind(b"\n") + 1)

    def _cannot_write(self, error: OSError) -> FileError:
        return FileError(f"{self.path}: cannot be written ({error.strerror}); expected a writable place")


def _mot_lines(frame: int, tracks: Tracks) -> Iterator[str]:
    boxes = to_motchallenge(tracks.boxes).tolist()
    for identity, (left, top, width, height), score in zip(
        tracks.ids.tolist(), boxes, tracks.scores.tolist(), strict=True
    ):
        yield f"{frame},{identity},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{score:.6g},-1,-1,-1\n"


def _full_lines(frame: int, tracks: Tracks, fmt: ResultFormat) -> Iterator[str]:
    columns: Iterable[list[float]] = (
        tracks.ids.tolist(),
        *tracks.boxes.T.tolist(),
        tracks.scores.tolist(),
        tracks.classes.tolist(),
        tracks.detections.tolist(),
    )
    for row in zip(*columns, strict=True):
        values = (frame, *row)
        if fmt == "csv":
            yield ",".join(map(str, values)) + "\n"
        else:
            yield json.dumps(dict(zip(_COLUMNS, values, strict=True))) + "\n"
