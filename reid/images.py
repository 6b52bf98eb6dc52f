"""Image files: reading one, and their order. Shared by both packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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


def in_order(paths: Iterable[Path]) -> Sequence[Path | None]:
    """The images among the files in natural order, with None where the numbers in their names skip one.

    Names may count in steps, as every fifth frame of a video would. If more would be missing than are there,
    the numbers are no frame numbers, and the images simply follow each other.
    """
    images = sorted(filter(is_image, paths), key=lambda path: natural_key(path.name))
    numbered = [(path, match) for path in images if (match := re.search(r"\d+$", path.stem))]
    series = {path.stem[: match.start()] for path, match in numbered}
    if len(numbered) < len(images) or len(series) != 1:
        return images
    numbers = [int(match[0]) for _, match in numbered]
    steps = np.diff(numbers)
    if not (steps > 0).all():
        return images
    places = (np.subtract(numbers, numbers[0]) // max(int(np.gcd.reduce(steps)), 1)).tolist()
    if places[-1] >= 2 * len(images):
        return images
    by_place = dict(zip(places, images, strict=True))
    return [by_place.get(place) for place in range(places[-1] + 1)]
