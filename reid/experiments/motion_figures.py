"""Figures of interpolated human motion (FMVAE, figures 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.datasets.acclaim import Skeleton
from reid.datasets.cmu import Motion
from reid.experiments.figures import COLOURS, PAGE, STYLE
from reid.experiments.interpolation import Curve
from reid.experiments.interpolation_figures import plot_velocities
from reid.geometry.curves import straight_lines
from reid.geometry.metric import Decode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: Poses of a strip, and where the eye stands: so many degrees from straight ahead.
_POSES, _VIEW = 18, 60.0

#: A step is a jump if it takes this many times its even share of the way.
_JUMP = 3.0

_BODY, _LEFT, _MARK = "#222222", "#999999", "#1f5fbf"


def draw_smoothness(smoothness: Mapping[str, Array], channels: Sequence[str]) -> Figure:
    """Second derivatives of interpolations, averaged over each joint's angles.

    Args:
        smoothness: by the model's name, (P, D) for each pair and angle.
        channels: names of the angles, "lfemur rx" …
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    bones = [name.split()[0] for name in channels]
    joints = list(dict.fromkeys(bones))
    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
        axes = figure.subplots()
        width = 0.8 / len(smoothness)
        for place, ((name, values), colour) in enumerate(zip(smoothness.items(), COLOURS, strict=False)):
            of_joint = np.stack(
                [values[:, [bone == joint for bone in bones]].mean(axis=1) for joint in joints]
            )
            mean, deviation = of_joint.mean(axis=1), of_joint.std(axis=1)
            axes.bar(
                np.arange(len(joints)) + (place - 0.5 * (len(smoothness) - 1)) * width,
                mean,
                width,
                # Not below zero, where nothing is.
                yerr=[np.minimum(deviation, mean), deviation],
                color=colour,
                label=name,
                error_kw={"linewidth": 0.6, "capsize": 1.2},
            )
        axes.set_xticks(range(len(joints)), joints, rotation=60, ha="right", rotation_mode="anchor")
        axes.set(ylabel="mean |d²angle/dt²| in rad", xlim=(-0.7, len(joints) - 0.3), ylim=(0, None))
        axes.legend(frameon=False)
    return figure


def draw_interpolations(
    decoders: Mapping[str, Decode], latents: Mapping[str, Array], pairs: NDArray[np.int64], motion: Motion
) -> Figure:
    """Strips of poses along straight lines between pairs of data, a column for each model.

    Args:
        decoders: by the model's name.
        latents: the same: (n, N) of the data.
        pairs: (rows, 2) numbers of data.
        motion: whose joints are drawn.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 0.55 * len(pairs) + 0.3), layout="constrained")
        panels: Any = figure.subplots(len(pairs), len(decoders), squeeze=False)
        for column, (name, decode) in enumerate(decoders.items()):
            start, end = (torch.from_numpy(latents[name][pairs[:, side]]).float() for side in (0, 1))
            lines = straight_lines(start, end, _POSES)
            with torch.no_grad():
                strips = decode(lines.flatten(0, 1)).double().numpy().reshape(len(pairs), _POSES, -1)
            for row, strip in enumerate(strips):
                draw_strip(panels[row, column], strip, motion)
            panels[0, column].set_title(f"({'abcdefgh'[column]}) {name}")
    return figure


def draw_walks(strips: Mapping[str, Array], curves: Mapping[str, Curve], motion: Motion) -> Figure:
    """What is decoded along each curve, and how fast it changes (2018, figure 11).

    Args:
        strips: by the curve's name, poses (T, angles) at equal times from its start to its end.
        curves: by the same names.
        motion: whose joints are drawn.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 1.15 * len(strips) + 1.5), layout="constrained")
        rows: Any = figure.subplots(len(strips) + 1, 1, height_ratios=[1.15] * len(strips) + [1.5])
        for axes, (name, strip) in zip(rows, strips.items(), strict=False):
            draw_strip(axes, strip, motion)
            axes.set_title(name, fontsize=8)
        plot_velocities(rows[-1], curves)
    return figure


def draw_poses(poses: Array, motion: Motion) -> Figure:
    """Poses (T, angles) in a row (2018, figure 13)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 1.5), layout="constrained")
        draw_strip(figure.subplots(), poses, motion)
    return figure


def jumps(strip: Array) -> NDArray[np.bool_]:
    """Which steps of a row of poses (T, D) take far more than their share of the way, (T − 1,)."""
    steps = np.linalg.norm(np.diff(strip, axis=0), axis=1)
    return np.asarray(steps > _JUMP * steps.mean())


def draw_strip(axes: Axes, strip: Array, motion: Motion) -> None:
    """Poses (T, angles) side by side, with marks around steps that are jumps."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    joints = motion.joints(strip)
    angle = np.radians(_VIEW)
    across = np.cos(angle) * joints[..., 0] + np.sin(angle) * joints[..., 2]
    height = np.ptp(joints[..., 1])
    pitch = 0.42 * height
    places = pitch * np.arange(len(strip))[:, None]
    flat = np.stack([across + places, joints[..., 1]], axis=-1)
    for links, colour in zip(_sides(motion.skeleton), (_LEFT, _BODY), strict=True):
        axes.add_collection(
            LineCollection(list(flat[:, links].reshape(-1, 2, 2)), colors=colour, linewidths=0.5)
        )
    low, high = joints[..., 1].min(), joints[..., 1].max()
    for step in np.flatnonzero(jumps(strip)):
        corner = (float(places[step, 0]) - 0.4 * pitch, low - 0.03 * height)
        axes.add_patch(
            Rectangle(corner, 1.8 * pitch, 1.06 * height, fill=False, edgecolor=_MARK, linewidth=0.7)
        )
    axes.set(xlim=(-pitch, places[-1, 0] + pitch), ylim=(low - 0.06 * height, high + 0.06 * height))
    axes.set_aspect("equal")
    axes.set_axis_off()


_Links = list[tuple[int, int]]


def _sides(skeleton: Skeleton) -> tuple[_Links, _Links]:
    """The links of the left limbs, which are drawn behind, and all others."""
    names = {bone.name for bone in skeleton.bones}
    left: _Links = []
    others: _Links = []
    for bone, link in zip(skeleton.bones, skeleton.links, strict=True):
        mirrored = bone.name.startswith("l") and f"r{bone.name[1:]}" in names
        (left if mirrored else others).append(link)
    return left, others
