"""Rows of numbers read from a file, which remember where in the file each of them stood.

The good case is parsed by numpy in one go; only when that fails is the text read line by line, to name the
one that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.files import FileError, places_in_words

# Whole numbers arrive as float64, which holds no larger ones exactly.
_LARGEST_WHOLE = 2**53


def from_motchallenge(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (N, 4) as the program keeps them, from 1-based left, top, width, height."""
    out = np.array(boxes, dtype=np.float64)
    out[..., :2] -= 1.0
    out[..., 2:] += out[..., :2]
    return out


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows in MOTChallenge's order of columns: frame, id, left, top, width, height, and what follows.

    Attributes:
        path: The file.
        values: (N, columns) the numbers.
        numbers: (N,) the line, or row of the array, at which each row stood, from 1.
        unit: What ``numbers`` count: "line" or "row".
        features: (N, D) appearance vectors that stood behind the columns, or None.
        notes: What was dropped so far, in words.
    """

    path: Path
    values: NDArray[np.float64]
    numbers: NDArray[np.int64]
    unit: str
    features: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()

    def whole(self, column: int, name: str, smallest: int) -> NDArray[np.int64]:
        """One column as whole numbers.

        Raises:
            FileError: if a number is not whole or is below ``smallest``.
        """
        values = self.values[:, column]
        good = (values >= smallest) & (values <= _LARGEST_WHOLE) & (values == np.floor(values))
        if not good.all():
            first = int(np.argmin(good))
            raise FileError(
                f"{self.path}: {self.unit} {self.numbers[first]}: {name} is {values[first]:g}; "
                f"expected a whole number from {smallest}"
            )
        return values.astype(np.int64)

    def classes(self, absent: int) -> NDArray[np.int64]:
        """The class of each row, ``absent`` where the file has none or says -1.

        Of ten columns the last three are MOT15's world coordinates, so only eight or nine have a class.
        """
        if self.values.shape[1] not in (8, 9):
            return np.full(len(self.values), absent, dtype=np.int64)
        classes = self.whole(7, "class", smallest=-1)
        return np.where(classes == -1, absent, classes)

    def boxes(self) -> NDArray[np.float64]:
        """Boxes (N, 4) as the program keeps them: left, top, right, bottom, 0-based."""
        return from_motchallenge(self.values[:, 2:6])

    def finite(self, score_column: int | None) -> FileRows:
        """The rows whose box, and score if there is one, is made of finite numbers."""
        checked = self.values[:, 2:6]
        if score_column is not None and score_column < self.values.shape[1]:
            checked = np.column_stack((checked, self.values[:, score_column]))
        return self._keep(
            np.all(np.isfinite(checked), axis=1), "a coordinate or score that is not a finite number"
        )

    def with_area(self) -> FileRows:
        """The rows whose box has an area."""
        return self._keep(np.all(self.values[:, 4:6] > 0.0, axis=1), "zero or negative size")

    def without_duplicates(self) -> FileRows:
        """The rows that are not, in all columns, the same as an earlier one."""
        order = np.lexsort(self.values.T)
        ordered = self.values[order]
        repeats = np.all(ordered[1:] == ordered[:-1], axis=1)
        kept = np.ones(len(order), dtype=np.bool_)
        kept[order[1:][repeats]] = False
        return self._keep(kept, "the same numbers as an earlier row")

    def by_frame(self) -> FileRows:
        """The rows in ascending order of the frame; those of one frame keep their order."""
        frames = self.values[:, 0]
        if (frames[1:] >= frames[:-1]).all():
            return self
        return self._take(np.argsort(frames, kind="stable"))

    def _keep(self, kept: NDArray[np.bool_], fault: str) -> FileRows:
        if kept.all():
            return self
        places = self.numbers[~kept].tolist()
        rows = "1 row" if len(places) == 1 else f"{len(places)} rows"
        note = f"{self.path.name}: {rows} with {fault} dropped ({places_in_words(self.unit, places)})"
        return replace(self._take(np.flatnonzero(kept)), notes=(*self.notes, note))

    def _take(self, rows: NDArray[np.intp]) -> FileRows:
        features = None if self.features is None else self.features[rows]
        return replace(self, values=self.values[rows], numbers=self.numbers[rows], features=features)


def read_numbers(path: Path) -> FileRows:
    """Rows of a detection or ground truth file: a ``.npy`` file, or else text of 7 to 10 columns.

    Raises:
        FileError: as `read_array` and `read_text`.
    """
    return read_array(path) if path.suffix == ".npy" else read_text(path, 7, 10)


def read_text(path: Path, fewest: int, most: int) -> FileRows:
    """Rows of ``fewest`` to ``most`` numbers each, separated by commas or blanks.

    Blank lines and lines that start with ``#`` are skipped.

    Raises:
        FileError: if the file cannot be read, has something that is not a number, or has too few or too many
            columns, or not the same number in every row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise FileError(f"{path}: {reason}; expected a text file of {fewest} to {most} columns") from error
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if (content := line.strip()) and content[0] != "#"
    ]
    if not numbered:
        return FileRows(path, np.empty((0, fewest)), np.empty(0, dtype=np.int64), "line")
    numbers, lines = zip(*numbered, strict=True)
    separator = "," if "," in lines[0] else None
    columns = len(lines[0].split(separator))
    if not fewest <= columns <= most:
        raise FileError(
            f"{path}: line {numbers[0]}: {columns} columns; "
            f"expected {fewest} to {most}, separated by commas or blanks"
        )
    try:
        values = np.loadtxt(lines, delimiter=separator, comments=None, ndmin=2)
    except ValueError as error:
        raise FileError(f"{path}: {_fault(numbers, lines, separator, columns) or error}") from error
    return FileRows(path, values, np.array(numbers, dtype=np.int64), "line")


