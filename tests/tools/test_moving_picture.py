"""A video becomes a small picture that moves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from moving_picture import main
from PIL import Image

from tests.tools.commands import run


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (160, 120))
    for number in range(20):
        frame = np.zeros((120, 160, 3), dtype=np.uint8)
        frame[:, 8 * number : 8 * number + 8] = (0, 0, 255)
        writer.write(frame)
    writer.release()
    return path


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_the_chosen_frames_are_shown(video: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    options = ["--width", 80, "--start", 2, "--frames", 5, "--every", 3]
    assert run(main, video, target, *options).exit_code == 0
    with Image.open(target) as picture:
        assert picture.size == (80, 60)
        assert picture.n_frames == 5
        for position in range(5):
            picture.seek(position)
            red = np.asarray(picture.convert("RGB"), dtype=np.int64)[:, :, 0].sum(axis=0)
            assert abs(int(red.argmax()) - (4 * (2 + 3 * position) + 2)) <= 2


def test_mistakes_are_named(video: Path, tmp_path: Path) -> None:
    for arguments, expected in (
        ([tmp_path / "none.mp4", tmp_path / "a.webp"], "none.mp4: no such file; expected a video"),
        ([video, tmp_path / "a.mp4"], "expected the name of a .webp or .gif"),
        ([video, tmp_path], "expected the name of a .webp or .gif"),
        ([video, video / "a.gif"], "a.gif: cannot be written"),
        ([video, tmp_path / "a.gif", "--start", 50], "readable frames"),
        # Of 20 frames the last one only; 60 are asked for, and fewer would do.
        ([video, tmp_path / "a.gif", "--start", 19], "found 1 readable frames to show"),
    ):
        outcome = run(main, *arguments)
        assert outcome.exit_code == 1
        assert expected in outcome.output
