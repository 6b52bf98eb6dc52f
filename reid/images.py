"""Image files: reading one, and the order of their names. Shared by both packages."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.files import FileError

IMAGE_SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"))


def is_image(path: Path) -> bool:
    """Whether a file's name is that of an image; hidden files are thumbnails and resource forks."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def read_image(path: Path) -> NDArray[np.uint8]:
    """The image (height, width, 3) as RGB.

    Raises:
        FileError: if it is missing, damaged, or no image.
    """
    import cv2

    # Decoded from memory, because cv2.imread cannot open every path on every system.
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; expected an image") from error
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # as for an empty file, or one that says to be larger than OpenCV allows
        image = None
    if image is None:
        raise FileError(f"{path}: damaged or no image; expected one that OpenCV can decode")
    return np.asarray(image, dtype=np.uint8)


def natural_key(name: str) -> list[tuple[int, str]]:
    """Key that sorts names as a person would: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
