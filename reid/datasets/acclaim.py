"""Acclaim motion capture: a skeleton (.asf), its motion (.amc), and where that puts the joints.

A pose is one row of numbers, "channels": the root's six, then the angles of each bone in the order of the
skeleton file, in degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.files import FileError

Array = NDArray[np.float64]

ROOT = "root"

_ROTATIONS = ("rx", "ry", "rz")
_ROOT_CHANNELS = ("tx", "ty", "tz", *_ROTATIONS)

_SECTIONS = ("units", "root", "bonedata", "hierarchy")


@dataclass(frozen=True, slots=True)
class Bone:
    """A bone, from the end of its parent to its own end.

    Attributes:
        name: "lfemur" …
        parent: the name of another bone, or ``ROOT``.
        offset: (3,) from its start to its end in the rest pose.
        axis: (3,) angles, in degrees, of the axes that it turns about.
        channels: the angles that it has, of "rx", "ry", "rz".
    """

    name: str
    parent: str
    offset: Array
    axis: Array
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Bones, each after its parent as far as positions are concerned, in the file's order otherwise.

    Attributes:
        bones: in the file's order.
    """

    bones: tuple[Bone, ...]

    @property
    def channels(self) -> list[str]:
        """Names of a pose's numbers, such as "root tx" and "lfemur rx"."""
        bones = [f"{bone.name} {channel}" for bone in self.bones for channel in bone.channels]
        return [f"{ROOT} {channel}" for channel in _ROOT_CHANNELS] + bones

    @property
    def links(self) -> list[tuple[int, int]]:
        """Pairs of joints that a bone joins; joint 0 is the root, joint i + 1 the end of bone i."""
        number = {ROOT: 0} | {bone.name: place + 1 for place, bone in enumerate(self.bones)}
        return [(number[bone.parent], number[bone.name]) for bone in self.bones]

    def joints(self, poses: Array) -> Array:
        """Positions of the root and of the bones' ends.

        Args:
            poses: (n, channels) in degrees.

        Returns:
            (n, 1 + bones, 3).
        """
        names = self.channels
        if poses.ndim != 2 or poses.shape[1] != len(names):
            raise ValueError(f"expected poses of shape (n, {len(names)}), not {poses.shape}")
        column = {name: place for place, name in enumerate(names)}
        number = {ROOT: 0} | {bone.name: place + 1 for place, bone in enumerate(self.bones)}
        positions = np.empty((len(poses), len(self.bones) + 1, 3))
        positions[:, 0] = poses[:, :3]
        turned = {ROOT: rotations(poses[:, 3:6])}
        for bone in self._parents_first():
            angles = np.zeros((len(poses), 3))
            for channel in bone.channels:
                angles[:, _ROTATIONS.index(channel)] = poses[:, column[f"{bone.name} {channel}"]]
            axes = rotations(bone.axis[None])[0]
            turned[bone.name] = turned[bone.parent] @ axes @ rotations(angles) @ axes.T
            start = positions[:, number[bone.parent]]
            positions[:, number[bone.name]] = start + turned[bone.name] @ bone.offset
        return positions

    def _parents_first(self) -> Iterator[Bone]:
        """All bones that hang on the root, by however many others."""
        known: set[str] = {ROOT}
        while ready := [bone for bone in self.bones if bone.parent in known and bone.name not in known]:
            yield from ready
            known |= {bone.name for bone in ready}


