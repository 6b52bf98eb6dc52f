"""Handwritten digits (FMVAE, 4.3: figures 8 and 9, the digits' part of table 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reid.datasets.drawn_digits import drawn_digits
from reid.datasets.mnist import Mnist, load_mnist
from reid.experiments.class_maps import draw_class_maps
from reid.experiments.distances import graph_geodesics, random_pairs
from reid.experiments.figures import LatentMap, flatness_boxes
from reid.experiments.measures import Measures, measure
from reid.experiments.report import FMVAE_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.experiments.tables import (
    BELOW_CEILING,
    MAGNIFICATION,
    MEDIAN,
    OBSERVATION,
    UPPER,
    flatness_numbers,
    ratio_numbers,
    times_above,
)
from reid.experiments.trainings import Trained, TrainingData, by_name
from reid.experiments.variants import FM, VHP
from reid.geometry.graph import Geodesics

NAMES = (FM, VHP)
PART = "image"

#: The paper's 10,000 samples of figure 9, and its 100 pairs of table 1.
_POINTS, _PAIRS = 10_000, 100

#: What the paper prints in table 1: the ratios in observation and in latent space.
_TABLE_1 = {FM: ("1.01 ± 0.08", "0.92 ± 0.05"), VHP: ("1.13 ± 0.22", "0.70 ± 0.31")}

#: Classes around one digit of which each contours are drawn, and how many geodesics.
_CENTRES, _DRAWN_PATHS = (0, 1, 4, 6), 5

#: Dots of figure 8.
_DOTS = 2000

DIGIT_NAMES = [str(digit) for digit in range(10)]


def digits(asked: Request) -> Mnist:
    """The digits in the folder ``mnist``, downloaded if need be, or for a quick run some drawn ones."""
    if asked.quick:
        return Mnist(drawn_digits(1500).images, drawn_digits(400, seed=1), "drawn with OpenCV, not MNIST")
    return load_mnist(asked.data_root / "mnist", test=_POINTS)


def run(asked: Request) -> Report:
    """Train the models on digits, measure how flat each is and how long its geodesics are, and draw."""
    data = digits(asked)
    trained = asked.train("mnist", NAMES, TrainingData(data.training, 0.0, PART))
    models = by_name(trained)
    points, nodes = (100, 2000) if asked.quick else (_POINTS, 14_400)
    test = data.test.images
    measures = {
        name: [measure(one.model, test, {PART: test}, points) for one in several]
        for name, several in models.items()
    }
    pairs = random_pairs(len(test), 20 if asked.quick else _PAIRS)
    geodesics = {
        name: [
            graph_geodesics(model.model.decode, measured.latents, pairs, nodes=nodes)
            for model, measured in zip(models[name], measures[name], strict=True)
        ]
        for name in NAMES
    }
    report = asked.report("MNIST" + " (drawn digits)" * asked.quick, f"{FMVAE_PAPER}, section 4.3")
    _draw(report, models, measures, geodesics, data, asked.map_side)
    report.numbers = _numbers(measures, geodesics, trained[0].kappa)
    report.notes = _NOTES
    report.facts = {
        "digits": f"{len(data.training):,} for training, {len(test):,} others for measuring; {data.split}",
        **asked.facts(trained, "images"),
    }
    report.write()
    return report


def _draw(
    report: Report,
    models: dict[str, list[Trained]],
    measures: dict[str, list[Measures]],
    geodesics: dict[str, list[Geodesics]],
    data: Mnist,
    side: int,
) -> None:
    labels = data.test.labels[:_DOTS]
    maps = [
        LatentMap.of(name, models[name][0].model.decode, measures[name][0].latents[:_DOTS], side)
        for name in NAMES
    ]
    middles = [most_typical(maps[0].latents, labels, digit) for digit in _CENTRES]
    figure = draw_class_maps(
        maps, labels, DIGIT_NAMES, middles, [geodesics[name][0].paths[:_DRAWN_PATHS] for name in NAMES]
    )
    report.add_picture(
        figure,
        Picture(
            "figure-8",
            "Figure 8: latent representation",
            "Latents of unseen digits, coloured by class. Red: contours of equal distance in observation "
            "space (FMVAE, 6, along straight rays) around four of them, in equal steps. Black: shortest "
            "paths on the graph, beside the straight lines. Grey: magnification factor, on one scale for "
            f"both panels. Seed {models[FM][0].seed}.",
        ),
    )
    title = "Figure 9: condition number and normalised magnification factor"
    report.add_picture(*flatness_boxes(measures, "figure-9", title, "the latents of unseen digits"))


def most_typical(latents: NDArray[np.float64], labels: NDArray[np.int64], digit: int) -> int:
    """Number of the digit whose latent is nearest to the median of its class."""
    rows = np.flatnonzero(labels == digit)
    away = np.linalg.norm(latents[rows] - np.median(latents[rows], axis=0), axis=1)
    return int(rows[away.argmin()])


def _numbers(
    measures: dict[str, list[Measures]], geodesics: dict[str, list[Geodesics]], kappa: float
) -> list[Number]:
    flat = flatness_numbers("Figure 9", FM, "close to 1 (box)", measures[FM], kappa, {MEDIAN: (None, 1.2)})
    other = flatness_numbers("Figure 9", VHP, "above (box)", measures[VHP], kappa)
    ratios = {
        name: ratio_numbers("Table 1", name, _TABLE_1[name], geodesics[name], bounds)
        for name, bounds in ((FM, {OBSERVATION: (None, 1.03), BELOW_CEILING: (None, 0.03)}), (VHP, {}))
    }
    return [
        *flat,
        *other,
        times_above("Figure 9", UPPER, flat, other, "above (box)", 5.0),
        times_above("Figure 9", MAGNIFICATION, flat, other, "above (box)", 5.0),
        *ratios[FM],
        *ratios[VHP],
        times_above("Table 1", OBSERVATION, ratios[FM], ratios[VHP], "1.12", None),
    ]


_NOTES = [
    "κ bounds the root of the mean squared error per pixel; minimised is the Bernoulli cross-entropy.",
    "The reconstruction error reached stands beside every model: none is flat because it has collapsed.",
    "β starts at 1e-5: the algorithm's printed β ≫ 1 collapses the posterior at once.",
    "c is 1: with the mean of G's diagonal (13) the latent space grows, and the regulariser falls with c⁴.",
    "The learning rate is higher than the paper's 1e-4 and falls to zero, so that minutes are enough.",
    "The flat ceiling is the latent ratio that the same graph finds in a perfectly flat space.",
    "Binarised test images come without classes: each has that of the grey image it most likely came from.",
]
