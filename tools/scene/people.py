"""Who walks through the scene: bodies and what they wear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import clothing
from .clothing import LEATHER, LEGWEAR, PATTERNS, pick
from .paint import Array, Colour, Picture, tint

# The parts of a body that are drawn as capsules: a disc at either end and all between. + 0: left, + 1: right.
THIGH, SHIN, FOOT, UPPER_ARM, FOREARM, PALM = range(0, 12, 2)
HEAD, HAIR, BAG = range(12, 15)
PARTS = 15

TRUNK_ROWS = 11  # of the outline of the trunk, which the clothes are wrapped around

SKIN: tuple[Colour, ...] = (
    (168, 196, 232),
    (146, 178, 220),
    (118, 152, 200),
    (88, 122, 172),
    (62, 88, 132),
    (44, 60, 92),
)
HAIR_COLOURS: tuple[Colour, ...] = (
    (24, 22, 24), (30, 38, 52), (42, 62, 90), (66, 104, 146), (110, 160, 196), (148, 150, 154),
    (206, 208, 210), (40, 60, 120),
)  # fmt: skip

_PROFILE_HEIGHT = (0.24, 0.40, 0.47, 0.54, 0.62, 0.72, 0.775, 0.800, 0.822, 0.838)
_PROFILE_WIDTH = (0.085, 0.088, 0.086, 0.098, 0.086, 0.100, 0.112, 0.104, 0.070, 0.036)
_PROFILE_DEPTH = (0.070, 0.064, 0.056, 0.070, 0.060, 0.066, 0.060, 0.052, 0.044, 0.036)


@dataclass(frozen=True, slots=True)
class Clothes:
    """What somebody wears.

    Attributes:
        wrap: Around the trunk, down to ``hem``; see ``clothing``.
        hem: Height above the ground at which the wrap ends, in body heights.
        flare: How much wider the hem is than the hips.
        sleeve: Colour of the upper arms.
        cuff: Colour of the forearms, or None for bare ones.
        legs: Colour of the thighs, or None for bare ones.
        shins: Colour of the shins, or None for bare ones.
        wide: How wide the legs of the trousers are, 1 as usual.
        shoes: Their colour.
        bag: "none", "backpack", "shoulder" or "hand".
        leather: Colour of the bag.
        hat: Colour of a cap or hood, or None.
    """

    wrap: Picture
    hem: float
    flare: float
    sleeve: Colour
    cuff: Colour | None
    legs: Colour | None
    shins: Colour | None
    wide: float
    shoes: Colour
    bag: str
    leather: Colour
    hat: Colour | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an identity: a body, clothes and a way of walking.

    Attributes:
        identity: As in the ground truth, from 1.
        height: In metres.
        skin: Colour.
        hair: Colour.
        long_hair: Whether it reaches the shoulders.
        hips: Half the distance of the hip joints, in heights.
        shoulders: Half the distance of the shoulder joints, in heights.
        radii: (PARTS, 2) of both ends of each part, in heights; NaN for a part that is not there.
        trunk: (TRUNK_ROWS, 3) height, half width and half depth of the trunk with its clothes, in heights.
        swing: (2,) how far the arms swing.
        bend: (2,) angle of the elbows at rest.
        pace: Metres per second when walking at ease.
        clothes: What is worn.
    """

    identity: int
    height: float
    skin: Colour
    hair: Colour
    long_hair: bool
    hips: float
    shoulders: float
    radii: Array
    trunk: Array
    swing: tuple[float, float]
    bend: tuple[float, float]
    pace: float
    clothes: Clothes


def someone(rng: np.random.Generator, identity: int, clothes: Clothes | None = None) -> Person:
    """A new person, dressed at random or in the given clothes."""
    slender = bool(rng.random() < 0.5)
    child = bool(rng.random() < 0.06)
    height = (
        rng.uniform(1.2, 1.45) if child else rng.normal(1.66, 0.06) if slender else rng.normal(1.78, 0.07)
    )
    girth = float(np.clip(rng.normal(1.0, 0.09), 0.85, 1.25))
    worn = _dress(rng, skirts=slender) if clothes is None else clothes
    shoulders = (0.089 if slender else 0.100) * (0.5 + 0.5 * girth)
    holding = rng.random() < 0.18  # a telephone, or hands in the pockets
    bend = [0.15, 0.15]
    swing = [1.0, 1.0]
    if holding:
        bend[0], swing[0] = float(rng.choice([0.9, 1.6])), 0.15
    if worn.bag == "hand":
        bend[1], swing[1] = 0.1, 0.4
    long_hair = bool(rng.random() < (0.7 if slender else 0.06))
    return Person(
        identity=identity,
        height=float(np.clip(height, 1.15, 2.0)),
        skin=pick(rng, SKIN),
        hair=pick(rng, HAIR_COLOURS),
        long_hair=long_hair,
        hips=0.050,
        shoulders=shoulders,
        radii=_radii(worn, girth, long_hair=long_hair),
        trunk=_trunk(worn, girth, shoulders),
        swing=(swing[0], swing[1]),
        bend=(bend[0], bend[1]),
        pace=float(np.clip(rng.normal(1.32, 0.16), 0.9, 1.8)),
        clothes=worn,
    )


