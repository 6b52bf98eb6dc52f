"""Where frames come from: folders of images, video files, cameras, streams, MOTChallenge sequences.

Whatever it is, :func:`open_source` makes a :class:`FrameSource` of it, which decodes in a thread while the
frames before are worked on.
"""

from __future__ import annotations

import logging
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from reid.files import FileError
from reid.images import is_image, read_image
from tracker.filerows import places_in_words
from tracker.images import in_order
from tracker.motchallenge import SequenceInfo
from tracker.readahead import ReadAhead

if TYPE_CHECKING:
    import cv2

_log = logging.getLogger(__name__)

_FRAMES_AHEAD = 8
_STREAM_TIMEOUT_MS = 10_000


class SourceError(ValueError):
    """Frames cannot be had; the message names the source, the frame if it is one, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        number: Its number, from 1. Numbers ascend; they have gaps where a live source dropped frames.
        image: (height, width, 3) RGB, uint8, or None if it is missing or damaged.
    """

    number: int
    image: NDArray[np.uint8] | None


class FrameSource(ABC):
    """Frames in order, decoded ahead in a thread; a context manager that ends the thread.

    A frame that cannot be read is delivered without its image, so that the frames behind it keep their
    numbers, and logged. A file can be iterated over again; each time starts at its first frame.

    Attributes:
        name: What to call it.
        length: Number of frames, or None if that is not known.
        frame_rate: Frames per second, or None if that is not known.
        size: Width and height in pixels, or None if that is not known.
        live: Whether frames come at their own pace. Then those that nobody took in time are dropped.
    """

    name: str
    length: int | None
    frame_rate: float | None
    size: tuple[int, int] | None
    live: bool = False

    def __init__(self) -> None:
        self._ahead: ReadAhead[Frame] | None = None
        self._missing: list[int] = []
        self._ending: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        self._stop()
        self._missing.clear()
        self._ending = None
        ahead = self._ahead = ReadAhead(
            self._frames(), depth=1 if self.live else _FRAMES_AHEAD, newest_wins=self.live
        )
        try:
            yield from ahead
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(f"{self.name}: {error}") from error
        finally:
            ahead.close()

    def close(self) -> None:
        """Let go of the file or device; an iteration that is under way ends."""
        self._stop()

    def _stop(self) -> None:
        if self._ahead is not None:
            self._ahead.close()

    @property
    def dropped(self) -> int:
        """How many frames of a live source came faster than they were taken."""
        return 0 if self._ahead is None else self._ahead.dropped

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong with the frames so far, in words."""
        notes = []
        if self._missing:
            places = places_in_words("frame", self._missing)
            notes.append(
                f"{self.name}: {len(self._missing)} of {self.length} images missing or damaged ({places})"
            )
        if self._ending:
            notes.append(self._ending)
        return tuple(notes)

    @abstractmethod
    def _frames(self) -> Generator[Frame]:
        """Decode frame after frame; runs in the thread."""


class ImageSource(FrameSource):
    """Frames that are an image file each.

    Args:
        paths: The images in order; None stands for one that is missing.
        name: What to call them.
        frame_rate: Frames per second, if known.
        size: Width and height, if known; taken from the first readable image otherwise.

    Raises:
        SourceError: if not one of them can be read.
    """

    def __init__(
        self,
        paths: Sequence[Path | None],
        name: str,
        frame_rate: float | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.length = len(paths)
        self.frame_rate = frame_rate
        self._paths = paths
        self.size = size or self._size_of_first()

    def _size_of_first(self) -> tuple[int, int]:
        fault: FileError | None = None
        for path in filter(None, self._paths):
            try:
                height, width, _ = read_image(path).shape
            except FileError as error:
                fault = fault or error
            else:
                return width, height
        raise SourceError(f"{self.name}: no image can be read; expected at least one") from fault

    def _frames(self) -> Generator[Frame]:
        for number, path in enumerate(self._paths, start=1):
            image, fault = None, f"{self.name}: the numbering of the images has a gap"
            if path is not None:
                try:
                    image = read_image(path)
                except FileError as error:
                    fault = str(error)
            if image is None:
                self._missing.append(number)
                _log.warning("frame %d goes without its image: %s", number, fault)
            yield Frame(number, image)


class VideoSource(FrameSource):
    """A video file, a camera or a stream, through OpenCV.

    Args:
        spec: A path, a URL, or the number of a camera.
    """

    def __init__(self, spec: str | int) -> None:
        import cv2

        super().__init__()
        self._spec = spec
        self.name = f"camera {spec}" if isinstance(spec, int) else spec
        capture = self._open()
        self._capture: cv2.VideoCapture | None = capture
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        rate = capture.get(cv2.CAP_PROP_FPS)
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        self.length = int(count) if count >= 1 and not isinstance(spec, int) else None
        self.frame_rate = rate if 0.0 < rate < math.inf else None
        self.size = (int(width), int(height)) if width >= 1 and height >= 1 else None
        # A stream that knows its number of frames is a file on a server: it waits for whoever reads it.
        self.live = self.length is None and (isinstance(spec, int) or _is_url(spec))

    def close(self) -> None:
        """Let go of the file or device; an iteration that is under way ends."""
        super().close()
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _open(self) -> cv2.VideoCapture:
        import cv2

        if isinstance(self._spec, str) and _is_url(self._spec):
            # Without time limits a silent server would hold the thread for ever.
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _STREAM_TIMEOUT_MS]
            limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, _STREAM_TIMEOUT_MS]
            capture = cv2.VideoCapture(self._spec, cv2.CAP_FFMPEG, limits)
        else:
            capture = cv2.VideoCapture(self._spec)
        if not capture.isOpened():
            raise SourceError(f"{self.name}: cannot be opened; expected a video that OpenCV can decode")
        return capture

    def _frames(self) -> Generator[Frame]:
        import cv2

        capture, self._capture = self._capture or self._open(), None
        number = 0
        try:
            while True:
                decoded, image = capture.read()
                if not decoded:
                    break
                number += 1
                yield Frame(number, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8))
        finally:
            capture.release()
        if number == 0:
            raise SourceError(
                f"{self.name}: no frame can be decoded; expected a video that OpenCV can decode"
            )
        if self.live:
            self._ending = f"{self.name}: ended after frame {number}"
        elif self.length is not None and number < self.length:
            self._ending = f"{self.name}: ended after frame {number} of the {self.length} that it promises"


def open_source(spec: str | Path | int | SequenceInfo) -> FrameSource:
    """Frames from whatever ``spec`` means.

    Args:
        spec: A sequence or its folder, a folder of images, a shell pattern that matches images, an image, a
            video file, a URL, or the number of a camera (as a number, or as text if no file has that name).

    Raises:
        SourceError: if there is nothing, or nothing that can be decoded.
    """
    if isinstance(spec, SequenceInfo):
        return _sequence_source(spec)
    if isinstance(spec, int):
        return VideoSource(spec)
    text, path = str(spec), Path(spec)
    if _is_url(text):
        return VideoSource(text)
    if (path / "seqinfo.ini").is_file():
        return _sequence_source(SequenceInfo.read(path))
    if path.is_dir():
        return _image_source(path.iterdir(), text)
    if path.is_file():
        return ImageSource([path], path.name) if is_image(path) else VideoSource(text)
    if text.isdecimal():
        return VideoSource(int(text))
    if any(sign in text for sign in "*?["):
        return _image_source(Path(path.anchor).glob(str(path.relative_to(path.anchor))), text)
    raise SourceError(
        f"{text}: no such file or folder; expected images, a video, a URL or the number of a camera"
    )


def _sequence_source(sequence: SequenceInfo) -> ImageSource:
    if not sequence.has_images:
        raise SourceError(
            f"{sequence.image_folder}: no {sequence.image_extension} images; expected {sequence.name}'s"
        )
    paths = [sequence.image_path(frame) for frame in range(1, sequence.length + 1)]
    return ImageSource(paths, sequence.name, sequence.frame_rate, (sequence.width, sequence.height))


def _image_source(candidates: Iterable[Path], spec: str) -> ImageSource:
    paths = in_order(candidates)
    if not paths:
        raise SourceError(f"{spec}: no images; expected files such as 000001.jpg or 000001.png")
    return ImageSource(paths, spec)


def _is_url(spec: str) -> bool:
    return re.match(r"[a-z][a-z0-9+.-]+://", spec, re.IGNORECASE) is not None
