from __future__ import annotations

from pathlib import Path

import numpy as np

from reid.datasets.crossing import make_crossing
from reid.datasets.motchallenge import image_paths, read_boxes
from reid.footage.sequence import SequenceInfo
from reid.images import read_image


def test_a_scene_is_a_whole_sequence(tmp_path: Path) -> None:
    info = SequenceInfo.read(make_crossing(tmp_path / "SCENE-01", frames=8))
    assert info.length == len(image_paths(info.folder)) == 8
    assert read_image(info.image_path(1)).shape == (info.height, info.width, 3)
    truth = read_boxes(info.ground_truth)
    assert set(truth.identities.tolist()) == {1, 2, 3}


def test_everybody_is_hidden_for_a_while_and_not_detected_then(tmp_path: Path) -> None:
    info = SequenceInfo.read(make_crossing(tmp_path / "SCENE-01"))
    truth, found = read_boxes(info.ground_truth), read_boxes(info.folder / "det" / "det.txt")
    for number in (1, 2, 3):
        mine = truth.take(truth.identities == number)
        gone = np.setdiff1d(np.arange(mine.frames[0], mine.frames[-1]), mine.frames)
        assert len(gone) > 5
        assert mine.frames[0] < gone[0] < gone[-1] < mine.frames[-1]
    assert len(found.frames) == int((truth.visibility >= 0.6).sum())


def test_the_same_seed_draws_the_same_scene(tmp_path: Path) -> None:
    one, other, third = (
        make_crossing(tmp_path / name, frames=3, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    for path in ("img1/000002.jpg", "det/det.txt"):
        assert (one / path).read_bytes() == (other / path).read_bytes() != (third / path).read_bytes()
