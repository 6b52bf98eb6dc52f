"""Small sequences on disk for the tests of the pipeline and the command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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

    def add_vectors(self, folder: Path, width: int = 8) -> Path:
        """DeepSORT's file beside ``det.txt``: the same rows, with one vector of its own for each person."""
        rows = np.loadtxt(folder / "det" / "det.txt", delimiter=",", ndmin=2)
        vectors: NDArray[np.float64] = np.eye(width)[np.arange(len(rows)) % len(PEOPLE)]
        path = folder / "det" / "walkers.npy"
        np.save(path, np.hstack((rows, vectors)))
        return path
