"""Handwritten digits as in (Chen et al. 2018, 4.4): figures 5 to 7."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from reid.datasets.mnist import SIDE, Digits
from reid.experiments.class_maps import draw_class_maps
from reid.experiments.distances import random_pairs
from reid.experiments.figures import LatentMap
from reid.experiments.interpolation import (
    GEODESIC,
    NETWORK,
    QUICK_NETWORK,
    STRAIGHT,
    Curve,
    graph_paths,
    resampled,
    straight_and_geodesic,
)
from reid.experiments.interpolation_figures import draw_equidistances, draw_film
from reid.experiments.mnist import DIGIT_NAMES, PART, digits, most_typical
from reid.experiments.report import METRICS_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.experiments.trainings import Trained, TrainingData
from reid.experiments.variants import IWAE
from reid.geometry.contours import Grid
from reid.geometry.graph import Geodesics

_PAIRS, _SHOWN_DIGITS = 100, 2000

#: The two lengths of figure 5.
_FIGURE_5 = {GEODESIC: 62.9, STRAIGHT: 74.3}

#: Digits around which figure 6 draws lines of equal distance.
_CENTRES = (1, 7)

#: A point of the latent plane belongs to the class of most of so many nearest digits.
_VOTES = 15


def run(asked: Request) -> Report:
    """Train models on digits, compare geodesics with straight lines, and draw."""
    quick = asked.quick
    data = digits(asked)
    test = Digits(data.test.images[:_SHOWN_DIGITS], data.test.labels[:_SHOWN_DIGITS])
    trained = asked.train("mnist-2018", [IWAE], TrainingData(data.training, 0.0, PART))
    latents = [_encode(one, test) for one in trained]
    pairs = random_pairs(len(test), 20 if quick else _PAIRS)
    nodes = 1500 if quick else 14_400
    paths = [
        graph_paths(one.model.decode, where, pairs, nodes)
        for one, where in zip(trained, latents, strict=True)
    ]
    # The clearest pair of the first model: where the geodesic saves most.
    chosen = int(paths[0].observation_ratio.argmax())
    network = QUICK_NETWORK if quick else NETWORK
    guide = resampled(paths[0].paths[chosen], network.samples)
    shown = straight_and_geodesic(trained[0].model.decode, latents[0][pairs[chosen]], network, guide)
    report = asked.report("MNIST (2018)" + " (drawn digits)" * quick, f"{METRICS_PAPER}, section 4.4")
    _draw(report, trained[0], test, latents[0], shown, len(pairs), asked.map_side)
    report.numbers = _numbers(trained, test, latents, paths, shown)
    report.notes = _NOTES
    report.facts = {
        "digits": f"{len(data.training):,} for training, {len(test):,} others for measuring; {data.split}",
        **asked.facts(trained, "images"),
    }
    report.write()
    return report


def _encode(trained: Trained, test: Digits) -> NDArray[np.float64]:
    with torch.no_grad():
        found: NDArray[np.float64] = trained.model.encode(torch.from_numpy(test.images)).mean.double().numpy()
    return found


def _draw(
    report: Report,
    trained: Trained,
    test: Digits,
    latents: NDArray[np.float64],
    shown: dict[str, Curve],
    pairs: int,
    side: int,
) -> None:
    """Draw the first seed's figures."""
    decode, seed = trained.model.decode, trained.seed
    films = {name: path.film(decode).reshape(-1, SIDE, SIDE) for name, path in shown.items()}
    report.add_picture(
        draw_film(films, shown),
        Picture(
            "figure-5",
            "Figure 5: reconstructions along the geodesic and the straight line",
            f"Of {pairs} random pairs of unseen digits the one whose geodesic saves most. Below: velocity "
            f"(2018, 11). Seed {seed}.",
        ),
    )
    one = LatentMap.of(IWAE, decode, latents, side)
    low, high = (np.array([one.x.flat[end], one.y.flat[end]]) for end in (0, -1))
    grid = Grid(decode, low, high, side)
    centres = [latents[most_typical(latents, test.labels, digit)] for digit in _CENTRES]
    fields = [grid.field(centre) for centre in centres]
    report.add_picture(
        draw_equidistances(one, test.labels, DIGIT_NAMES, fields, centres),
        Picture(
            "figure-6",
            "Figure 6: lines of equal distance around two digits",
            "Shortest distances in observation space, over a grid, in equal steps. Grey: magnification "
            f"factor. Dots: unseen digits, coloured by class. Seed {seed}.",
        ),
    )
    report.add_picture(
        draw_class_maps([one], test.labels, DIGIT_NAMES, [], [[shown[GEODESIC].points]]),
        Picture(
            "figure-7",
            "Figure 7: geodesic and straight line in the latent space",
            f"The paths of figure 5. Seed {seed}.",
        ),
    )


def classes_crossed(
    path: NDArray[np.float64], latents: NDArray[np.float64], labels: NDArray[np.int64]
) -> int:
    """How many classes a path (T, 2) comes through, by its nearest digits' votes."""
    votes = labels[cKDTree(latents).query(path, min(_VOTES, len(latents)))[1]]
    return len({int(np.bincount(row).argmax()) for row in votes})


def _numbers(
    trained: list[Trained],
    test: Digits,
    latents: list[NDArray[np.float64]],
    paths: list[Geodesics],
    shown: dict[str, Curve],
) -> list[Number]:
    crossed = {GEODESIC: "2", STRAIGHT: "4"}
    return [
        Number(
            "Figure 5",
            "length, the pair shown",
            name,
            f"{_FIGURE_5[name]:g}",
            [shown[name].length],
        )
        for name in (GEODESIC, STRAIGHT)
    ] + [
        Number(
            "Figure 5",
            "length over the straight line's, the pair shown",
            GEODESIC,
            f"{_FIGURE_5[GEODESIC] / _FIGURE_5[STRAIGHT]:.2f}",
            [shown[GEODESIC].length / shown[STRAIGHT].length],
            at_most=1.0,
        ),
        Number(
            "Figure 5",
            f"the same on the graph, mean over {len(paths[0].observed)} pairs",
            GEODESIC,
            "-",
            [float((1.0 / one.observation_ratio).mean()) for one in paths],
            at_most=1.01,
        ),
        *(
            Number(
                "Figure 7",
                "classes crossed, the pair shown",
                name,
                crossed[name],
                [float(classes_crossed(path.points, latents[0], test.labels))],
            )
            for name, path in shown.items()
        ),
        Number(
            "Table 3",
            "bound on log p(x) at the end of training, nats",
            IWAE,
            "-",
            [one.log[-1]["log_likelihood_bound"] for one in trained],
        ),
    ]


_NOTES = [
    "The decoder's seven residual layers end in a sigmoid: its likelihood is Bernoulli.",
    "The metric tensor is not smoothed here; the paper does so for the pendulum.",
    "Lengths depend on how sharp the decoded digits are, and so on how long the model is trained.",
    "The learning rate is higher than the paper's 1e-4 and falls to zero, so that minutes are enough.",
]
