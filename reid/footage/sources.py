"""From a path, a pattern, a URL or a number to frames, whatever is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from reid.footage.frames import FrameSource, SourceError
from reid.footage.sequence import SequenceInfo
from reid.footage.stills import ImageSource
from reid.footage.video import VideoSource, is_url
from reid.images import in_order, is_image

_WILDCARDS = "*?["
# Linux calls its cameras so; OpenCV knows them by their numbers.
_CAMERA = re.compile(r"/dev/video(\d+)")


def open_source(spec: str | Path | int | SequenceInfo) -> FrameSource:
    """Frames from whatever ``spec`` means.

    Args:
        spec: A sequence or its folder, a folder of images, a shell pattern that matches images, an image, a
            video file, a URL, or a camera: its number (as a number, or as text if no file has that name) or
            its device, such as ``/dev/video0``.

    Raises:
        SourceError: if there is nothing, or nothing that can be decoded.
    """
    if isinstance(spec, SequenceInfo):
        return _sequence_source(spec)
    if isinstance(spec, int):
        return VideoSource(spec)
    text, path = str(spec), Path(spec)
    if is_url(text):
        return VideoSource(text)
    if (path / "seqinfo.ini").is_file():
        return _sequence_source(SequenceInfo.read(path))
    if path.is_dir():
        return _image_source(path.iterdir(), text, path.resolve().name)
    if path.is_file():
        return ImageSource([path], path.name, path.stem) if is_image(path) else VideoSource(text)
    if text.isdecimal():
        return VideoSource(int(text))
    if camera := _CAMERA.fullmatch(str(path.resolve())):
        return VideoSource(int(camera[1]))
    if any(sign in text for sign in _WILDCARDS):
        folder = next(above for above in path.parents if not any(sign in str(above) for sign in _WILDCARDS))
        matches = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        return _image_source(matches, text, folder.resolve().name)
    raise SourceError(
        f"{text}: no such file or folder; expected images, a video, a URL or the number of a camera"
    )


def _sequence_source(sequence: SequenceInfo) -> ImageSource:
    if not sequence.has_images:
        raise SourceError(
            f"{sequence.image_folder}: no {sequence.image_extension} images; expected {sequence.name}'s"
        )
    there = sequence.images()
    paths = [there.get(frame) for frame in range(1, sequence.length + 1)]
    if not any(paths):
        found = min(path.name for path in sequence.image_folder.glob(f"*{sequence.image_extension}"))
        raise SourceError(
            f"{sequence.image_folder}: no image has the number of a frame from 1 to {sequence.length} "
            f"(the first is {found}); expected names such as {sequence.image_path(1).name}"
        )
    return ImageSource(
        paths,
        sequence.name,
        sequence.name,
        sequence.frame_rate,
        (sequence.width, sequence.height),
        said_by=str(sequence.folder / "seqinfo.ini"),
    )


def _image_source(candidates: Iterable[Path], spec: str, title: str) -> ImageSource:
    paths = in_order(candidates)
    if not paths:
        raise SourceError(f"{spec}: no images; expected files such as 000001.jpg or 000001.png")
    return ImageSource(paths, spec, title)
