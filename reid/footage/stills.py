"""Frames that are an image file each."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from pathlib import Path

from reid.files import FileError, digest
from reid.footage.frames import Frame, FrameSource, SourceError
from reid.images import read_image

_log = logging.getLogger(__name__)


class ImageSource(FrameSource):
    """Frames that are an image file each, all of one size.

    Args:
        paths: The images in order; None stands for one that is missing.
        name: What to call them in messages.
        title: A short name.
        frame_rate: Frames per second, if known.
        size: Width and height, if somebody says so; taken from the first readable image otherwise.
        said_by: Who says so.

    Raises:
        SourceError: if not one of them can be read, or the first has another size.
    """

    def __init__(
        self,
        paths: Sequence[Path | None],
        name: str,
        title: str,
        frame_rate: float | None = None,
        size: tuple[int, int] | None = None,
        said_by: str = "the first image",
    ) -> None:
        super().__init__()
        self.name = name
        self.title = title
        self.length = len(paths)
        self.frame_rate = frame_rate
        self.files = tuple(path for path in paths if path is not None and path.is_file())
        self._paths = paths
        self._said_by = said_by
        self.size = size
        self._look_at_first()

    def _look_at_first(self) -> None:
        fault: FileError | None = None
        for path in filter(None, self._paths):
            try:
                height, width, _ = read_image(path).shape
            except FileError as error:
                fault = fault or error
                continue
            self._check(path, (width, height))
            self.size = width, height
            return
        raise SourceError(f"{self.name}: no image can be read; expected at least one") from fault

    def _check(self, path: Path, size: tuple[int, int]) -> None:
        if self.size is not None and size != self.size:
            raise SourceError(
                f"{path}: {size[0]}×{size[1]} pixels; "
                f"expected {self.size[0]}×{self.size[1]}, as {self._said_by} says"
            )

    def fingerprint(self, number: int) -> str | None:
        """Stands for what a frame shows; None if it is missing."""
        path = self._paths[number - 1] if number <= len(self._paths) else None
        try:
            return None if path is None else digest(path)
        except OSError:
            return None

    def _frames(self) -> Generator[Frame]:
        for number, path in enumerate(self._paths, start=1):
            image, fault = None, f"{self.name}: the numbering of the images has a gap"
            if path is not None:
                try:
                    image = read_image(path)
                except FileError as error:
                    fault = str(error)
                else:
                    self._check(path, (image.shape[1], image.shape[0]))
            if image is None:
                self._missing.append(number)
                # The notes tell of all of them at once.
                _log.debug("frame %d goes without its image: %s", number, fault)
            yield Frame(number, image)
