"""Video files, cameras and streams, through OpenCV."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Generator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from reid.files import digest
from reid.footage.frames import USUAL_FRAME_RATE, Frame, FrameSource, SourceError
from reid.footage.opencv import silent_opencv

if TYPE_CHECKING:
    import cv2

_log = logging.getLogger(__name__)

#: Seconds that a live source may be away before it counts as ended.
PATIENCE = 60.0

_STREAM_TIMEOUT_MS = 10_000
# Streams report the clock of their container for a frame rate if they do not know it.
_MOST_FRAMES_PER_SECOND = 1000.0
# Names of what a query says about who asks, and not about what for.
_ADMISSION = re.compile(r"auth|cred|key|login|pas|pw|secret|sess|sign|token|use?r|^[up]$", re.IGNORECASE)


class VideoSource(FrameSource):
    """A video file, a camera or a stream.

    A camera or stream that is lost is opened again, until it has been away for too long.

    Args:
        spec: A path, a URL, or the number of a camera.

    Raises:
        SourceError: if it cannot be opened.
    """

    exact_length = False

    def __init__(self, spec: str | int) -> None:
        import cv2

        super().__init__()
        self._spec = spec
        self.name, self.title = _names(spec)
        self.files = () if isinstance(spec, int) or is_url(spec) else (Path(spec),)
        capture = self._open()
        self._capture: cv2.VideoCapture | None = capture
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        rate = capture.get(cv2.CAP_PROP_FPS)
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        self.length = int(count) if count >= 1 and not isinstance(spec, int) else None
        self.frame_rate = rate if 0.0 < rate <= _MOST_FRAMES_PER_SECOND else None
        self.size = (int(width), int(height)) if width >= 1 and height >= 1 else None
        # A stream that knows its number of frames is a file on a server: it waits for whoever reads it.
        self.live = self.length is None and (isinstance(spec, int) or is_url(spec))

    def fingerprint(self, number: int) -> str | None:
        """Stands for what a frame shows; None for cameras and streams."""
        return None if self._digest is None else f"{self._digest} {number}"

    @cached_property
    def _digest(self) -> str | None:
        if isinstance(self._spec, int) or is_url(self._spec):
            return None
        try:
            return digest(Path(self._spec))
        except OSError:
            return None

    def close(self) -> None:
        """Let go of the file or device; an iteration that is under way ends."""
        super().close()
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _open(self) -> cv2.VideoCapture:
        import cv2

        with silent_opencv():
            if isinstance(self._spec, str) and is_url(self._spec):
                # Without time limits a silent server would hold the thread for ever.
                limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _STREAM_TIMEOUT_MS]
                limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, _STREAM_TIMEOUT_MS]
                capture = cv2.VideoCapture(self._spec, cv2.CAP_FFMPEG, limits)
                expected = "a stream that can be reached and decoded"
            else:
                capture = cv2.VideoCapture(self._spec)
                expected = (
                    "the number of a camera that no other program uses"
                    if isinstance(self._spec, int)
                    else "a video that OpenCV can decode"
                )
        # FFmpeg plays text files, too, as a terminal would show them.
        text = int(capture.get(cv2.CAP_PROP_FOURCC)) == cv2.VideoWriter.fourcc(*"ansi")
        if text or not capture.isOpened():
            raise SourceError(f"{self.name}: cannot be opened; expected {expected}")
        return capture

    def _frames(self) -> Generator[Frame]:
        capture, self._capture = self._capture or self._open(), None
        number = 0
        while True:
            with closing(_decoded(capture)) as images:
                for image in images:
                    number += 1
                    yield Frame(number, image)
            if not self.live or self._stopping.is_set():
                break
            again = self._found_again(number)
            if again is None:
                break
            capture, away = again
            # Time went on meanwhile.
            number += round(away * (self.frame_rate or USUAL_FRAME_RATE))
            self._back_at.append(number + 1)
        if number == 0:
            raise SourceError(
                f"{self.name}: no frame can be decoded; expected a video that OpenCV can decode"
            )
        if self.live:
            self._events.append(f"ended after frame {number}")
        elif self.length is not None and number < self.length:
            self._events.append(f"ended after frame {number} of the {self.length} that it promises")

    def _found_again(self, number: int) -> tuple[cv2.VideoCapture, float] | None:
        """A lost camera or stream, once it delivers again, and the seconds until then.

        None when it has been away for too long.
        """
        lost = time.monotonic()
        _log.warning("%s: lost after frame %d; trying to get it back", self.name, number)
        pause = 0.25
        while not self._stopping.wait(pause) and time.monotonic() - lost < PATIENCE:
            pause = min(2.0 * pause, 5.0)
            try:
                capture = self._open()
            except SourceError:
                continue
            # Some servers let everybody in and then say nothing.
            if capture.grab():
                away = time.monotonic() - lost
                _log.warning("%s: back after %.1f s", self.name, away)
                self._events.append(f"lost after frame {number}, back {away:.1f} s later")
                return capture, away
            capture.release()
        return None


def is_url(spec: str) -> bool:
    """Whether a text is the address of a stream."""
    return re.match(r"[a-z][a-z0-9+.-]+://", spec, re.IGNORECASE) is not None


def _decoded(capture: cv2.VideoCapture) -> Generator[NDArray[np.uint8]]:
    """All that a capture has, in RGB; it is released in the end."""
    import cv2

    try:
        while True:
            decoded, image = capture.read()
            if not decoded:
                return
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    finally:
        capture.release()


def _names(spec: str | int) -> tuple[str, str]:
    """What to call it in messages, and a short name; without the passwords that an address may hold."""
    if isinstance(spec, int):
        return f"camera {spec}", f"camera-{spec}"
    if not is_url(spec):
        return spec, Path(spec).stem
    # Not by urlsplit, which refuses passwords with a bracket in them, as cameras may have them.
    protocol, _, rest = spec.partition("://")
    place, _, query = rest.partition("#")[0].partition("?")
    before, slash, path = place.partition("/")
    address = f"{before.rpartition('@')[2]}{slash}{path}"
    title = re.sub(r"[^\w.-]+", "-", unquote(address)).strip("-.")
    # One server may have several cameras, told apart by the query alone.
    asked = [part for part in query.split("&") if part and not _ADMISSION.search(_name_in(part))]
    if asked:
        title += f"-{hashlib.sha256('&'.join(asked).encode()).hexdigest()[:8]}"
    return f"{protocol}://{address}", title


def _name_in(part: str) -> str:
    """The name of a query's ``name=value``."""
    return unquote(part.partition("=")[0])