def rotations(angles: Array) -> Array:
    """Rotations by angles (n, 3) in degrees, about x first, then y, then z, (n, 3, 3)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(angles)).T, np.sin(np.radians(angles)).T
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def read_skeleton(path: Path) -> Skeleton:
    """Read an .asf file.

    Raises:
        FileError: if it is no such file, or of a kind that is not understood.
    """
    sections = _sections(path)
    for section in _SECTIONS[1:]:
        if section not in sections:
            raise FileError(f"{path}: not a skeleton: there is no section ':{section}'")
    _expect_degrees(path, sections.get("units", []), "angle", ["deg"])
    _expect_degrees(path, sections["root"], "order", ["TX", "TY", "TZ", "RX", "RY", "RZ"])
    _expect_degrees(path, sections["root"], "axis", ["XYZ"])
    parents = _parents(sections["hierarchy"])
    bones = tuple(_bone(path, line, lines, parents) for line, lines in _blocks(path, sections["bonedata"]))
    names = {bone.name for bone in bones}
    for bone in bones:
        if bone.parent not in names | {ROOT}:
            raise FileError(f"{path}: bone {bone.name!r} hangs on {bone.parent!r}, which is no bone")
    skeleton = Skeleton(bones)
    if len(list(skeleton._parents_first())) < len(bones):
        raise FileError(f"{path}: the hierarchy has a circle")
    return skeleton


def read_motion(path: Path, skeleton: Skeleton) -> Array:
    """Read the poses (n, channels) of an .amc file.

    Raises:
        FileError: if it is no such file, is not in degrees, or does not fit the skeleton.
    """
    channels = {ROOT: len(_ROOT_CHANNELS)} | {
        bone.name: len(bone.channels) for bone in skeleton.bones if bone.channels
    }
    poses: list[Array] = []
    frame: dict[str, Array] = {}
    started = 0
    for line, words in [*_lines(path), (0, ["end"])]:
        if words[0].startswith(":"):
            if words[0] == ":RADIANS":
                raise FileError(f"{path}, line {line}: angles in radians; expected ':DEGREES'")
        elif len(words) == 1:
            if started:
                poses.append(_pose(path, started, frame, channels))
            started, frame = line, {}
        else:
            if not started:
                raise FileError(f"{path}, line {line}: {words[0]!r} before the number of a frame")
            if len(words) - 1 != channels.get(words[0], -1):
                expected = f"{channels[words[0]]} numbers" if words[0] in channels else "a bone with angles"
                raise FileError(f"{path}, line {line}: {' '.join(words)!r}; expected {expected}")
            frame[words[0]] = _numbers(path, line, words[1:])
    if not poses:
        raise FileError(f"{path}: no frames")
    return np.stack(poses)


def _pose(path: Path, line: int, frame: Mapping[str, Array], channels: Mapping[str, int]) -> Array:
    missing = [name for name in channels if name not in frame]
    if missing:
        raise FileError(f"{path}, line {line}: a frame without {', '.join(missing)}")
    return np.concatenate([frame[name] for name in channels])


_Line = tuple[int, list[str]]


def _lines(path: Path) -> Iterator[_Line]:
    """Words of each line that has any, with its number; without comments."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            yield number, words


def _sections(path: Path) -> dict[str, list[_Line]]:
    sections: dict[str, list[_Line]] = {}
    current: list[_Line] = []
    for line, words in _lines(path):
        if words[0].startswith(":"):
            current = sections.setdefault(words[0][1:], [])
        else:
            current.append((line, words))
    return sections


def _expect_degrees(path: Path, lines: Sequence[_Line], key: str, expected: list[str]) -> None:
    for line, words in lines:
        if words[0] == key and words[1:] != expected:
            said = " ".join(words[1:])
            raise FileError(f"{path}, line {line}: {key} {said!r}; only {' '.join(expected)!r} is understood")


def _blocks(path: Path, lines: Sequence[_Line]) -> Iterator[tuple[int, dict[str, _Line]]]:
    """The lines between each "begin" and "end", by their first word."""
    block: dict[str, _Line] | None = None
    start = 0
    for line, words in lines:
        if words == ["begin"]:
            block, start = {}, line
        elif block is None:
            raise FileError(f"{path}, line {line}: {' '.join(words)!r}; expected 'begin'")
        elif words == ["end"]:
            yield start, block
            block = None
        else:
            block.setdefault(words[0], (line, words[1:]))
    if block is not None:
        raise FileError(f"{path}, line {start}: 'begin' without 'end'")


def _bone(path: Path, line: int, block: Mapping[str, _Line], parents: Mapping[str, str]) -> Bone:
    for key, least in (("name", 1), ("direction", 3), ("length", 1), ("axis", 4)):
        if key not in block or len(block[key][1]) < least:
            raise FileError(f"{path}, line {line}: a bone without a complete {key!r}")
    name = block["name"][1][0]
    if name not in parents:
        raise FileError(f"{path}, line {line}: bone {name!r} is not in the hierarchy")
    channels = tuple(block["dof"][1]) if "dof" in block else ()
    if not set(channels) <= set(_ROTATIONS):
        raise FileError(
            f"{path}, line {block['dof'][0]}: dof {' '.join(channels)!r}; only {', '.join(_ROTATIONS)}"
        )
    direction = _numbers(path, block["direction"][0], block["direction"][1][:3])
    length = _numbers(path, block["length"][0], block["length"][1][:1])
    axis = _numbers(path, block["axis"][0], block["axis"][1][:3])
    return Bone(name, parents[name], direction * length, axis, channels)


def _parents(lines: Sequence[_Line]) -> dict[str, str]:
    found = {}
    for _, (parent, *children) in lines:
        found.update(dict.fromkeys(children, parent))
    return found


def _numbers(path: Path, line: int, words: Sequence[str]) -> Array:
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        raise FileError(f"{path}, line {line}: {' '.join(words)!r}; expected numbers")
    return values
