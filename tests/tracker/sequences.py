"""Small sequences on disk for the tests of the pipeline and the command."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Person:
    """Walks through the picture at constant speed: 1-based left and top in frame 1, size, step."""

    left: float
    top: float
    width: float
    height: float
    step: float

    def row(self, frame: int) -> list[float]:
        left = self.left + self.step * (frame - 1)
        return [frame, -1, left, self.top, self.width, self.height, 0.9, -1, -1, -1]


PEOPLE = (Person(20, 50, 40, 110, 4), Person(300, 60, 42, 120, -2), Person(500, 200, 60, 160, 0.5))


@dataclass(frozen=True)
class SequenceMaker:
    """Writes sequences in MOTChallenge's layout below ``root``."""

    root: Path

    def __call__(
        self,
        name: str,
        length: int = 30,
        empty: Iterable[int] = (),
        people: tuple[Person, ...] = PEOPLE,
        detected_until: int | None = None,
    ) -> Path:
        """A sequence in which everybody is detected in every frame that is not ``empty``."""
        folder = self.root / name
        (folder / "det").mkdir(parents=True)
        (folder / "seqinfo.ini").write_text(
            f"[Sequence]\nname={name}\nimDir=img1\nframeRate=25\nseqLength={length}\n"
            "imWidth=640\nimHeight=480\nimExt=.jpg\n"
        )
        frames = sorted(set(range(1, (detected_until or length) + 1)) - set(empty))
        rows = [person.row(frame) for frame in frames for person in people]
        lines = (",".join(f"{value:g}" for value in row) + "\n" for row in rows)
        (folder / "det" / "det.txt").write_text("".join(lines))
        return folder

    def add_images(self, folder: Path, missing: Iterable[int] = ()) -> None:
        """A grey street in which everybody is a coloured rectangle, whether detected or not."""
        (folder / "img1").mkdir()
        for frame in sorted(set(range(1, _length(folder) + 1)) - set(missing)):
            image = np.full((480, 640, 3), 90, dtype=np.uint8)
            for person, colour in zip(PEOPLE, ((40, 40, 200), (40, 180, 40), (200, 80, 40)), strict=True):
                left, top, width, height = np.round(person.row(frame)[2:6]).astype(int) - (1, 1, 0, 0)
                cv2.rectangle(image, (left, top), (left + width, top + height), colour, cv2.FILLED)
            cv2.imwrite(str(folder / "img1" / f"{frame:06d}.jpg"), image)

    def add_truth(self, folder: Path) -> None:
        """Ground truth: everybody, in every frame."""
        (folder / "gt").mkdir()
        lines = (
            f"{frame},{identity},{row[2]:g},{row[3]:g},{row[4]:g},{row[5]:g},1,1,1\n"
            for frame in range(1, _length(folder) + 1)
            for identity, row in ((number, person.row(frame)) for number, person in enumerate(PEOPLE, 1))
        )
        (folder / "gt" / "gt.txt").write_text("".join(lines))

    def add_vectors(self, folder: Path, width: int = 8) -> Path:
        """DeepSORT's file beside ``det.txt``: the same rows, with one vector of its own for each person."""
        rows = np.loadtxt(folder / "det" / "det.txt", delimiter=",", ndmin=2)
        vectors: NDArray[np.float64] = np.eye(width)[np.arange(len(rows)) % len(PEOPLE)]
        path = folder / "det" / "walkers.npy"
        np.save(path, np.hstack((rows, vectors)))
        return path


def _length(folder: Path) -> int:
    return int(re.findall(r"seqLength=(\d+)", (folder / "seqinfo.ini").read_text())[0])
