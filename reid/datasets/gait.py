"""Made-up motion in the form of the measured one, for quick runs and tests; it proves nothing."""

from __future__ import annotations

import numpy as np

from reid.datasets.acclaim import ROOT, Array, Bone, Skeleton
from reid.datasets.cmu import Motion, assemble

SOURCE = "synthetic: made up, no measurement"

#: Share of the poses that each movement has, uneven as in the measured data.
_SHARES = {"walking": 0.6, "jogging": 0.15, "balancing": 0.25}

_ALL, _BEND = ("rx", "ry", "rz"), ("rx",)

#: Name, parent, offset in the rest pose (x to the left, y up, z ahead; arms hanging), angles: of the left
#: side, without the first letter.
_LIMBS: tuple[tuple[str, str, tuple[float, float, float], tuple[str, ...]], ...] = (
    ("hipjoint", ROOT, (1.6, -1.6, 0.0), ()),
    ("femur", "hipjoint", (0.0, -7.0, 0.0), _ALL),
    ("tibia", "femur", (0.0, -7.5, 0.0), _BEND),
    ("foot", "tibia", (0.0, -0.6, 2.2), ("rx", "rz")),
    ("toes", "foot", (0.0, 0.0, 1.1), _BEND),
)
_SPINE = (
    ("lowerback", ROOT, (0.0, 2.0, 0.0), _ALL),
    ("upperback", "lowerback", (0.0, 2.0, 0.0), _ALL),
    ("thorax", "upperback", (0.0, 2.0, 0.0), _ALL),
    ("lowerneck", "thorax", (0.0, 1.7, 0.0), _ALL),
    ("upperneck", "lowerneck", (0.0, 1.7, 0.2), _ALL),
    ("head", "upperneck", (0.0, 1.7, 0.0), _ALL),
)
_ARMS = (
    ("clavicle", "thorax", (3.4, 1.0, 0.0), ("ry", "rz")),
    ("humerus", "clavicle", (0.4, -5.0, 0.0), _ALL),
    ("radius", "humerus", (0.0, -3.4, 0.0), _BEND),
    ("wrist", "radius", (0.0, -1.7, 0.0), ("ry",)),
    ("hand", "wrist", (0.0, -0.8, 0.0), ("rx", "rz")),
    ("fingers", "hand", (0.0, -0.6, 0.0), _BEND),
    ("thumb", "wrist", (0.0, -0.5, 0.5), ("rx", "rz")),
)


def stick_figure() -> Skeleton:
    """A plain skeleton with the bones, the order and the channels of the CMU database's."""
    bones = [*_side(_LIMBS, "l", 1.0), *_side(_LIMBS, "r", -1.0)]
    bones += [
        Bone(name, parent, np.array(offset), np.zeros(3), channels)
        for name, parent, offset, channels in _SPINE
    ]
    return Skeleton((*bones, *_side(_ARMS, "l", 1.0), *_side(_ARMS, "r", -1.0)))


def _side(
    half: tuple[tuple[str, str, tuple[float, float, float], tuple[str, ...]], ...], side: str, sign: float
) -> list[Bone]:
    inner = {name for name, *_ in half}
    return [
        Bone(
            side + name,
            side + parent if parent in inner else parent,
            np.array(offset) * (sign, 1.0, 1.0),
            np.zeros(3),
            channels,
        )
        for name, parent, offset, channels in half
    ]


def synthetic_motion(count: int = 1000, seed: int = 0) -> Motion:
    """Walking, jogging and balancing as sums of a few waves.

    Args:
        count: poses in all.
        seed: of phases, strides and sway.
    """
    rng = np.random.default_rng(seed)
    skeleton = stick_figure()
    movements = {}
    for name, share in _SHARES.items():
        frames = round(share * count)
        phase = rng.uniform(0.0, 2.0 * np.pi, frames)
        vigour = rng.normal(1.0, 0.07, frames)
        angles = _balance(phase, vigour) if name == "balancing" else _stride(phase, vigour, name == "jogging")
        movements[name] = _poses(skeleton, angles, frames)
    return assemble(movements, skeleton, SOURCE)


def _stride(phase: Array, vigour: Array, jogging: bool) -> dict[str, Array]:
    """Angles, in degrees, of a cycle of two steps."""
    reach, knee, elbow, swing, lean = (
        (38.0, 55.0, -85.0, 32.0, 8.0) if jogging else (24.0, 28.0, -20.0, 20.0, 2.0)
    )
    angles = {"lowerback rx": lean + 2.0 * np.cos(2.0 * phase), "thorax ry": -6.0 * vigour * np.sin(phase)}
    for side, here in (("l", phase), ("r", phase + np.pi)):
        angles |= {
            f"{side}femur rx": -reach * vigour * np.sin(here) - 0.3 * reach,
            f"{side}tibia rx": knee * vigour * (1.0 + np.sin(here + 0.4 * np.pi)) * 0.6 + 5.0,
            f"{side}foot rx": 12.0 * vigour * np.sin(here - 0.6 * np.pi),
            f"{side}toes rx": 8.0 * np.maximum(0.0, np.sin(here - 0.8 * np.pi)),
            f"{side}humerus rx": swing * vigour * np.sin(here),
            f"{side}radius rx": elbow + 0.4 * swing * vigour * np.sin(here),
        }
    return angles


def _balance(phase: Array, vigour: Array) -> dict[str, Array]:
    """Angles, in degrees, of standing on the left leg with the arms out."""
    sway, lift = np.sin(phase), 1.0 + 0.5 * np.cos(phase)
    return {
        "rfemur rx": -35.0 * vigour * lift,
        "rtibia rx": 50.0 * lift,
        "lowerback rz": 6.0 * sway,
        "thorax rz": 4.0 * vigour * sway,
        "lfemur rz": 4.0 * sway,
        "lhumerus rz": 65.0 + 15.0 * sway,
        "rhumerus rz": -65.0 + 15.0 * sway,
    }


def _poses(skeleton: Skeleton, angles: dict[str, Array], frames: int) -> Array:
    names = skeleton.channels
    poses = np.zeros((frames, len(names)))
    for name, values in angles.items():
        poses[:, names.index(name)] = values
    return poses
