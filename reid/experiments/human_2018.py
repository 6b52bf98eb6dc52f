"""Human walking as in (Chen et al. 2018, 4.6): figures 11 to 13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from reid.datasets.cmu import Motion
from reid.experiments.circle import FACTOR, smoothing_note
from reid.experiments.class_maps import draw_class_maps
from reid.experiments.distances import random_pairs
from reid.experiments.figures import LatentMap
from reid.experiments.interpolation import (
    GEODESIC,
    STRAIGHT,
    Curve,
    curve,
    eased,
    graph_paths,
    smoothing_strength,
)
from reid.experiments.motion_figures import draw_poses, draw_walks
from reid.experiments.motion_study import MEASURED_ON_ALL, PART, motion_for
from reid.experiments.report import METRICS_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.experiments.trainings import Trained, TrainingData
from reid.experiments.variants import IWAE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

NOISE = 0.03
"""Deviation in radians; each pose is shown to the model so many times, each time with other noise:"""

_COPIES = 4

_PAIRS, _NODES, _SAMPLES = 100, 6000, 100

#: The two lengths of figure 11.
_FIGURE_11 = {GEODESIC: 2.57, STRAIGHT: 2.89}

#: Figure 13 goes round in steps of 40°, from the top and counter-clockwise.
_ROUND = np.radians(90.0 + 40.0 * np.arange(10))

_LEGS = ("lfemur rx", "rfemur rx")


@dataclass(frozen=True, slots=True)
class _Walk:
    """A model of walking, and the paths between some of its poses.

    Attributes:
        trained: the model.
        latents: (n, 2) of all poses.
        curves: for each pair the geodesic and the straight line, by their names, under the smoothed metric
            tensor.
        plain: (P,) the geodesics' lengths over the straight lines' without smoothing.
    """

    trained: Trained
    latents: Array
    curves: list[dict[str, Curve]]
    plain: Array

    @property
    def ratios(self) -> Array:
        """(P,) the geodesics' lengths over the straight lines'."""
        return np.array([one[GEODESIC].length / one[STRAIGHT].length for one in self.curves])

    @property
    def radius(self) -> float:
        """Mean distance of the poses from the middle of the latent space."""
        return float(np.linalg.norm(self.latents, axis=1).mean())

    def around(self, angles: Array) -> Array:
        """Points (n, 2) on the circle of that radius."""
        return self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def poses(self, latents: Array) -> Array:
        """What latents (n, 2) are decoded to, (n, 50)."""
        with torch.no_grad():
            decoded: Array = self.trained.model.decode(torch.from_numpy(latents).float()).double().numpy()
        return decoded


def run(asked: Request) -> Report:
    """Train models on walking, compare geodesics with straight lines, and draw.

    Raises:
        FileError: if there is no motion.
    """
    motion = motion_for(asked)
    walking = motion.angles[motion.movement == motion.names.index("walking")]
    copies = np.tile(walking, (_COPIES, 1))
    noisy = (copies + np.random.default_rng(0).normal(0.0, NOISE, copies.shape)).astype(np.float32)
    # The noise is part of the data: the model learns how large it is.
    trained = asked.train("human-2018", [IWAE], TrainingData(noisy, 0.0, PART))
    pairs = random_pairs(len(walking), 10 if asked.quick else _PAIRS)
    walks = [_measure(one, walking, pairs, 500 if asked.quick else _NODES) for one in trained]
    report = asked.report("Human motion (2018)", f"{METRICS_PAPER}, section 4.6")
    # The clearest pair of the first model: where the geodesic saves most.
    shown = walks[0].curves[int(walks[0].ratios.argmin())]
    _draw(report, walks[0], shown, motion, asked.map_side)
    report.numbers = _numbers(walks, shown, motion)
    report.notes = list(_NOTES)
    report.facts = {
        "data": motion.source,
        "poses": f"{len(walking):,} of walking, each {_COPIES} times with noise of {NOISE:g}",
        **asked.facts(trained, "poses"),
    }
    report.write()
    return report


def steps_walked(poses: Array, motion: Motion) -> int:
    """How many steps a closed row of poses (n, 50) makes: how often one thigh passes the other."""
    left, right = (motion.channels.index(name) for name in _LEGS)
    ahead = poses[:, left] > poses[:, right]
    return int((ahead != np.roll(ahead, 1)).sum())


def _measure(trained: Trained, walking: NDArray[np.float32], pairs: NDArray[np.int64], nodes: int) -> _Walk:
    decode = trained.model.decode
    with torch.no_grad():
        latents = trained.model.encode(torch.from_numpy(walking)).mean.double().numpy()
    strength = smoothing_strength(decode, latents, FACTOR)
    smoothed, plain = (graph_paths(decode, latents, pairs, nodes, smoothing) for smoothing in (strength, 0.0))
    lines = [np.linspace(latents[start], latents[end], _SAMPLES) for start, end in pairs]
    return _Walk(
        trained,
        latents,
        curves=[
            {
                GEODESIC: curve(decode, eased(path, _SAMPLES), strength),
                STRAIGHT: curve(decode, line, strength),
            }
            for path, line in zip(smoothed.paths, lines, strict=True)
        ],
        plain=plain.observed / [curve(decode, line).length for line in lines],
    )


def _draw(report: Report, walk: _Walk, shown: dict[str, Curve], motion: Motion, side: int) -> None:
    """Draw the first seed's figures."""
    seed = walk.trained.seed
    strips = {name: path.film(walk.trained.model.decode) for name, path in shown.items()}
    report.add_picture(
        draw_walks(strips, shown, motion),
        Picture(
            "figure-11",
            "Figure 11: reconstructions along the geodesic and the straight line",
            f"Of {len(walk.curves)} random pairs of poses the one whose geodesic saves most. Left limbs in "
            "grey; blue: steps that take more than three times their share of the way. Below: velocity "
            f"(2018, 11) under the smoothed metric tensor. Seed {seed}.",
        ),
    )
    report.add_picture(
        _draw_map(walk, shown, side),
        Picture(
            "figure-12",
            "Figure 12: geodesic and straight line in the latent space",
            f"The paths of figure 11. Dots: poses. Red: the points of figure 13. Seed {seed}.",
        ),
    )
    report.add_picture(
        draw_poses(walk.poses(walk.around(_ROUND)), motion),
        Picture(
            "figure-13",
            "Figure 13: once around the latent space",
            f"Reconstructions of the red points of figure 12: {walk.radius:.2f} from the middle, beginning "
            f"at the top, in steps of 40° counter-clockwise. Left limbs in grey. Seed {seed}.",
        ),
    )