def _fault(numbers: Sequence[int], lines: Sequence[str], separator: str | None, columns: int) -> str | None:
    """What is wrong with the first bad line, in words."""
    for number, line in zip(numbers, lines, strict=True):
        fields = line.split(separator)
        if len(fields) != columns:
            return f"line {number}: {len(fields)} columns; expected {columns}, as in the first row"
        for column, field in enumerate(fields, start=1):
            if not _is_number(field):
                return f"line {number}: {field.strip()!r} in column {column}; expected a number"
    return None


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # which Python allows between digits, and numpy does not


def read_array(path: Path) -> FileRows:
    """Rows of a DeepSORT ``.npy`` file: 10 or 7 columns of numbers and the appearance vector behind them.

    Raises:
        FileError: if the file cannot be read or is not a 2-d array of numbers with at least 7 columns.
    """
    expected = "expected a 2-d array of numbers: 10 or 7 columns, then the appearance vector"
    try:
        # Mapped, because the columns are copied out below and the features of a long sequence are large.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}; {expected}") from error
    except (ValueError, EOFError) as error:
        raise FileError(f"{path}: not such an array ({error}); {expected}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise FileError(f"{path}: holds {kind}; {expected}")
    if array.shape == (0,):
        array = array.reshape(0, 7)
    if array.ndim != 2 or array.shape[1] < 7:
        raise FileError(f"{path}: has the shape {array.shape}; {expected}")
    columns = _leading_columns(array)
    features = array[:, columns:].astype(np.float32) if array.shape[1] > columns else None
    return FileRows(
        path,
        array[:, :columns].astype(np.float64),
        np.arange(1, len(array) + 1),
        "row",
        features,
    )


def _leading_columns(array: NDArray[np.generic]) -> int:
    """How many columns stand before the appearance vector."""
    width = int(array.shape[1])
    if width <= 10:
        return width
    if width in (138, 135):
        return width - 128
    return 10 if len(array) and bool((array[:, 7:10] == -1).all()) else 7
