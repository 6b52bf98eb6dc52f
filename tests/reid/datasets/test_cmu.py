from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from reid.datasets.acclaim import Skeleton
from reid.datasets.cmu import kept_channels, load_motion, without_full_turns
from reid.datasets.gait import stick_figure
from reid.files import FileError


def skeleton_text(skeleton: Skeleton) -> str:
    bones = []
    for bone in skeleton.bones:
        dof = [f"dof {' '.join(bone.channels)}"] if bone.channels else []
        direction, axis = (" ".join(map(str, values)) for values in (bone.offset, bone.axis))
        bones += ["begin", f"name {bone.name}", f"direction {direction}", "length 1", f"axis {axis} XYZ"]
        bones += [*dof, "end"]
    hierarchy = [f"{bone.parent} {bone.name}" for bone in skeleton.bones]
    root = ["order TX TY TZ RX RY RZ", "axis XYZ"]
    return "\n".join(
        [":units", "angle deg", ":root", *root, ":bonedata", *bones, ":hierarchy", "begin", *hierarchy, "end"]
    )


def motion_text(skeleton: Skeleton, poses: NDArray[np.float64]) -> str:
    lines = [":FULLY-SPECIFIED", ":DEGREES"]
    for frame, pose in enumerate(poses, 1):
        lines += [str(frame), "root " + " ".join(map(str, pose[:6]))]
        column = 6
        for bone in skeleton.bones:
            if bone.channels:
                values = pose[column : column + len(bone.channels)]
                lines.append(f"{bone.name} {' '.join(map(str, values))}")
                column += len(bone.channels)
    return "\n".join(lines)


def write_trial(folder: Path, subject: int, trial: int, value: float, frames: int = 8) -> None:
    """A trial whose every angle is one value, and the subject's skeleton."""
    skeleton = stick_figure()
    place = folder / "cmu_mocap" / str(subject)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{subject}.asf").write_text(skeleton_text(skeleton))
    poses = np.full((frames, 62), value)
    (place / f"{subject}_{trial:02d}.amc").write_text(motion_text(skeleton, poses))


def write_mat(folder: Path, clips: list[int], value: float = 7.0) -> None:
    """Two poses of each clip."""
    labels = np.zeros((2 * len(clips), 31), dtype=np.uint8)
    labels[np.arange(len(labels)), np.repeat(clips, 2)] = 1
    scipy.io.savemat(
        folder / "cmu_mocap" / "cmu35WalkJog.mat",
        {"Y": np.full((len(labels), 62), value), "lbls": labels},
    )


def test_root_and_fingers_are_left_out() -> None:
    skeleton = stick_figure()
    assert len(skeleton.channels) == 62
    kept = [skeleton.channels[column].split()[0] for column in kept_channels(skeleton)]
    assert len(kept) == 50
    assert not {"root", "lfingers", "rfingers", "lthumb", "rthumb"} & set(kept)


def test_movements_are_known_by_subject_and_trial(tmp_path: Path) -> None:
    write_trial(tmp_path, 35, 1, 1.0)
    write_trial(tmp_path, 35, 17, 2.0)
    write_trial(tmp_path, 49, 18, 3.0)
    write_trial(tmp_path, 49, 2, 99.0)
    write_trial(tmp_path, 143, 23, 4.0)
    write_trial(tmp_path, 74, 5, 5.0)
    motion = load_motion(tmp_path)
    assert motion.names == ("walking", "jogging", "balancing", "punching", "kicking")
    # Every fourth of eight poses.
    np.testing.assert_array_equal(motion.movement, np.repeat(np.arange(5), 2))
    assert motion.angles.dtype == np.float32
    expected = np.radians(np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 2))
    np.testing.assert_allclose(motion.angles, np.tile(expected[:, None], 50), rtol=1e-6)
    assert len(motion.channels) == 50


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    write_trial(tmp_path, 35, 34, 1.0)
    assert load_motion(tmp_path).names == ("walking",)
    assert len(load_motion(tmp_path / "cmu_mocap")) == 2


def test_the_matlab_file_takes_the_place_of_its_trials(tmp_path: Path) -> None:
    write_trial(tmp_path, 35, 1, 1.0)
    write_mat(tmp_path, clips=[0, 16, 24, 25])
    motion = load_motion(tmp_path)
    assert motion.names == ("walking", "jogging")
    np.testing.assert_array_equal(np.bincount(motion.movement), [4, 4])
    np.testing.assert_allclose(motion.angles, np.radians(7.0), rtol=1e-6)


def test_missing_data_are_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileError) as missing:
        load_motion(tmp_path)
    for words in ("35.asf: missing", "mocap.cs.cmu.edu", "--data-root", "VHP_DATA"):
        assert words in str(missing.value)
    assert "\n" not in str(missing.value)


def test_without_a_walk_there_is_nothing(tmp_path: Path) -> None:
    write_trial(tmp_path, 35, 17, 1.0)
    with pytest.raises(FileError, match=r"no walking; expected cmu35WalkJog\.mat or 35/35_01\.amc"):
        load_motion(tmp_path)


def test_a_damaged_matlab_file_is_named(tmp_path: Path) -> None:
    write_trial(tmp_path, 35, 1, 1.0)
    path = tmp_path / "cmu_mocap" / "cmu35WalkJog.mat"
    path.write_bytes(b"not a MATLAB file at all" * 10)
    with pytest.raises(FileError, match=r"cmu35WalkJog.mat: not a MATLAB file with Y and lbls"):
        load_motion(tmp_path)
    scipy.io.savemat(path, {"Y": np.zeros((3, 61)), "lbls": np.zeros((3, 31))})
    with pytest.raises(FileError, match=r"Y \(3, 61\), lbls \(3, 31\); expected"):
        load_motion(tmp_path)


def test_full_turns_are_taken_away() -> None:
    smooth = np.linspace(2.5, 3.6, 20)[:, None]
    jumping = np.where(smooth > np.pi, smooth - 2 * np.pi, smooth)
    found = without_full_turns(jumping)
    assert np.abs(np.diff(found, axis=0)).max() < 0.1
    np.testing.assert_allclose(np.cos(found), np.cos(smooth))
