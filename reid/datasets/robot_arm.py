"""Joint angles of a robot arm whose hand goes round a circle (Chen et al. 2018, 4.5).

The arm is a KUKA KR 6 R900, six joints, by its Denavit–Hartenberg parameters. The hand keeps its orientation,
so that every point of the circle belongs to one pose of the arm, and the poses are a closed curve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RADIUS = 0.4
NOISE = 0.03
STEPS = 6284
"""A step of the circle is a thousandth of a radian, nearly."""

#: Of each joint: offset along the last z axis, length of the link (metres), its twist, and what angle 0 is.
_OFFSETS = np.array([0.400, 0.0, 0.0, 0.420, 0.0, 0.080])
_LENGTHS = np.array([0.025, 0.455, 0.035, 0.0, 0.0, 0.0])
_TWISTS = np.pi / 2 * np.array([-1.0, 0.0, -1.0, 1.0, -1.0, 0.0])
_ZEROS = np.pi / 2 * np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0])

#: The circle stands upright in front of the arm; the hand points away from it and a little upwards, where all
#: joints stay within their limits and no two axes of the wrist come near each other.
_CENTRE = np.array([0.5, 0.0, 0.4])
_TILT = 0.45 * np.pi

#: A bent elbow, from which the first pose is searched; and how far apart the poses are that are found one
#: from the other, so that all are on the same branch of the solutions.
_ELBOW = np.array([0.0, -1.2, 1.6, 0.0, -1.2, 0.0])
_STRIDE = 2.0 * np.pi / 90

_ITERATIONS, _DAMPING, _TOLERANCE = 200, 1e-3, 1e-9


def circle_poses(steps: int = STEPS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The arm going once round its circle.

    Args:
        steps: how many poses, evenly spaced.

    Returns:
        Joint angles (steps, 6) in radians, and the angles (steps,) on the circle, from 0 on.
    """
    knots = np.arange(0.0, 2.0 * np.pi + _STRIDE, _STRIDE)
    poses = [_ELBOW[None]]
    for target in circle_targets(knots):
        poses.append(inverse_kinematics(target[None], poses[-1]))
    curve = np.concatenate(poses[1:])
    angles = np.linspace(0.0, 2.0 * np.pi, steps, endpoint=False)
    start = np.stack([np.interp(angles, knots, joint) for joint in curve.T], axis=1)
    return inverse_kinematics(circle_targets(angles), start), angles


def circle_targets(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frames of the hand at angles (n,) on the circle, (n, 4, 4)."""
    cosine, sine = np.cos(_TILT), np.sin(_TILT)
    frames = np.tile(np.eye(4), (len(angles), 1, 1))
    frames[:, :3, :3] = [[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]]
    frames[:, :3, 3] = _CENTRE + RADIUS * np.stack(
        [np.zeros_like(angles), np.cos(angles), np.sin(angles)], axis=1
    )
    return frames


def hand_positions(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the hand is at joint angles (n, 6), (n, 3) in metres: x away from the arm, z up."""
    return forward_kinematics(joints)[:, -1, :3, 3]


def forward_kinematics(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frames of the base, of each joint's link and last of the hand, (n, 7, 4, 4), at joint angles (n, 6)."""
    theta = joints + _ZEROS
    cosine, sine = np.cos(theta), np.sin(theta)
    twist_cosine, twist_sine = np.cos(_TWISTS), np.sin(_TWISTS)
    zero, one = np.zeros_like(theta), np.ones_like(theta)
    rows = [
        [cosine, -sine * twist_cosine, sine * twist_sine, _LENGTHS * cosine],
        [sine, cosine * twist_cosine, -cosine * twist_sine, _LENGTHS * sine],
        [zero, twist_sine * one, twist_cosine * one, _OFFSETS * one],
        [zero, zero, zero, one],
    ]
    links = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    frames = [np.tile(np.eye(4), (len(joints), 1, 1))]
    for joint in range(joints.shape[1]):
        frames.append(frames[-1] @ links[:, joint])
    return np.stack(frames, axis=1)


def inverse_kinematics(targets: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joint angles (n, 6) that bring the hand into frames (n, 4, 4), by damped least squares.

    Args:
        targets: where the hand should be.
        start: (n, 6) poses from which the search goes to the nearest solution.

    Raises:
        ValueError: if one of the frames is out of reach.
    """
    joints = start
    for _ in range(_ITERATIONS):
        frames = forward_kinematics(joints)
        error = _errors(frames[:, -1], targets)
        if np.abs(error).max() < _TOLERANCE:
            return joints
        axes, origins = frames[:, :-1, :3, 2], frames[:, :-1, :3, 3]
        levers = frames[:, -1:, :3, 3] - origins
        jacobian = np.concatenate([np.cross(axes, levers), axes], axis=-1).transpose(0, 2, 1)
        # Far from the goal the damping keeps the steps short, near it they become Newton's.
        damping = _DAMPING * (error**2).sum(axis=1)[:, None, None] * np.eye(6)
        normal = jacobian @ jacobian.transpose(0, 2, 1) + damping
        move = (jacobian.transpose(0, 2, 1) @ np.linalg.solve(normal, error[..., None]))[..., 0]
        joints = joints + move * np.minimum(1.0, 0.3 / np.abs(move).max(axis=1, keepdims=True))
    missed = int((np.abs(error).max(axis=1) >= _TOLERANCE).sum())
    raise ValueError(f"{missed} of {len(targets)} poses are out of the arm's reach")


def _errors(hands: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far to move, and about which axis to turn by how much, (n, 6)."""
    turn = 0.5 * np.cross(hands[:, :3, :3], targets[:, :3, :3], axis=1).sum(axis=2)
    moved: NDArray[np.float64] = targets[:, :3, 3] - hands[:, :3, 3]
    return np.concatenate([moved, turn], axis=1)
