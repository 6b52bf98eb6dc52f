"""Make some frames of a MOTChallenge sequence one of their own: a half to learn from, a half to test on.

Example: ``python tools/cut_sequence.py MOT17/train/MOT17-09-FRCNN halves/MOT17-09-second --frames 263-525``

Images are linked, not copied. Frames count from 1 again, in the ground truth and in all detections, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from reid.files import FileError, folder_written_atomically
from reid.footage.sequence import SequenceInfo, write_description

_FRAME = re.compile(r"\s*([^,;\s]+)")


def cut_sequence(folder: Path, part: Path, first: int, last: int) -> int:
    """Write frames ``first`` to ``last`` of the sequence in ``folder`` as the sequence ``part``.

    It is written into a folder beside and renamed when it is complete.

    Returns:
        How many images of those frames are there.

    Raises:
        FileError: if there is no such sequence or frame, if a file cannot be understood, or if ``part`` is
            there already.
    """
    sequence = SequenceInfo.read(folder)
    if not 1 <= first <= last <= sequence.length:
        raise FileError(f"{folder}: has frames 1 to {sequence.length}; expected a part of them")
    if part.exists():
        raise FileError(f"{part}: is there already; choose another folder, or remove it")
    with folder_written_atomically(part) as work:
        images = _link_images(sequence, work, first, last)
        for file in (sequence.ground_truth, *sorted((sequence.folder / "det").glob("*"))):
            if file.suffix in _CUTS and file.is_file():
                cut = work / file.relative_to(sequence.folder)
                cut.parent.mkdir(exist_ok=True)
                _CUTS[file.suffix](file, cut, first, last)
        size, length = (sequence.width, sequence.height), last - first + 1
        write_description(work, part.name, length, sequence.frame_rate, size, sequence.image_extension)
    return images


def _link_images(sequence: SequenceInfo, work: Path, first: int, last: int) -> int:
    there = {frame: path for frame, path in sequence.images().items() if first <= frame <= last}
    if there:
        (work / "img1").mkdir()
    for frame, path in there.items():
        (work / "img1" / f"{frame - first + 1:06d}{path.suffix}").symlink_to(path.resolve())
    return len(there)


def _cut_text(file: Path, cut: Path, first: int, last: int) -> None:
    kept = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        found = _FRAME.match(line)
        if found is None:
            continue
        try:
            frame = float(found[1])
        except ValueError:
            raise FileError(f"{file}, line {number}: {found[1]!r}; expected the number of a frame") from None
        if first <= frame <= last:
            kept.append(f"{frame - first + 1:.0f}{line[found.end() :]}\n")
    cut.write_text("".join(kept), encoding="utf-8", newline="\n")


def _cut_array(file: Path, cut: Path, first: int, last: int) -> None:
    try:
        rows = np.load(file, allow_pickle=False)
        rows = rows[(rows[:, 0] >= first) & (rows[:, 0] <= last)]
    except (ValueError, IndexError, EOFError) as error:
        raise FileError(f"{file}: {error}; expected an array of detections, one in each row") from error
    rows[:, 0] -= first - 1
    np.save(cut, rows)


_CUTS = {".txt": _cut_text, ".csv": _cut_text, ".npy": _cut_array}


def main(
    sequence: Annotated[Path, typer.Argument(help="Folder of a sequence, with its seqinfo.ini.")],
    part: Annotated[Path, typer.Argument(help="Where to write; its name is the name of the new sequence.")],
    frames: Annotated[str, typer.Option(metavar="FIRST-LAST", help="Which frames, counted from 1.")],
) -> None:
    """Make some frames of a MOTChallenge sequence a sequence of their own."""
    asked = re.fullmatch(r"(\d+)-(\d+)", frames)
    try:
        if asked is None:
            raise FileError(f"--frames {frames}: expected the first and the last, such as 151-300")
        images = cut_sequence(sequence, part, int(asked[1]), int(asked[2]))
    except (FileError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{part}: frames {frames} of {sequence.resolve().name}, {images} images")


if __name__ == "__main__":
    typer.run(main)
