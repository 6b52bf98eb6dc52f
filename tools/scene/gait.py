"""Where the joints of walking and standing people are, for all of them at once.

Lengths are shares of the body height. A foot on the ground moves backwards, seen from the body, exactly as
fast as the body moves forwards, so feet do not slide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHIN, CROWN, NECK, PELVIS = range(4)
SHOULDER, ELBOW, WRIST, HAND, HIP, KNEE, ANKLE, TOE = range(4, 20, 2)  # + 0: left, + 1: right
JOINTS = 20

STANCE = 0.6  # share of the cycle a foot is on the ground
THIGH, SHIN = 0.238, 0.238
UPPER_ARM, FOREARM, PALM = 0.165, 0.145, 0.035
ANKLE_HEIGHT, FOOT = 0.045, 0.100


@dataclass(frozen=True, slots=True)
class Stance:
    """How N people stand or walk at a moment.

    Attributes:
        ground: (N, 2) X and Z in metres.
        heading: (N,) angle of the walking direction, 0 towards +X, a quarter turn towards +Z.
        look: (N,) angle by which the head is turned, to the left.
        phase: (N,) of the walking cycle, in cycles.
        speed: (N,) metres per second.
        height: (N,) of the body, metres.
        hips: (N,) half the distance of the hip joints, in heights.
        shoulders: (N,) half the distance of the shoulder joints, in heights.
        swing: (N, 2) how far each arm swings, 1 as usual; 0 for a hand that holds something.
        bend: (N, 2) angle of each elbow at rest.
    """

    ground: Array
    heading: Array
    look: Array
    phase: Array
    speed: Array
    height: Array
    hips: Array
    shoulders: Array
    swing: Array
    bend: Array


def stride_length(speed: Array, height: Array) -> Array:
    """Metres walked in a cycle of two steps."""
    return height * 0.72 * np.sqrt(np.maximum(speed, 0.2) / 1.35)


def smoothstep(x: Array) -> Array:
    """0 up to 0, 1 from 1 on, smooth between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def joints(stance: Stance) -> Array:
    """World positions (N, JOINTS, 3) of the joints."""
    count = len(stance.phase)
    walk = smoothstep(stance.speed / 0.6)
    body = np.zeros((count, JOINTS, 3))  # right, up, forward; in heights
    step = STANCE * stride_length(stance.speed, stance.height) / stance.height
    # The farther the legs reach, the lower the body between the steps, or feet would not meet the ground.
    bob = 0.083 * walk * step**2 * (np.cos(4 * np.pi * (stance.phase - STANCE / 2)) - 1)
    body[:, PELVIS, 1] = 0.529 + bob
    lean = 0.012 + 0.018 * walk
    for joint, up, forward in ((NECK, 0.835, 1.0), (CHIN, 0.895, 1.5), (CROWN, 0.942, 1.6)):
        body[:, joint, 1] = up + bob
        body[:, joint, 2] = forward * lean
    for side, sign in ((0, -1.0), (1, 1.0)):
        phase = np.mod(stance.phase + 0.5 * side, 1.0)
        _leg(body, stance, side, sign, phase, walk, step)
        _arm(body, stance, side, sign, phase, walk, bob, lean)
    return _to_world(body, stance)


def _leg(body: Array, stance: Stance, side: int, sign: float, phase: Array, walk: Array, step: Array) -> None:
    strike = 0.39 * step
    on_ground = np.clip(phase / STANCE, 0.0, 1.0)
    roll = smoothstep((on_ground - 0.55) / 0.45)  # the heel lifts at the end of the stance
    swing = np.clip((phase - STANCE) / (1.0 - STANCE), 0.0, 1.0)
    ease = smoothstep(swing)
    lifted_at_end, forward_at_end = 0.065, strike - step + 0.035
    forward = np.where(
        swing > 0, forward_at_end + (strike - forward_at_end) * ease, strike - step * on_ground + 0.035 * roll
    )
    lift = np.where(
        swing > 0, lifted_at_end * (1 - ease) + 0.035 * np.sin(np.pi * swing), lifted_at_end * roll
    )
    toe_down = np.where(swing > 0, 0.75 * (1 - ease) - 0.25 * ease, 0.75 * roll - 0.25 * (on_ground < 0.05))
    hip = body[:, HIP + side]
    hip[:, 0], hip[:, 1] = sign * stance.hips, body[:, PELVIS, 1] - 0.01
    ankle = np.stack([sign * stance.hips * 0.85, ANKLE_HEIGHT + walk * lift, walk * forward], axis=-1)
    # Two bones from hip to ankle; the knee bends forwards.
    way = ankle - hip
    length = np.linalg.norm(way, axis=-1)
    reach = np.minimum(length, 0.999 * (THIGH + SHIN))
    ankle = hip + way * (reach / length)[:, None]
    along = (THIGH**2 - SHIN**2 + reach**2) / (2 * reach)
    aside = np.sqrt(np.maximum(THIGH**2 - along**2, 0.0))
    direction = way / length[:, None]
    front = np.stack([np.zeros_like(reach), -direction[:, 2], direction[:, 1]], axis=-1)
    front *= -1.0 / np.linalg.norm(front, axis=-1, keepdims=True)
    body[:, KNEE + side] = hip + direction * along[:, None] + front * aside[:, None]
    body[:, ANKLE + side] = ankle
    pitch = walk * toe_down
    toe = np.stack([0.02 * sign + 0 * pitch, -0.022 - FOOT * np.sin(pitch), FOOT * np.cos(pitch)], axis=-1)
    toe = ankle + toe
    toe[:, 1] = np.maximum(toe[:, 1], 0.018)
    body[:, TOE + side] = toe


def _arm(
    body: Array, stance: Stance, side: int, sign: float, phase: Array, walk: Array, bob: Array, lean: Array
) -> None:
    swing = walk * stance.swing[:, side]
    forward = -0.36 * swing * np.cos(2 * np.pi * phase) + 0.04
    bend = stance.bend[:, side] + 0.14 * swing * (1 - np.cos(2 * np.pi * phase))
    out = 0.06 + 0.02 * (1 - walk)
    shoulder = body[:, SHOULDER + side]
    shoulder[:, 0], shoulder[:, 1], shoulder[:, 2] = sign * stance.shoulders, 0.788 + bob, lean
    start = shoulder
    lower = forward + bend
    for joint, length, angle in (
        (ELBOW, UPPER_ARM, forward),
        (WRIST, FOREARM, lower),
        (HAND, PALM, lower),
    ):
        # A bent forearm comes in before the body instead of standing out.
        spread = sign * (out if joint == ELBOW else out * np.cos(angle) - 0.25 * np.sin(np.clip(angle, 0, 2)))
        step = np.stack([length * spread, -length * np.cos(angle), length * np.sin(angle)], axis=-1)
        body[:, joint + side] = start = start + step


def _to_world(body: Array, stance: Stance) -> Array:
    forward_x, forward_z = np.cos(stance.heading)[:, None], np.sin(stance.heading)[:, None]
    metres = body * stance.height[:, None, None]
    world = np.empty_like(metres)
    world[..., 0] = stance.ground[:, None, 0] + metres[..., 0] * forward_z + metres[..., 2] * forward_x
    world[..., 1] = metres[..., 1]
    world[..., 2] = stance.ground[:, None, 1] - metres[..., 0] * forward_x + metres[..., 2] * forward_z
    return world
