"""The robot arm of (Chen et al. 2018, 4.5): figures 8 to 10."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from reid.datasets.robot_arm import NOISE, RADIUS, STEPS, circle_poses, hand_positions
from reid.experiments.circle import (
    Circle,
    CircleLengths,
    measure_circle,
    random_pairs_around,
    shown_curves,
    smoothing_note,
)
from reid.experiments.figures import QUARTERS, LatentMap
from reid.experiments.interpolation import GEODESIC, STRAIGHT, Curve
from reid.experiments.interpolation_figures import draw_hand_paths, draw_path_map, draw_velocities
from reid.experiments.report import DRAWN, METRICS_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.experiments.trainings import TrainingData
from reid.experiments.variants import IWAE
from reid.models import VAE

_PAIRS = 100

#: The paper's validation circle.
_VALIDATION = 150

#: Where on the circle the paths of the figures begin and end.
_SHOWN = (np.radians(20.0), np.radians(170.0))

#: The two lengths of figure 10.
_FIGURE_10 = {GEODESIC: 0.54, STRAIGHT: 1.48}


def run(asked: Request) -> Report:
    """Train models on poses of an arm, compare geodesics with straight lines, and draw."""
    quick = asked.quick
    poses, _ = circle_poses(1000 if quick else STEPS)
    noisy = (poses + np.random.default_rng(0).normal(0.0, NOISE, poses.shape)).astype(np.float32)
    # The noise is part of the data: the model learns how large it is.
    trained = asked.train("robot-arm", [IWAE], TrainingData(noisy, 0.0, "joints"))
    clean, angles = circle_poses(_VALIDATION)
    circles = [Circle.encoded(one, angles, clean.astype(np.float32)) for one in trained]
    pairs = random_pairs_around(20 if quick else _PAIRS, len(angles))
    lengths = [measure_circle(circle, pairs, quick) for circle in circles]
    shown = [
        shown_curves(circle, _SHOWN, measured.strength, quick)
        for circle, measured in zip(circles, lengths, strict=True)
    ]
    report = asked.report("Robot arm", f"{METRICS_PAPER}, section 4.5")
    _draw(report, circles[0], shown[0], poses, asked.map_side)
    report.numbers = _numbers(circles, lengths, shown)
    report.notes = _NOTES
    report.facts = {
        "poses": f"{len(poses):,} for training with noise of {NOISE:g}, {len(clean)} others for measuring",
        **asked.facts(trained, "poses"),
    }
    report.write()
    return report


def _draw(
    report: Report, circle: Circle, shown: dict[str, Curve], poses: NDArray[np.float64], side: int
) -> None:
    """Draw the first seed's figures."""
    model, seed = circle.trained.model, circle.trained.seed
    report.add_picture(
        draw_path_map(
            LatentMap.of(IWAE, model.decode, circle.latents, side),
            circle.angles,
            shown,
            "place on the circle",
            QUARTERS,
        ),
        Picture(
            "figure-8",
            "Figure 8: geodesic and straight line in the latent space",
            f"Dots: poses of the validation circle, coloured by their place on it. Seed {seed}.",
        ),
    )
    hands = {name: decoded_hands(model, path.points)[:, 1:] for name, path in shown.items()}
    report.add_picture(
        draw_hand_paths(hand_positions(poses)[:, 1:], hands),
        Picture(
            "figure-9",
            "Figure 9: the hand along the geodesic and along the straight line",
            "Forward kinematics of the decoded joint angles. Grey: the circle of the training data. The "
            f"third axis, away from the arm, is nearly constant. Seed {seed}.",
        ),
    )
    report.add_picture(
        draw_velocities(shown),
        Picture(
            "figure-10",
            "Figure 10: velocity along the geodesic and the straight line",
            f"Velocity (2018, 11) under the smoothed metric tensor. Seed {seed}.",
        ),
    )


def decoded_hands(model: VAE, latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the hand is at the joint angles that latents (T, 2) decode to, (T, 3)."""
    with torch.no_grad():
        decoded = model.observation.unpack(model.decode(torch.from_numpy(latents).float()))
    return hand_positions(decoded["joints"].double().numpy())


def _off_the_circle(circle: Circle, path: Curve) -> float:
    """How far from the circle the hand gets, in millimetres."""
    hands = decoded_hands(circle.trained.model, path.points)
    middle = hand_positions(circle_poses(4)[0]).mean(axis=0)
    away = hands - middle
    within = np.hypot(away[:, 1], away[:, 2]) - RADIUS
    return float(1000.0 * np.hypot(within, away[:, 0]).max())


def _numbers(
    circles: list[Circle], lengths: list[CircleLengths], shown: list[dict[str, Curve]]
) -> list[Number]:
    paper = f"{_FIGURE_10[GEODESIC] / _FIGURE_10[STRAIGHT]:.2f}"
    ratios = [one.smoothed[GEODESIC] / one.smoothed[STRAIGHT] for one in lengths]
    plain = [one.plain[GEODESIC] / one.plain[STRAIGHT] for one in lengths]
    numbers = [
        Number(
            "Figure 10",
            "length over the straight line's, the pair shown",
            GEODESIC,
            paper,
            [one[GEODESIC].length / one[STRAIGHT].length for one in shown],
            at_most=0.5,
        ),
        Number(
            "Figure 10",
            f"the same, mean over {len(ratios[0])} pairs",
            GEODESIC,
            "-",
            [float(one.mean()) for one in ratios],
        ),
        Number(
            "Figure 10",
            "the same paths, their lengths without smoothing",
            GEODESIC,
            "-",
            [float(one.mean()) for one in plain],
        ),
        Number(
            "Table 4",
            f"noise learned, beside the data's {NOISE:g}",
            IWAE,
            "-",
            [one.trained.log[-1]["noise"] for one in circles],
        ),
    ]
    numbers += [
        Number(
            "Figure 9",
            "the hand's greatest distance from the circle, mm",
            name,
            DRAWN,
            [_off_the_circle(circle, one[name]) for circle, one in zip(circles, shown, strict=True)],
        )
        for name in (GEODESIC, STRAIGHT)
    ]
    return numbers


_NOTES = [
    "The paper names no arm: ours is a KUKA KR 6 R900; its hand keeps its orientation on an upright circle.",
    smoothing_note(),
    "Lengths depend on λ_s: only ratios can be compared with the paper's.",
    "Geodesics are searched on a graph in the data's convex hull; figures show them without corners.",
    "The likelihood's deviation is learned at the weights' pace, and does not come down to the data's noise.",
]
