"""OpenCV without its own words. Shared by both packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SILENT = 0


@contextmanager
def silent_opencv() -> Iterator[None]:
    """What cannot be opened is told in one line of our own; OpenCV and FFmpeg would fill the screen."""
    import cv2

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # OpenCV 5 has it among its utilities, OpenCV 4 has not.
    own: Any = getattr(cv2.utils, "logging", cv2)
    level = own.getLogLevel()
    own.setLogLevel(_SILENT)
    try:
        yield
    finally:
        own.setLogLevel(level)
