"""Folders in the style of Market-1501: the file names carry identity, camera and time.

``0002_c1s2_000451_03.jpg`` is identity 2 in camera 1, sequence 2, frame 451, third box. Identity -1 marks
junk, which is never read; identity 0 marks a distractor, somebody who is nobody else.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reid.datasets.crops import BoxedImage, boxed_crop, image_files
from reid.files import files_fingerprint

JUNK = -1
DISTRACTOR = 0

_NAME = re.compile(r"(-1|\d+)_c(\d+)s(\d+)_(\d+)_(\d+)$")


@dataclass(frozen=True, slots=True)
class MarketName:
    """What a file name says."""

    identity: int
    camera: int
    sequence: int
    frame: int
    box: int

    @classmethod
    def parse(cls, path: Path) -> MarketName | None:
        """Read a file's name; None if it is in another style."""
        # The published set has a few names with the ending twice (.jpg.jpg).
        match = _NAME.match(path.name.split(".", 1)[0])
        return None if match is None else cls(*map(int, match.groups()))


def is_market_folder(folder: Path, *, partly: bool = False) -> bool:
    """Whether all images of a folder are named in this style; ``partly``: whether any is."""
    named = (MarketName.parse(path) is not None for path in image_files(folder))
    return any(named) if partly else all(named)


class MarketFolder:
    """A Market-1501 style folder, or a part of its identities.

    The crops come in the order in which they were taken, not in that of the names, which would be the order
    of the identities: neither the store's order nor what the duplicate filter drops depends on the labels.

    Args:
        folder: the folder with the images.
        leave_out_last: leave out this many identities, those with the highest numbers; ``only_last`` takes
            just those, so that the two make a training and a held-out set of different people.
        only_last: see there.
    """

    is_video = False

    def __init__(self, folder: Path, leave_out_last: int = 0, only_last: int = 0) -> None:
        if leave_out_last and only_last:
            raise ValueError("leave_out_last and only_last exclude each other")
        self.folder = folder
        named: list[tuple[MarketName, Path]] = []
        for path in image_files(folder):
            name = MarketName.parse(path)
            if name is None:
                raise ValueError(f"{path}: not a Market-1501 name; expected one like 0002_c1s1_000451_03.jpg")
            if name.identity != JUNK:
                named.append((name, path))
        people = sorted({name.identity for name, _ in named} - {DISTRACTOR})
        if leave_out_last or only_last:
            last = leave_out_last or only_last
            cut = len(people) - last
            if cut <= 0:
                raise ValueError(f"{folder}: {len(people)} identities; cannot set the last {last} apart")
            chosen = set(people[cut:] if only_last else [DISTRACTOR, *people[:cut]])
            named = [entry for entry in named if entry[0].identity in chosen]
        self._entries = _in_order_of_capture(named)
        self._part = f"leave out {leave_out_last}, only {only_last}"

    @property
    def name(self) -> str:
        """The folder's path."""
        return self.folder.as_posix()

    def fingerprint(self) -> str:
        """Changes with the files and with the chosen identities."""
        return f"{files_fingerprint(path for _, path in self._entries)} {self._part}"

    def images(self) -> Iterator[BoxedImage]:
        """The crops in the order in which they were taken."""
        for name, path in self._entries:
            # Frame numbers start again in every sequence of a camera.
            frame = name.sequence * 1_000_000 + name.frame
            yield boxed_crop(path, path.name, frame, name.camera, name.identity)


def _in_order_of_capture(entries: list[tuple[MarketName, Path]]) -> list[tuple[MarketName, Path]]:
    def taken(name: MarketName) -> tuple[int, int, int, int]:
        return name.camera, name.sequence, name.frame, name.box

    shared = {key for key, count in Counter(taken(name) for name, _ in entries).items() if count > 1}

    def key(entry: tuple[MarketName, Path]) -> tuple[tuple[int, int, int, int], bytes]:
        name, path = entry
        # Where two boxes have the same number, only their content can order them without the label.
        content = hashlib.sha256(path.read_bytes()).digest() if taken(name) in shared else b""
        return taken(name), content

    return sorted(entries, key=key)
