"""The outlines of people on the canvas, exact to a fraction of a pixel, without drawing them.

The pictures, the ground-truth boxes, the visibility and the shadows are all made from these outlines, so they
agree with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import gait
from .camera import Camera
from .gait import Stance
from .people import BAG, FOOT, FOREARM, HAIR, HEAD, PALM, PARTS, SHIN, THIGH, TRUNK_ROWS, UPPER_ARM, Person

Array = NDArray[np.float64]

_BONES = {
    THIGH: (gait.HIP, gait.KNEE),
    SHIN: (gait.KNEE, gait.ANKLE),
    FOOT: (gait.ANKLE, gait.TOE),
    UPPER_ARM: (gait.SHOULDER, gait.ELBOW),
    FOREARM: (gait.ELBOW, gait.WRIST),
    PALM: (gait.WRIST, gait.HAND),
}


@dataclass(frozen=True, slots=True)
class Outlines:
    """N people on the canvas, in pixels.

    Attributes:
        capsules: (N, PARTS, 6) x, y and radius of both ends; NaN where a part is not there.
        away: (N, PARTS) how much farther from the camera a part is than the body's axis, in metres.
        trunk: (N, TRUNK_ROWS, 3) middle, row and half width of the trunk, from top to hem.
        ends: (N, PARTS, 2, 3) both ends of each part in the world, in metres.
        boxes: (N, 4) left, top, right, bottom of all this.
        depth: (N,) metres from the camera.
        scale: (N,) pixels per metre.
        turn: (N,) the body's angle that looks into the camera: 0 the front, a quarter turn the right.
        look: (N,) the same for the head.
    """

    capsules: Array
    away: Array
    trunk: Array
    ends: Array
    boxes: Array
    depth: Array
    scale: Array
    turn: Array
    look: Array

    @classmethod
    def nobody(cls) -> Outlines:
        """The outlines of an empty street."""
        none = np.empty(0)
        parts, ends = np.empty((0, PARTS, 6)), np.empty((0, PARTS, 2, 3))
        trunk, boxes = np.empty((0, TRUNK_ROWS, 3)), np.empty((0, 4))
        return cls(parts, np.empty((0, PARTS)), trunk, ends, boxes, none, none, none, none)


def outlines(people: Sequence[Person], stance: Stance, camera: Camera) -> Outlines:
    """What the camera sees of people who stand or walk like this."""
    if not people:
        return Outlines.nobody()
    joints = gait.joints(stance)
    ends = _ends(people, stance, joints)
    radii = np.stack([person.radii for person in people])
    points, scales = camera.project(ends)
    metres = stance.height[:, None, None] * radii
    capsules = np.concatenate([points, (metres * scales)[..., None]], axis=-1).reshape(len(people), PARTS, 6)
    depth = stance.ground[:, 1]
    turn = _towards_camera(stance.ground, stance.heading)
    trunk = _trunk(people, stance, joints, capsules, camera)
    return Outlines(
        capsules=capsules,
        away=ends[..., 2].mean(axis=-1) - depth[:, None],
        trunk=trunk,
        ends=ends,
        boxes=_boxes(capsules, trunk),
        depth=depth,
        scale=camera.focal / np.maximum(depth, 0.5),
        turn=turn,
        look=_towards_camera(stance.ground, stance.heading + stance.look),
    )


def _towards_camera(ground: Array, heading: Array) -> Array:
    forward = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    right = np.stack([forward[:, 1], -forward[:, 0]], axis=-1)
    to_camera = -ground / np.linalg.norm(ground, axis=-1, keepdims=True)
    return np.asarray(np.arctan2((right * to_camera).sum(-1), (forward * to_camera).sum(-1)))


def _ends(people: Sequence[Person], stance: Stance, joints: Array) -> Array:
    """World positions (N, PARTS, 2, 3) of both ends of each part."""
    ends = np.empty((len(people), PARTS, 2, 3))
    for part, (start, end) in _BONES.items():
        for side in (0, 1):
            ends[:, part + side, 0], ends[:, part + side, 1] = joints[:, start + side], joints[:, end + side]
    ends[:, HEAD, 0], ends[:, HEAD, 1] = joints[:, gait.CHIN], joints[:, gait.CROWN]
    height = stance.height[:, None]

    def offset(angle: Array, right: float | Array, up: float | Array, forward: float | Array) -> Array:
        cos, sin = np.cos(angle), np.sin(angle)
        there = np.stack([right * sin + forward * cos, up + 0 * cos, forward * sin - right * cos], axis=-1)
        return np.asarray(height * there)

    gaze = stance.heading + stance.look
    ends[:, HAIR, 0] = joints[:, gait.CROWN] + offset(gaze, 0.0, -0.004, -0.010)
    ends[:, HAIR, 1] = joints[:, gait.CHIN] + offset(gaze, 0.0, -0.045, -0.036)
    kinds = [person.clothes.bag for person in people]
    worn = {kind: np.array([other == kind for other in kinds]) for kind in ("backpack", "hand")}
    shoulders = np.array([person.shoulders for person in people])
    hip, neck, hand = joints[:, gait.PELVIS], joints[:, gait.NECK], joints[:, gait.HAND + 1]
    ends[:, BAG, 0] = hip + offset(stance.heading, shoulders + 0.015, 0.05, -0.02)
    ends[:, BAG, 1] = hip + offset(stance.heading, shoulders + 0.020, -0.01, 0.0)
    for end, drop, low in ((0, -0.10, -0.01), (1, -0.21, -0.085)):
        back = neck + offset(stance.heading, 0.0, drop, -0.105)
        below = hand + offset(stance.heading, 0.0, low, 0.0)
        ends[worn["backpack"], BAG, end] = back[worn["backpack"]]
        ends[worn["hand"], BAG, end] = below[worn["hand"]]
    return ends


def _trunk(people: Sequence[Person], stance: Stance, joints: Array, capsules: Array, camera: Camera) -> Array:
    shape = np.stack([person.trunk for person in people]) * stance.height[:, None, None]
    # The trunk sways with neck and pelvis; below the pelvis it hangs straight down.
    neck, pelvis = joints[:, None, gait.NECK], joints[:, None, gait.PELVIS]
    share = np.clip((shape[..., :1] - pelvis[..., 1:2]) / (neck[..., 1:2] - pelvis[..., 1:2]), 0.0, 1.1)
    axis = pelvis + (neck - pelvis) * share
    bob = neck[..., 1] - 0.835 * stance.height[:, None]
    axis[..., 1] = shape[..., 0] + bob
    centre, scale = camera.project(axis)
    turn = _towards_camera(stance.ground, stance.heading)[:, None]
    half = np.hypot(shape[..., 1] * np.cos(turn), shape[..., 2] * np.sin(turn)) * scale
    trunk = np.concatenate([centre, half[..., None]], axis=-1)
    return _drape(trunk, capsules)


def _drape(trunk: Array, capsules: Array) -> Array:
    """Let the hem of coats and skirts reach over the moving knees."""
    knees = capsules[:, THIGH : THIGH + 2, 3:6]  # x, y, radius
    hips = capsules[:, THIGH : THIGH + 2, 0:3]
    low, top = knees[..., 1].mean(-1)[:, None], hips[..., 1].mean(-1)[:, None]
    share = np.clip((trunk[..., 1] - top) / (low - top), 0.0, 1.0)[..., None]
    legs = hips[:, None] + (knees - hips)[:, None] * share[..., None]
    left = np.minimum(trunk[..., 0] - trunk[..., 2], (legs[..., 0] - legs[..., 2]).min(-1))
    right = np.maximum(trunk[..., 0] + trunk[..., 2], (legs[..., 0] + legs[..., 2]).max(-1))
    below = share[..., 0] > 0
    draped = trunk.copy()
    draped[..., 0] = np.where(below, 0.5 * (left + right), trunk[..., 0])
    draped[..., 2] = np.where(below, 0.5 * (right - left), trunk[..., 2])
    return draped


def _boxes(capsules: Array, trunk: Array) -> Array:
    ends = capsules.reshape(len(capsules), 2 * PARTS, 3)
    low = np.nanmin(ends[..., :2] - ends[..., 2:], axis=1)
    high = np.nanmax(ends[..., :2] + ends[..., 2:], axis=1)
    left = np.minimum(low[:, 0], (trunk[..., 0] - trunk[..., 2]).min(axis=1))
    right = np.maximum(high[:, 0], (trunk[..., 0] + trunk[..., 2]).max(axis=1))
    return np.stack([left, low[:, 1], right, high[:, 1]], axis=-1)
