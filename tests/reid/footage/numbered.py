"""Images and videos of pictures that show their number."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from reid.footage.frames import Frame, FrameSource

HEIGHT, WIDTH = 48, 64


def picture(number: int) -> np.ndarray:
    """A BGR picture whose red says which one it is, up to 31."""
    image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    image[..., 2] = number % 32 * 8
    image[..., 0] = 255
    return image


def make_images(folder: Path, numbers: list[int], pattern: str = "{:06d}.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / pattern.format(number)), picture(number))
    return folder


def make_video(path: Path, frames: int = 30) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (WIDTH, HEIGHT))
    rng = np.random.default_rng(0)
    for number in range(1, frames + 1):
        image = picture(number)
        image[: HEIGHT // 2] = rng.integers(0, 255, (HEIGHT // 2, WIDTH, 3))
        writer.write(image)
    writer.release()
    return path


def shown(frame: Frame) -> int | None:
    """The number of the picture on a frame."""
    if frame.image is None:
        return None
    assert frame.image.dtype == np.uint8
    assert frame.image.shape == (HEIGHT, WIDTH, 3)
    red, _, blue = frame.image[-8:].mean(axis=(0, 1))
    assert blue > 200
    return round(red / 8)


def read_all(source: FrameSource) -> list[tuple[int, int | None]]:
    return [(frame.number, shown(frame)) for frame in source]