class Cast:
    """Everybody who ever appears, in the order in which they arrive."""

    def __init__(self, rng: np.random.Generator, lookalikes: float) -> None:
        self._rng = rng
        self._lookalikes = lookalikes
        self._recent: list[Clothes] = []
        self._count = 0

    def arrive(self) -> Person:
        """The next person; perhaps in the clothes of one who arrived shortly before."""
        self._count += 1
        clothes = None
        if self._recent and self._rng.random() < self._lookalikes:
            clothes = self._recent[int(self._rng.integers(len(self._recent)))]
        person = someone(self._rng, self._count, clothes)
        self._recent = [*self._recent[-11:], person.clothes]
        return person


def _dress(rng: np.random.Generator, *, skirts: bool) -> Clothes:
    kind = str(rng.choice(["shirt", "shirt", "shirt", "jacket", "coat", "skirt" if skirts else "shirt"]))
    colour = pick(rng, clothing.CLOTH)
    wrap = clothing.woven(rng, colour, str(rng.choice(PATTERNS)) if kind != "coat" else "plain")
    legs = pick(rng, LEGWEAR)
    hem, flare, waist = 0.47, 1.0, float(rng.uniform(0.50, 0.55))
    sleeve = clothing.mean_colour(wrap, 0.80, 0.72)
    cuff: Colour | None = tint(sleeve, 0.97)
    shins: Colour | None = legs
    if kind == "shirt" and rng.random() < 0.55:
        cuff = None
        if rng.random() < 0.4:
            shins = None
    if kind in ("jacket", "coat"):
        clothing.add_opening(wrap, waist, tint(colour, 0.6))
    if kind == "coat":
        hem, flare = float(rng.uniform(0.30, 0.40)), 1.1
    elif kind == "skirt":
        hem, flare, waist = float(rng.uniform(0.26, 0.38)), 1.35, 0.60
        cloth = clothing.woven(
            rng, pick(rng, clothing.CLOTH), str(rng.choice(["plain", "plain", "dots", "bands"]))
        )
        if rng.random() < 0.65:
            wrap[clothing.row_of(waist) :] = cloth[clothing.row_of(waist) :]
        shins = None if rng.random() < 0.6 else (40, 38, 40)
        cuff = cuff if rng.random() < 0.5 else None
    else:
        wrap[clothing.row_of(waist) :] = legs
    clothing.add_folds(rng, wrap)
    bag = str(rng.choice(["none", "none", "backpack", "shoulder", "hand"]))
    leather = pick(rng, LEATHER if rng.random() < 0.6 else clothing.CLOTH)
    if bag in ("backpack", "shoulder"):
        clothing.add_strap(wrap, tint(leather, 0.8), both_sides=bag == "backpack")
    return Clothes(
        wrap=wrap,
        hem=hem,
        flare=flare,
        sleeve=sleeve,
        cuff=cuff,
        legs=shins if kind == "skirt" else legs,
        shins=shins,
        wide=float(rng.uniform(0.95, 1.2)),
        shoes=pick(rng, ((30, 30, 32), (36, 52, 80), (215, 218, 222), (90, 90, 96), (60, 50, 140))),
        bag=bag,
        leather=leather,
        hat=pick(rng, clothing.CLOTH) if rng.random() < 0.14 else None,
    )


def _radii(clothes: Clothes, girth: float, *, long_hair: bool) -> Array:
    radii = np.full((PARTS, 2), np.nan)
    sleeves = 0.004 if clothes.cuff is not None else 0.0
    leg = girth * clothes.wide
    shin = (0.040 * clothes.wide, 0.036 * clothes.wide) if clothes.shins is not None else (0.037, 0.024)
    for side in (0, 1):
        radii[THIGH + side] = 0.056 * leg, 0.042 * leg
        radii[SHIN + side] = shin
        radii[FOOT + side] = 0.024, 0.018
        radii[UPPER_ARM + side] = 0.031 * girth + sleeves, 0.026 * girth + sleeves
        radii[FOREARM + side] = 0.024 * girth + sleeves, 0.019 + sleeves
        radii[PALM + side] = 0.019, 0.017
    radii[HEAD] = 0.036, 0.049
    if long_hair and clothes.hat is None:
        radii[HAIR] = 0.050, 0.034
    if clothes.bag != "none":
        radii[BAG] = {"backpack": (0.068, 0.076), "shoulder": (0.040, 0.046), "hand": (0.012, 0.048)}[
            clothes.bag
        ]
    return radii


def _trunk(clothes: Clothes, girth: float, shoulders: float) -> Array:
    height = np.concatenate(
        [np.linspace(0.838, 0.775, 5)[:-1], np.linspace(0.775, clothes.hem, TRUNK_ROWS - 4)]
    )
    width = np.interp(height, _PROFILE_HEIGHT, _PROFILE_WIDTH) * np.where(
        height > 0.74, shoulders / 0.096, girth
    )
    depth = np.interp(height, _PROFILE_HEIGHT, _PROFILE_DEPTH) * girth
    below = np.clip((0.53 - height) / (0.53 - 0.28), 0.0, 1.0)
    grow = 1 + (clothes.flare - 1) * below
    return np.stack([height, width * grow, depth * grow], axis=-1)
