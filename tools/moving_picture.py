"""Make a small moving picture of a video, for a page that cannot play videos.

python tools/moving_picture.py build/demo/street.mp4 docs/street.webp --start 40 --frames 60
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import typer
from PIL import Image

from reid.files import FileError, check_writable, written_atomically


def main(
    video: Annotated[Path, typer.Argument(help="What to show.")],
    picture: Annotated[Path, typer.Argument(help="Where to: a .webp or .gif file.")],
    width: Annotated[int, typer.Option(min=16, help="In pixels; the height follows.")] = 480,
    start: Annotated[int, typer.Option(min=0, help="Frames to skip at the beginning.")] = 0,
    frames: Annotated[int, typer.Option(min=2, help="How many to show.")] = 60,
    every: Annotated[int, typer.Option(min=1, help="Take every so many-th frame.")] = 2,
    rate: Annotated[float, typer.Option(min=0.1, help="Frames a second.")] = 12.0,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of a .webp file.")] = 50,
) -> None:
    """Write an animation that repeats for ever."""
    if picture.suffix not in (".webp", ".gif"):
        _fail(f"{picture}: expected the name of a .webp or .gif file")
    if not video.is_file():
        _fail(f"{video}: no such file; expected a video")
    try:
        check_writable(picture)
    except FileError as error:
        _fail(str(error))
    shown = [
        Image.fromarray(image).resize((width, round(width * image.shape[0] / image.shape[1])))
        for image in islice(_frames(video), start, start + frames * every, every)
    ]
    if len(shown) < 2:
        _fail(f"{video}: found {len(shown)} readable frames to show after the first {start}; expected two")
    with written_atomically(picture) as unfinished:
        shown[0].save(
            unfinished,
            format=picture.suffix[1:].upper(),
            save_all=True,
            append_images=shown[1:],
            duration=round(1000 / rate),
            loop=0,
            quality=quality,
            method=6,
        )
    typer.echo(f"{picture}: {len(shown)} frames, {picture.stat().st_size / 1000:.0f} kB")


def _frames(video: Path) -> Iterator[cv2.typing.MatLike]:
    capture = cv2.VideoCapture(str(video))
    try:
        while True:
            there, image = capture.read()
            if not there:
                return
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def _fail(problem: str) -> None:
    typer.echo(f"error: {problem}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
