"""Vectors that were computed before, by what they were computed from.

An entry belongs to a frame (its file's contents) and a descriptor (its weights, how it cuts and computes):
boxes of that frame, and what became of them. So another tracker, footage that was moved, or more boxes in the
same frames find again what is the same.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid.caching import cache_folder
from reid.crops import Boxes
from reid.descriptor import Description

MEGABYTE = 2**20

# Another number whenever crops are cut or entries are written differently.
_VERSION = 1
_PRAGMAS = (
    "auto_vacuum = INCREMENTAL",
    # A log beside the file: many small writes, each whole or not there, without waiting for the disk.
    "journal_mode = WAL",
    "synchronous = NORMAL",
)
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS frames (key BLOB PRIMARY KEY, used INTEGER NOT NULL, entry BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS frames_used ON frames (used)",
)
_SUM = 8  # bytes of an entry's checksum
_USES_NOTED_AT_ONCE = 1000
_WAIT = 10.0  # seconds for another process that writes


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known about a frame.

    Attributes:
        boxes: (N, 4) which boxes were described.
        description: of each.
    """

    boxes: Boxes
    description: Description

    def find(self, boxes: Boxes) -> NDArray[np.intp]:
        """For each of other boxes its row here, -1 where there is none. Boxes are compared exactly."""
        rows = {box.tobytes(): row for row, box in enumerate(self.boxes)}
        return np.array([rows.get(box.tobytes(), -1) for box in boxes], dtype=np.intp)

    def joined(self, other: Entry) -> Entry:
        """This with what only the other has."""
        new = self.find(other.boxes) < 0
        return Entry(
            np.concatenate([self.boxes, other.boxes[new]]),
            Description(
                np.concatenate([self.description.vectors, other.description.vectors[new]]),
                np.concatenate([self.description.quality, other.description.quality[new]]),
            ),
        )

    def to_bytes(self) -> bytes:
        """For the database."""
        vectors, quality = self.description
        shape = np.array(vectors.shape, dtype="<u4")
        parts = (shape, self.boxes.astype("<f8"), vectors.astype("<f4"), quality.astype("<f4"))
        data = b"".join(part.tobytes() for part in parts)
        return _checksum(data) + data

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry | None:
        """From the database; None if it is damaged."""
        if len(data) < _SUM + 8 or _checksum(data[_SUM:]) != data[:_SUM]:
            return None
        count, width = (int(side) for side in np.frombuffer(data, dtype="<u4", count=2, offset=_SUM))
        start = _SUM + 8
        boxes = np.frombuffer(data, dtype="<f8", count=4 * count, offset=start)
        start += boxes.nbytes
        vectors = np.frombuffer(data, dtype="<f4", count=count * width, offset=start)
        quality = np.frombuffer(data, dtype="<f4", count=count, offset=start + vectors.nbytes)
        return cls(boxes.reshape(count, 4), Description(vectors.reshape(count, width), quality))


class VectorCache:
    """A bounded store of vectors; what was not used for the longest time goes first.

    It never stands in the way: whatever is wrong with it is a note, and the vectors are computed.

    Args:
        path: the file; by default in the user's cache, see `reid.caching`.
        limit: how large it may become, in bytes.

    Attributes:
        notes: what was wrong, in words.
    """

    def __init__(self, path: Path | None = None, limit: int = 2048 * MEGABYTE) -> None:
        self.path = path or cache_folder() / "vectors.sqlite"
        self.notes: list[str] = []
        self._limit = limit
        self._lock = Lock()
        self._used: list[bytes] = []
        self._database: sqlite3.Connection | None = None  # opened when it is needed
        self._given_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._database is None:
                return
            try:
                self._note_use(self._database)
                self._database.close()
            except sqlite3.Error as error:
                self._give_up(error)
            self._database = None

    def get(self, frame: str, descriptor: str) -> Entry | None:
        """What is known about a frame, given the fingerprints of both."""
        key = _key(frame, descriptor)
        with self._lock:
            if self._given_up:
                return None
            try:
                database = self._opened()
                entry = self._read(database, key)
                if entry is not None:
                    self._used.append(key)
                if len(self._used) >= _USES_NOTED_AT_ONCE:
                    self._note_use(database)
            except (OSError, sqlite3.Error) as error:
                self._give_up(error)
                return None
            return entry

    def put(self, descriptor: str, entries: Iterable[tuple[str, Entry]]) -> None:
        """Add to what is known about frames: all of it or nothing."""
        keyed = [(_key(frame, descriptor), entry) for frame, entry in entries]
        with self._lock:
            if not keyed or self._given_up:
                return
            try:
                database = self._opened()
                with _transaction(database):
                    self._write(database, keyed)
                self._make_room(database)
            except (OSError, sqlite3.Error) as error:
                self._give_up(error)

    def _opened(self) -> sqlite3.Connection:
        if self._database is not None:
            return self._database
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=_WAIT, check_same_thread=False, isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                database.execute(f"PRAGMA {pragma}")
            for statement in _SCHEMA:
                database.execute(statement)
        except sqlite3.Error:
            database.close()
            raise
        self._database = database
        return database

    def _read(self, database: sqlite3.Connection, key: bytes) -> Entry | None:
        row = database.execute("SELECT entry FROM frames WHERE key = ?", (key,)).fetchone()
        return None if row is None else Entry.from_bytes(row[0])

    def _write(self, database: sqlite3.Connection, entries: list[tuple[bytes, Entry]]) -> None:
        for key, entry in entries:
            known = self._read(database, key)
            data = (entry if known is None else known.joined(entry)).to_bytes()
            database.execute("INSERT OR REPLACE INTO frames VALUES (?, ?, ?)", (key, int(time.time()), data))

    def _note_use(self, database: sqlite3.Connection) -> None:
        uses = [(int(time.time()), key) for key in self._used]
        with _transaction(database):
            database.executemany("UPDATE frames SET used = ? WHERE key = ?", uses)
        self._used.clear()

    def _make_room(self, database: sqlite3.Connection) -> None:
        while self._size(database) > self._limit:
            count = database.execute("SELECT COUNT(*) FROM frames").fetchone()[0]
            if not count:
                return
            database.execute(
                "DELETE FROM frames WHERE rowid IN (SELECT rowid FROM frames ORDER BY used, rowid LIMIT ?)",
                (max(1, count // 5),),
            )
            database.execute("PRAGMA incremental_vacuum").fetchall()

    @staticmethod
    def _size(database: sqlite3.Connection) -> int:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        return int(pages * database.execute("PRAGMA page_size").fetchone()[0])

    def _give_up(self, error: Exception) -> None:
        """Go on without; a damaged file is removed, so that the next run begins a new one."""
        self._given_up = True
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None
        # Its subclasses stand for what is wrong around the file: rights, room, other processes.
        damaged = type(error) is sqlite3.DatabaseError
        if damaged:
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        outcome = "is damaged and was removed" if damaged else "is not used"
        self.notes.append(f"{self.path}: the cache of vectors {outcome} ({error})")


def _key(frame: str, descriptor: str) -> bytes:
    return hashlib.sha256(f"{_VERSION} {frame} {descriptor}".encode()).digest()


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_SUM]


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
