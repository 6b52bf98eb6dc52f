"""Putting the images of a folder in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from reid.images import is_image, natural_key


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
