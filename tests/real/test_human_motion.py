from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from reid.datasets.acclaim import read_motion, read_skeleton
from reid.datasets.cmu import FOLDER, MAT, Motion, load_motion


@pytest.fixture(scope="module")
def folder(data_root: Path) -> Path:
    folder = data_root / FOLDER
    if not (folder / "35" / "35.asf").is_file():
        pytest.skip(f"no motion in {folder}")
    return folder


@pytest.fixture(scope="module")
def motion(folder: Path) -> Motion:
    return load_motion(folder)


def test_trials_are_those_of_the_prepared_file(folder: Path) -> None:
    """Two readers, one of them N. Lawrence's, agree to the digit in the order and the unit of every angle."""
    if not (folder / MAT).is_file():
        pytest.skip(f"no {MAT} in {folder}")
    poses = read_motion(folder / "35" / "35_01.amc", read_skeleton(folder / "35" / "35.asf"))
    content = scipy.io.loadmat(folder / MAT)
    prepared = content["Y"][content["lbls"].argmax(axis=1) == 0]
    np.testing.assert_allclose(poses[::4], prepared, atol=1e-4)


def test_the_movements_are_uneven_as_the_paper_says(motion: Motion) -> None:
    counts = dict(zip(motion.names, np.bincount(motion.movement), strict=True))
    assert motion.angles.shape == (sum(counts.values()), 50)
    assert counts["walking"] > 4 * counts.get("jogging", 0)


def test_no_angle_jumps_by_a_full_turn(motion: Motion) -> None:
    assert np.abs(np.diff(motion.angles, axis=0)).max() < 1.5 * np.pi
    assert np.abs(motion.angles).max() < 1.5 * np.pi


def test_people_stand_on_their_feet(motion: Motion) -> None:
    joints = motion.joints(motion.angles[::50].astype(np.float64))
    place = {bone.name: number + 1 for number, bone in enumerate(motion.skeleton.bones)}
    head, toes = joints[:, place["head"], 1], joints[:, [place["ltoes"], place["rtoes"]], 1]
    assert (head > toes.max(axis=1) + 10).all()
