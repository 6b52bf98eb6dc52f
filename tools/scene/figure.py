"""Drawing one person from their outline."""

from __future__ import annotations

import cv2
import numpy as np

from .clothing import BOTTOM, COLUMNS, ROWS, TOP
from .paint import BITS, Array, Colour, Picture, Sprite, capsules_fixed, shrink, tint
from .people import BAG, FOOT, FOREARM, HAIR, HEAD, PALM, SHIN, THIGH, UPPER_ARM, Person
from .silhouette import Outlines

_ACROSS = np.linspace(-0.99, 0.99, 64)
_HALF_TURN_COLUMNS = np.arcsin(_ACROSS) / (2 * np.pi) * COLUMNS
# The light comes from the left and above: a round body is darker on its right.
_ROUNDNESS = (0.80 + 0.24 * np.sqrt(1 - (_ACROSS + 0.25).clip(-1, 1) ** 2) - 0.10 * _ACROSS)[None, :, None]


class _Pen:
    """Draws capsules and cloth in canvas pixels on a finer grid, one over the other."""

    def __init__(self, box: Array, fineness: int) -> None:
        self.left, self.top = int(np.floor(box[0])) - 2, int(np.floor(box[1])) - 2
        self.size = int(np.ceil(box[2])) + 2 - self.left, int(np.ceil(box[3])) + 2 - self.top
        self.fineness = fineness
        self._paper: Picture = np.zeros((self.size[1] * fineness, self.size[0] * fineness, 4), dtype=np.uint8)
        self._waiting: list[tuple[list[float], float, float]] = []
        self._inks: list[Colour] = []

    def capsule(self, ends: list[float], colour: Colour, *, thin: float = 1.0, aside: float = 0.0) -> None:
        """A disc at either end and all between, ``thin`` times as wide, moved sideways by a share of it."""
        self._waiting.append((ends, thin, aside))
        self._inks.append(colour)

    def _flush(self) -> None:
        """Draw the capsules that wait: their outlines are found for all at once, which is faster."""
        if not self._waiting:
            return
        ends = np.array([ends for ends, _, _ in self._waiting]).reshape(-1, 2, 3)
        thin, aside = np.array([(thin, aside) for _, thin, aside in self._waiting]).T[..., None]
        x = (ends[..., 0] + aside * ends[..., 2] - self.left) * self.fineness
        y = (ends[..., 1] - self.top) * self.fineness
        fixed = capsules_fixed(x, y, thin * ends[..., 2] * self.fineness)
        for outline, ink in zip(fixed, self._inks, strict=True):
            cv2.fillConvexPoly(self._paper, outline, (*ink, 255), shift=BITS)
        self._waiting.clear()
        self._inks.clear()

    def limb(self, ends: list[float], colour: Colour, light: float = 1.0) -> None:
        """A capsule that looks round."""
        self.capsule(ends, tint(colour, 0.87 * light))
        if ends[2] * self.fineness > 8:
            self.capsule(ends, tint(colour, 0.96 * light), thin=0.80, aside=-0.14)
        self.capsule(ends, tint(colour, 1.03 * light), thin=0.45, aside=-0.28)

    def trunk(self, rows: Array, wrap: Picture, turn: float, heights: Array) -> None:
        """Wrap the cloth around the trunk."""
        self._flush()
        columns = np.round(turn / (2 * np.pi) * COLUMNS - _HALF_TURN_COLUMNS).astype(int) % COLUMNS
        seen = np.full((ROWS, len(columns), 4), 255, dtype=np.uint8)
        seen[..., :3] = np.minimum(wrap[:, columns] * _ROUNDNESS, 255)
        top, bottom = (rows[[0, -1], 1] - self.top) * self.fineness - 0.5
        first, last = max(int(np.ceil(top)), 0), min(int(bottom), self._paper.shape[0] - 1)
        if last <= first:
            return
        y = np.arange(first, last + 1)
        at = y / self.fineness + self.top + 0.5 / self.fineness
        middle = (np.interp(at, rows[:, 1], rows[:, 0]) - self.left) * self.fineness - 0.5
        half = np.interp(at, rows[:, 1], rows[:, 2]) * self.fineness
        height = np.interp(at, rows[:, 1], heights)
        left = max(int((middle - half).min()), 0)
        right = min(int((middle + half).max()) + 2, self._paper.shape[1])
        x = np.arange(left, right)
        across = ((x[None] - middle[:, None]) / half[:, None]).astype(np.float32)
        map_x = (across + np.float32(1)) * np.float32(0.5 * (len(_ACROSS) - 1))
        down = (TOP - height) / (TOP - BOTTOM) * ROWS - 0.5
        map_y = np.repeat(down.astype(np.float32)[:, None], len(x), axis=1)
        cloth = cv2.remap(seen, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = (np.abs(across) <= 1.0).astype(np.uint8)
        cv2.copyTo(cloth, inside, self._paper[first : last + 1, left:right])

    def sprite(self) -> Sprite:
        self._flush()
        return shrink(self._paper, self.size, self.left, self.top)


def draw(person: Person, seen: Outlines, index: int) -> Sprite:
    """The person with the given index among the outlines, in plain light."""
    box = seen.boxes[index]
    tall = box[3] - box[1]
    pen = _Pen(box, 4 if tall < 60 else 3 if tall < 120 else 2)
    capsules: list[list[float]] = seen.capsules[index].tolist()
    away: list[float] = seen.away[index].tolist()
    clothes = person.clothes
    turn = float(seen.turn[index])
    facing = np.cos(turn)

    def leg(side: int) -> None:
        shade = 0.86 if away[THIGH + side] + away[SHIN + side] > 0.02 else 1.0
        pen.limb(capsules[FOOT + side], clothes.shoes, shade)
        pen.limb(capsules[SHIN + side], clothes.shins or person.skin, shade)
        pen.limb(capsules[THIGH + side], clothes.legs or person.skin, shade)

    def arm(side: int) -> None:
        shade = 0.88 if away[UPPER_ARM + side] > 0.05 else 1.0
        bag_side = clothes.bag == "hand" and side == 1
        if bag_side:
            _bag(pen, capsules[BAG], clothes.leather)
        pen.limb(capsules[PALM + side], person.skin, shade)
        pen.limb(capsules[FOREARM + side], clothes.cuff or person.skin, shade)
        pen.limb(capsules[UPPER_ARM + side], clothes.sleeve, shade)

    far = int(away[THIGH + 1] + away[SHIN + 1] > away[THIGH] + away[SHIN])
    behind = [side for side in (0, 1) if away[UPPER_ARM + side] + away[FOREARM + side] > 0.04]
    bag_behind = away[BAG] > 0
    if clothes.bag in ("backpack", "shoulder") and bag_behind:
        _bag(pen, capsules[BAG], clothes.leather)
    for side in behind:
        arm(side)
    leg(far)
    leg(1 - far)
    if not np.isnan(capsules[HAIR][0] + capsules[HAIR][2]) and facing > 0:
        pen.capsule(capsules[HAIR], tint(person.hair, 0.8))
    _neck(pen, capsules, seen.trunk[index], person.skin)
    pen.trunk(seen.trunk[index], clothes.wrap, turn, person.trunk[:, 0])
    for side in (0, 1):
        if side not in behind:
            arm(side)
    _head(pen, capsules, person, float(seen.look[index]), hair_in_front=facing <= 0)
    if clothes.bag in ("backpack", "shoulder") and not bag_behind:
        _bag(pen, capsules[BAG], clothes.leather)
    return pen.sprite()


def _bag(pen: _Pen, ends: list[float], colour: Colour) -> None:
    pen.capsule(ends, tint(colour, 0.8))
    pen.capsule(ends, tint(colour, 1.05), thin=0.75, aside=-0.12)
    low = [*ends[3:6], *ends[3:6]]
    low[1], low[4] = low[1] + 0.2 * low[2], low[4] + 0.2 * low[2]
    pen.capsule(low, tint(colour, 0.88), thin=0.5)


def _neck(pen: _Pen, capsules: list[list[float]], trunk: Array, skin: Colour) -> None:
    x, y, radius = capsules[HEAD][:3]
    thick = 0.74 * radius
    pen.limb([x, y, thick, float(trunk[0, 0]), float(trunk[0, 1]) + 0.3 * radius, thick * 1.1], skin, 0.9)


def _head(
    pen: _Pen, capsules: list[list[float]], person: Person, look: float, *, hair_in_front: bool
) -> None:
    head = capsules[HEAD]
    chin_x, chin_y, chin_r, x, y, radius = head
    top = person.clothes.hat or person.hair
    pen.limb(head, person.skin, 0.97)
    # Hair covers the skull but for the face, which lies where the person looks to.
    side, front = np.sin(look), np.cos(look)
    pen.capsule([x - 0.16 * side * radius, y - 0.02 * radius, radius, x, y, radius], tint(top, 0.9))
    if front < 0.25:
        back = 0.35 * (1 - max(front, -0.6))
        nape_x, nape_y = x + (chin_x - x) * back - 0.35 * side * radius, y + (chin_y - y) * back
        pen.capsule([nape_x, nape_y, 0.93 * radius, x, y, radius], tint(top, 0.9))
    if hair_in_front and not np.isnan(capsules[HAIR][2]):
        pen.capsule(capsules[HAIR], tint(person.hair, 0.86))
        pen.capsule(capsules[HAIR], tint(person.hair, 1.05), thin=0.5, aside=-0.2)
    pen.capsule(
        [x, y - 0.25 * radius, 0.6 * radius, x, y - 0.25 * radius, 0.6 * radius], tint(top, 1.03), aside=-0.2
    )
    if front > -0.35:
        shown = min(1.0, 0.45 + 0.55 * max(front, 0.0))
        face_x, face_y = x + 0.50 * side * radius, y + 0.42 * radius
        face_r = 0.74 * radius * (0.75 + 0.25 * shown)
        jaw = [chin_x + 0.30 * side * chin_r, chin_y - 0.1 * chin_r, 0.80 * chin_r]
        pen.capsule([face_x, face_y, face_r, *jaw], tint(person.skin, 1.03))
        if radius * pen.fineness > 9 and front > 0.1:
            for eye in (-0.34, 0.34):
                at = [face_x + eye * front * radius, face_y - 0.05 * radius, 0.10 * radius]
                pen.capsule([*at, *at], tint(person.skin, 0.35))
    if person.clothes.hat is not None and front > -0.5:
        brim_x, brim_y = x + 0.75 * side * radius, y - 0.05 * radius + 0.10 * front * radius
        wide = 0.6 * radius
        pen.capsule(
            [brim_x - wide, brim_y, 0.13 * radius, brim_x + wide, brim_y, 0.13 * radius], tint(top, 0.7)
        )
