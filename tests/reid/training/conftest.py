from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.reid.training.small_runs import FRAMES


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Six people, each in clothes of a colour, in Market-1501's style."""
    folder = tmp_path / "my crops"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for frame in range(FRAMES):
        person = frame % 6
        image = rng.integers(0, 60, (64, 32, 3), dtype=np.uint8)
        image[10:55, 8:24, person % 3] += np.uint8(120 + 30 * (person // 3))
        cv2.imwrite(str(folder / f"{person + 1:04d}_c{1 + frame % 2}s1_{frame + 1:06d}_00.png"), image)
    return folder
