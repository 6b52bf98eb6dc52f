"""Producing items in a thread, a few ahead of who takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from threading import Condition, Thread
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """Runs a generator in a thread and hands its items on; what it raises is raised where they are taken.

    Args:
        items: The generator. It is closed in its own thread, whatever happens.
        depth: How many items may wait.
        newest_wins: What happens when that many wait: the oldest is dropped if true, the generator waits if
            false.

    Attributes:
        dropped: How many items were dropped.
    """

    def __init__(self, items: Generator[Item], depth: int, newest_wins: bool = False) -> None:
        self.dropped = 0
        self._items = items
        self._depth = depth
        self._newest_wins = newest_wins
        self._waiting: deque[Item] = deque()
        self._changed = Condition()
        self._closed = False
        self._ended = False
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name="read-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        with self._changed:
            # With a time limit, because Windows delivers no Ctrl-C to a wait without one.
            while not self._changed.wait_for(
                lambda: self._waiting or self._ended or self._closed, timeout=0.5
            ):
                pass
            if self._waiting:
                item = self._waiting.popleft()
                self._changed.notify_all()
                return item
            error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    def close(self, timeout: float = 2.0) -> None:
        """Stop the thread; wait at most ``timeout`` seconds for it, as a device may keep it busy."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            try:
                for item in self._items:
                    if not self._hand_on(item):
                        return
            finally:
                self._items.close()
        except Exception as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _hand_on(self, item: Item) -> bool:
        """Whether there still is someone to take it."""
        with self._changed:
            if self._newest_wins and len(self._waiting) == self._depth:
                self._waiting.popleft()
                self.dropped += 1
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._depth)
            if not self._closed:
                self._waiting.append(item)
                self._changed.notify_all()
            return not self._closed