def _draw_map(walk: _Walk, shown: dict[str, Curve], side: int) -> Figure:
    one = LatentMap.of(IWAE, walk.trained.model.decode, walk.latents, side)
    everything = np.zeros(len(walk.latents), dtype=np.int64)
    figure = draw_class_maps([one], everything, ["walking"], [], [[shown[GEODESIC].points]])
    axes: Any = figure.axes[0]
    axes.plot(*walk.around(_ROUND).T, "o", markersize=4, color="#c1272d", markeredgecolor="white")
    return figure


def _away(walk: _Walk, name: str) -> float:
    """How far paths get from all data, in units of the latents' mean radius."""
    tree = cKDTree(walk.latents)
    away = [np.max(tree.query(one[name].points)[0]) for one in walk.curves]
    return float(np.mean(away)) / walk.radius


def _numbers(walks: list[_Walk], shown: dict[str, Curve], motion: Motion) -> list[Number]:
    circle = np.linspace(0.0, 2.0 * np.pi, 360, endpoint=False)
    ratio = "length over the straight line's"
    numbers = [
        Number(
            "Figure 11",
            f"{ratio}, the pair shown",
            GEODESIC,
            f"{_FIGURE_11[GEODESIC] / _FIGURE_11[STRAIGHT]:.2f}",
            [shown[GEODESIC].length / shown[STRAIGHT].length],
            at_most=1.0,
        ),
        Number(
            "Figure 11",
            f"{ratio}, mean over {len(walks[0].curves)} pairs",
            GEODESIC,
            "-",
            [float(one.ratios.mean()) for one in walks],
            at_most=1.01,
        ),
        Number(
            "Figure 11",
            f"{ratio}, searched without smoothing",
            GEODESIC,
            "-",
            [float(one.plain.mean()) for one in walks],
        ),
    ]
    numbers += [
        Number(
            "Figure 12",
            "greatest distance from all latents, over their mean radius",
            name,
            "follows the data" if name == GEODESIC else "crosses the middle",
            [_away(one, name) for one in walks],
        )
        for name in (GEODESIC, STRAIGHT)
    ]
    return [
        *numbers,
        Number(
            "Figure 13",
            "steps in one turn around the latent space",
            IWAE,
            "2",
            [float(steps_walked(one.poses(one.around(circle)), motion)) for one in walks],
            at_least=2.0,
            at_most=2.0,
        ),
        Number(
            "Table 5",
            f"noise learned, beside the data's {NOISE:g}",
            IWAE,
            "-",
            [one.trained.log[-1]["noise"] for one in walks],
        ),
    ]


_NOTES = [
    MEASURED_ON_ALL,
    "All walks of subject 35, at 30 Hz; the paper has 6,616 poses of trials 1 to 16.",
    smoothing_note(),
    "Lengths depend on λ_s: only ratios can be compared with the paper's.",
    "Figure 13's circle has the poses' mean radius, which differs from the paper's 1.5.",
    "Geodesics are searched on a graph in the data's convex hull; figures show them without corners.",
    "A batch has 50 poses, not 150, which takes three times as long.",
]
