"""A film strip of somebody who is hidden for a while, as several trackers see it (FMVAE, figure 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reid.crops import Images
from reid.datasets.motchallenge import BoxTable, read_boxes
from reid.experiments.figures import PAGE, STYLE
from reid.footage.sequence import SequenceInfo
from reid.images import read_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box = NDArray[np.float64]

#: Frames before somebody disappears and after the return.
_BEFORE, _AFTER = 20, (3, 12, 25)

#: Height and width of what is shown, in heights of the person.
_HIGH, _WIDE = 1.35, 1.05

#: A track has the person if it covers this much of both (IoU).
_OVERLAP = 0.5

_KEPT, _CHANGED, _OTHER = "#4ea8ff", "#ff5a36", "white"


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame, cut to somebody and the surroundings.

    Attributes:
        frame: its number.
        window: left, top, right, bottom of what is shown.
        image: that part, (height, width, 3).
        person: where the person is, whether seen or not.
    """

    frame: int
    window: Box
    image: Images
    person: Box


def shoot(sequence: SequenceInfo, person: int, gone: int, back: int) -> list[Shot]:
    """Somebody before, while and after he or she is hidden.

    Args:
        sequence: with images and ground truth.
        person: the number in the ground truth.
        gone: the last frame before the person disappears.
        back: the first one after that.

    Raises:
        FileError: if an image is missing.
        ValueError: if the ground truth is damaged.
    """
    truth = read_boxes(sequence.ground_truth)
    truth = truth.take(truth.identities == person)
    middle = (gone + back) // 2
    wanted = [gone - _BEFORE, gone, middle, *(back + later for later in _AFTER)]
    frames = sorted({min(max(frame, 1), sequence.length) for frame in wanted})
    heights = truth.boxes[:, 3] - truth.boxes[:, 1]
    height = float(np.median(heights[np.isin(truth.frames, frames)]))
    shots = []
    for frame in frames:
        box = np.array([np.interp(frame, truth.frames, side) for side in truth.boxes.T])
        image = read_image(sequence.image_path(frame))
        window = _window(box, height, image.shape[1], image.shape[0])
        left, top, right, bottom = window.astype(int).tolist()
        shots.append(Shot(frame, window, image[top:bottom, left:right], box))
    return shots


def draw_film_strip(shots: list[Shot], results: Mapping[str, Path]) -> Figure:
    """Shots in a row for each tracker, with the numbers that it gives to those in them.

    Args:
        shots: in order of time.
        results: result files by what the tracker is called.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    height = PAGE / len(shots) * _HIGH / _WIDE
    with rc_context(STYLE):
        figure = Figure(
            figsize=(PAGE + 0.2, (height + 0.04) * len(results) + 0.2),
            layout=ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.0, hspace=0.0),
        )
        panels: Any = figure.subplots(len(results), len(shots), squeeze=False)
        for row, (name, path) in zip(panels, results.items(), strict=True):
            table = read_boxes(path)
            first = numbers_of(table, shots)
            for axes, shot in zip(row, shots, strict=True):
                axes.imshow(shot.image, extent=_extent(shot.window), interpolation="lanczos")
                _draw_tracks(axes, table, shot, first[0] if first else None)
                axes.set(xticks=[], yticks=[], xlim=shot.window[[0, 2]], ylim=shot.window[[3, 1]])
                axes.spines[:].set_visible(False)
            row[0].set_ylabel(name)
        for axes, shot in zip(panels[0], shots, strict=True):
            axes.set_title(f"frame {shot.frame}", fontsize=8)
    return figure


def numbers_of(table: BoxTable, shots: list[Shot]) -> list[int]:
    """The numbers under which the person of the shots is found in them, each once, in order of time."""
    found = [_track_of(table, shot) for shot in shots]
    return list(dict.fromkeys(number for number in found if number is not None))


def _window(box: Box, height: float, width_limit: int, height_limit: int) -> Box:
    """What is shown around a box: as large in every shot, and inside the picture."""
    size = np.minimum(height * np.array([_WIDE, _HIGH]), [width_limit, height_limit]).round()
    corner = np.clip((box[:2] + box[2:] - size) / 2.0, 0.0, np.array([width_limit, height_limit]) - size)
    corner = corner.round()
    return np.concatenate([corner, corner + size])


def _extent(window: Box) -> tuple[float, float, float, float]:
    left, top, right, bottom = window.tolist()
    return left, right, bottom, top


def _rows(table: BoxTable, frame: int) -> slice:
    return slice(*np.searchsorted(table.frames, [frame, frame + 1]).tolist())


def _track_of(table: BoxTable, shot: Shot) -> int | None:
    rows = _rows(table, shot.frame)
    boxes = table.boxes[rows]
    common = np.minimum(boxes[:, 2:], shot.person[2:]) - np.maximum(boxes[:, :2], shot.person[:2])
    shared = np.maximum(common, 0.0).prod(axis=1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (shot.person[2:] - shot.person[:2]).prod() - shared
    overlap = shared / union
    if not (overlap >= _OVERLAP).any():
        return None
    return int(table.identities[rows][overlap.argmax()])


def _draw_tracks(axes: Axes, table: BoxTable, shot: Shot, first: int | None) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    rows = _rows(table, shot.frame)
    person = _track_of(table, shot)
    halo = [withStroke(linewidth=2.2, foreground="black")]
    for number, box in zip(table.identities[rows].tolist(), table.boxes[rows], strict=True):
        mine = number in (person, first)
        centre = box.reshape(2, 2).mean(axis=0)
        if not mine and ((centre < shot.window[:2]) | (centre > shot.window[2:])).any():
            continue
        colour = (_KEPT if number == first else _CHANGED) if mine else _OTHER
        corner, size = box[:2], box[2:] - box[:2]
        axes.add_patch(
            Rectangle(
                (float(corner[0]), float(corner[1])),
                *size.tolist(),
                fill=False,
                edgecolor=colour,
                linewidth=1.6 if mine else 0.6,
                linestyle="-" if mine else ":",
                path_effects=halo if mine else None,
            )
        )
        # The number stands within the picture, even if the corner of the box does not.
        place = np.clip(corner, shot.window[:2], shot.window[2:])
        axes.annotate(
            str(number),
            (float(place[0]), float(place[1])),
            xytext=(2, -2),
            textcoords="offset points",
            va="top",
            color=colour,
            fontsize=9 if mine else 6,
            fontweight="bold" if mine else "normal",
            path_effects=halo,
            clip_on=True,
        )
