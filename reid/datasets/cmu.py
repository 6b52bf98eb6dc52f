"""Human motion of the CMU database (mocap.cs.cmu.edu): five movements, 50 angles a pose (FMVAE, 4.2).

    cmu_mocap/35/35.asf, 35_01.amc …   walking (1–16, 28–34) and jogging (17–26)
    cmu_mocap/cmu35WalkJog.mat         the same trials in one file; read instead of them where it is there
    cmu_mocap/49/49.asf, 49_18.amc …   balancing (18–20)
    cmu_mocap/143/143.asf, 143_23.amc  punching
    cmu_mocap/74/74.asf, 74_01.amc …   kicking (all of them)

What is not there is left out, but for the walking, without which there is no experiment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray

from reid.datasets.acclaim import Array, Skeleton, read_motion, read_skeleton
from reid.files import FileError

FOLDER = "cmu_mocap"

MAT = "cmu35WalkJog.mat"
"""All walks and jogs of subject 35 at 30 Hz, as prepared by N. Lawrence: ``Y`` (n, 62) and ``lbls``."""

_WALKER = 35

#: Trials of each subject that show a movement; none named: all that there are.
MOVEMENTS: dict[str, tuple[int, frozenset[int]]] = {
    "walking": (_WALKER, frozenset({*range(1, 17), *range(28, 35)})),
    "jogging": (_WALKER, frozenset(range(17, 27))),
    "balancing": (49, frozenset(range(18, 21))),
    "punching": (143, frozenset({23})),
    "kicking": (74, frozenset()),
}

#: The clips of ``MAT``, counted from 0, that are jogs.
_JOGS = range(16, 25)

#: Of the 120 poses a second in a file every so many are taken: neighbours are all but the same.
_STRIDE = 4

#: Where the body stands says nothing about the movement, and fingers were not measured: 62 − 6 − 6 = 50.
_LEFT_OUT = frozenset({"root", "lfingers", "rfingers", "lthumb", "rthumb"})


@dataclass(frozen=True, slots=True)
class Motion:
    """Poses of a few movements.

    Attributes:
        angles: (n, 50) in radians, without jumps by full turns.
        movement: (n,) numbers of the movements.
        names: of the movements.
        skeleton: of the walking subject, to draw poses with.
        source: where it is from.
    """

    angles: NDArray[np.float32]
    movement: NDArray[np.int64]
    names: tuple[str, ...]
    skeleton: Skeleton
    source: str

    def __len__(self) -> int:
        return len(self.angles)

    @property
    def channels(self) -> list[str]:
        """What each of the angles is, such as "lfemur rx"."""
        names = self.skeleton.channels
        return [names[column] for column in kept_channels(self.skeleton)]

    def joints(self, angles: Array) -> Array:
        """Positions of the joints (n, joints, 3) for angles (n, 50), upright over the origin."""
        poses = np.zeros((len(angles), len(self.skeleton.channels)))
        poses[:, kept_channels(self.skeleton)] = np.degrees(angles)
        return self.skeleton.joints(poses)


def kept_channels(skeleton: Skeleton) -> list[int]:
    """Columns of a whole pose that are learnt."""
    return [column for column, name in enumerate(skeleton.channels) if name.split()[0] not in _LEFT_OUT]


def load_motion(root: Path) -> Motion:
    """Read all movements that are there.

    Args:
        root: the data root, with the folder ``cmu_mocap``, or that folder itself.

    Raises:
        FileError: if there is no walking, or a file is damaged.
    """
    folder = root / FOLDER if (root / FOLDER).is_dir() else root
    skeleton_file = folder / str(_WALKER) / f"{_WALKER}.asf"
    if not skeleton_file.is_file():
        raise FileError(
            f"{skeleton_file}: missing; expected CMU motion capture of subject {_WALKER} there (from "
            f"mocap.cs.cmu.edu, see data/README.md), or name another data root by --data-root or VHP_DATA"
        )
    skeleton = read_skeleton(skeleton_file)
    parts = {name: poses for name in MOVEMENTS if (poses := list(_trials(folder, name)))}
    if "walking" not in parts:
        raise FileError(f"{folder}: no walking; expected {MAT} or {_WALKER}/{_WALKER}_01.amc … there")
    return assemble({name: np.concatenate(poses) for name, poses in parts.items()}, skeleton, str(folder))


def assemble(movements: dict[str, Array], skeleton: Skeleton, source: str) -> Motion:
    """Whole poses (n, channels) in degrees of each movement, to what is learnt."""
    angles = np.concatenate(list(movements.values()))[:, kept_channels(skeleton)]
    counts = [len(poses) for poses in movements.values()]
    return Motion(
        angles=without_full_turns(np.radians(angles)).astype(np.float32),
        movement=np.repeat(np.arange(len(counts)), counts),
        names=tuple(movements),
        skeleton=skeleton,
        source=source,
    )


def without_full_turns(angles: Array) -> Array:
    """Angles (n, channels) in radians, each within half a turn of its channel's mean direction.

    The files know an angle up to full turns only, and the wrists make use of it.
    """
    middle = np.angle(np.exp(1j * angles).mean(axis=0))
    found: Array = middle + np.angle(np.exp(1j * (angles - middle)))
    return found


def _trials(folder: Path, movement: str) -> Iterator[Array]:
    subject, trials = MOVEMENTS[movement]
    if subject == _WALKER and (folder / MAT).is_file():
        yield _from_mat(folder / MAT, jogging=movement == "jogging")
        return
    files = sorted(folder.glob(f"{subject}/{subject}_*.amc"))
    wanted = [path for path in files if not trials or _trial_number(path) in trials]
    if wanted:
        skeleton = read_skeleton(folder / str(subject) / f"{subject}.asf")
        yield from (read_motion(path, skeleton)[::_STRIDE] for path in wanted)


def _trial_number(path: Path) -> int:
    number = path.stem.rpartition("_")[2]
    return int(number) if number.isdigit() else -1


def _from_mat(path: Path, *, jogging: bool) -> Array:
    """The walks or the jogs of ``MAT``."""
    try:
        content = scipy.io.loadmat(path, variable_names=["Y", "lbls"])
        poses, clips = np.asarray(content["Y"], dtype=np.float64), np.asarray(content["lbls"])
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise FileError(f"{path}: not a MATLAB file with Y and lbls ({error})") from error
    if poses.ndim != 2 or poses.shape[1] != 62 or clips.shape[:1] != poses.shape[:1]:
        raise FileError(f"{path}: Y {poses.shape}, lbls {clips.shape}; expected (n, 62) and (n, clips)")
    chosen: Array = poses[np.isin(clips.argmax(axis=1), _JOGS) == jogging]
    return chosen
