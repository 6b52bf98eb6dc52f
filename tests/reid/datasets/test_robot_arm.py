from __future__ import annotations

import numpy as np
import pytest

from reid.datasets.robot_arm import (
    RADIUS,
    circle_poses,
    circle_targets,
    forward_kinematics,
    hand_positions,
    inverse_kinematics,
)


def test_the_hand_goes_round_the_circle() -> None:
    joints, angles = circle_poses(500)
    assert joints.shape == (500, 6)
    hands = hand_positions(joints)
    middle = hands.mean(axis=0)
    np.testing.assert_allclose(np.linalg.norm(hands - middle, axis=1), RADIUS, atol=1e-6)
    np.testing.assert_allclose(hands[:, 0], middle[0], atol=1e-6)
    across, up = (hands - middle)[:, 1:].T
    np.testing.assert_allclose(np.unwrap(np.arctan2(up, across)), angles, atol=1e-6)


def test_the_hand_keeps_its_orientation() -> None:
    frames = forward_kinematics(circle_poses(40)[0])[:, -1]
    np.testing.assert_allclose(frames[:, :3, :3], np.broadcast_to(frames[0, :3, :3], (40, 3, 3)), atol=1e-6)


def test_the_poses_are_one_closed_smooth_curve_within_the_arm_s_limits() -> None:
    joints, _ = circle_poses(2000)
    steps = np.abs(np.diff(joints, axis=0, append=joints[:1]))
    assert steps.max() < 0.01
    limits = np.radians([170, 190, 156, 185, 120, 350])
    assert (np.abs(joints) < limits).all()


def test_an_arm_stretched_out_is_as_long_as_its_links() -> None:
    # All joints at zero: upper arm and forearm lie flat, the elbow's offset hangs down.
    (hand,) = hand_positions(np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]))
    assert abs(hand[0]) == pytest.approx(0.025 + 0.455 + 0.420 + 0.080)
    assert hand[1] == pytest.approx(0.0)
    assert hand[2] == pytest.approx(0.400 + 0.035, abs=1e-9)


def test_inverse_kinematics_undo_forward_kinematics() -> None:
    rng = np.random.default_rng(0)
    joints = np.array([0.2, -1.0, 1.2, 0.3, -0.9, 0.5]) + rng.uniform(-0.2, 0.2, (50, 6))
    found = inverse_kinematics(forward_kinematics(joints)[:, -1], joints + rng.uniform(-0.1, 0.1, (50, 6)))
    np.testing.assert_allclose(found, joints, atol=1e-6)


def test_a_frame_out_of_reach_is_said() -> None:
    far = circle_targets(np.zeros(3))
    far[1, 0, 3] = 5.0
    with pytest.raises(ValueError, match="1 of 3 poses are out of the arm's reach"):
        inverse_kinematics(far, np.tile(circle_poses(1)[0], (3, 1)))
