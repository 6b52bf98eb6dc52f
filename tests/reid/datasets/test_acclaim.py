from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reid.datasets.acclaim import read_motion, read_skeleton, rotations
from reid.files import FileError

SKELETON = """# two bones, the second turned about axes of its own
:version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 2
     name hand
     direction 0 -1 0
     length 2
     axis 0 0 90 XYZ
    dof rx
    limits (-10 10)
  end
  begin
     id 1
     name arm
     direction 1 0 0
     length 3
     axis 0 0 0 XYZ
    dof rx rz
    limits (-10 10)
           (-10 10)
  end
  begin
     id 3
     name stump
     direction 0 0 1
     length 1
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root arm stump
    arm hand
  end
"""

MOTION = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
arm 0 0
hand 0
2
arm 0 90
hand 90
root 0 0 0 0 0 0
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_poses_come_in_the_order_of_the_skeleton(tmp_path: Path) -> None:
    skeleton = read_skeleton(written(tmp_path, "a.asf", SKELETON))
    assert skeleton.channels == [
        *(f"root {name}" for name in ("tx", "ty", "tz", "rx", "ry", "rz")),
        "hand rx",
        "arm rx",
        "arm rz",
    ]
    poses = read_motion(written(tmp_path, "a.amc", MOTION), skeleton)
    np.testing.assert_array_equal(poses[0], [1, 2, 3, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(poses[1], [0, 0, 0, 0, 0, 0, 90, 0, 90])


def test_joints_stand_where_the_angles_say(tmp_path: Path) -> None:
    skeleton = read_skeleton(written(tmp_path, "a.asf", SKELETON))
    joints = skeleton.joints(read_motion(written(tmp_path, "a.amc", MOTION), skeleton))
    root, hand, arm, stump = range(4)
    assert skeleton.links == [(arm, hand), (root, arm), (root, stump)]
    # At rest everything lies along its direction, moved with the root.
    np.testing.assert_allclose(joints[0], [[1, 2, 3], [4, 0, 3], [4, 2, 3], [1, 2, 4]], atol=1e-12)
    # The arm has turned upwards. The hand's own x axis is the y axis at rest, about which a hand pointing
    # down only twists; carried by the arm it points ahead along x.
    np.testing.assert_allclose(joints[1, arm], [0, 3, 0], atol=1e-12)
    np.testing.assert_allclose(joints[1, hand], [2, 3, 0], atol=1e-12)


def test_bones_keep_their_length_however_they_turn(tmp_path: Path) -> None:
    skeleton = read_skeleton(written(tmp_path, "a.asf", SKELETON))
    poses = np.random.default_rng(0).uniform(-180, 180, (50, 9))
    joints = skeleton.joints(poses)
    for bone, (start, end) in zip(skeleton.bones, skeleton.links, strict=True):
        lengths = np.linalg.norm(joints[:, end] - joints[:, start], axis=1)
        np.testing.assert_allclose(lengths, np.linalg.norm(bone.offset))


def test_turns_are_about_x_then_y_then_z() -> None:
    quarter = rotations(np.array([[90.0, 0, 0], [0, 90, 0], [0, 0, 90], [90, 90, 0]]))
    np.testing.assert_allclose(quarter[0] @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(quarter[1] @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(quarter[2] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(quarter[3] @ [0, 1, 0], [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        (":hierarchy", ":anarchy", "no section ':hierarchy'"),
        ("angle deg", "angle rad", "line 7: angle 'rad'; only 'deg' is understood"),
        ("order TX TY TZ RX", "order RX TX TY TZ", "line 9: order"),
        ("    dof rx\n", "    dof tx\n", "line 20: dof 'tx'; only rx, ry, rz"),
        ("direction 0 -1 0", "direction 0 down 0", "line 17: '0 down 0'; expected numbers"),
        ("     length 2\n", "", "line 14: a bone without a complete 'length'"),
        ("root arm stump", "root arm", "bone 'stump' is not in the hierarchy"),
        ("    arm hand", "    leg hand", "bone 'hand' hangs on 'leg', which is no bone"),
        (
            "root arm stump\n    arm hand",
            "root stump\n    arm hand\n    hand arm",
            "the hierarchy has a circle",
        ),
    ],
)
def test_what_is_wrong_with_a_skeleton_is_said(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in SKELETON
    with pytest.raises(FileError, match=complaint):
        read_skeleton(written(tmp_path, "a.asf", SKELETON.replace(old, new)))


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        (":DEGREES", ":RADIANS", "line 3: angles in radians; expected ':DEGREES'"),
        ("arm 0 90", "arm 0", "line 9: 'arm 0'; expected 2 numbers"),
        ("arm 0 90", "leg 0", "line 9: 'leg 0'; expected a bone with angles"),
        ("arm 0 90", "arm 0 nan", "line 9: '0 nan'; expected numbers"),
        ("hand 0\n", "", "line 4: a frame without hand"),
        ("1\nroot 1", "root 1", "line 4: 'root' before the number of a frame"),
        (MOTION, "# nothing\n", "no frames"),
    ],
)
def test_what_is_wrong_with_a_motion_is_said(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in MOTION
    skeleton = read_skeleton(written(tmp_path, "a.asf", SKELETON))
    with pytest.raises(FileError, match=complaint):
        read_motion(written(tmp_path, "a.amc", MOTION.replace(old, new, 1)), skeleton)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.asf: No such file"):
        read_skeleton(tmp_path / "none.asf")
