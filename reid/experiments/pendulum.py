"""The pendulum (FMVAE, 4.1, figures 1 and 2), with the ablations that the paper shows on human motion."""

from __future__ import annotations

import numpy as np

from reid.datasets.pendulum import NOISE, Pendulum, pendulum
from reid.experiments.figures import QUARTERS, LatentMap, draw_latent_maps, flatness_boxes
from reid.experiments.measures import Measures, measure
from reid.experiments.report import DRAWN, FMVAE_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.experiments.tables import MEDIAN, UPPER, Bounds, flatness_numbers
from reid.experiments.trainings import Trained, TrainingData, by_name
from reid.experiments.variants import FM, NO_IDENTITY, NO_MIXUP, VARIANTS, VHP

#: The 1,000 samples of figure 2 are drawn from as many images as this, which no model has seen.
_TEST_IMAGES, _POINTS = 2000, 1000


def run(asked: Request) -> Report:
    """Train the models on drawn pendulums, measure how flat each is, and draw."""
    quick = asked.quick
    images, test = pendulum(1500 if quick else 15_000), pendulum(400 if quick else _TEST_IMAGES, seed=1)
    trained = asked.train("pendulum", list(VARIANTS), TrainingData(images.images, NOISE, "image"))
    models = by_name(trained)
    points = 100 if quick else _POINTS
    measures = {
        name: [measure(one.model, test.noisy, {"image": test.images}, points) for one in several]
        for name, several in models.items()
    }
    report = asked.report("Pendulum", f"{FMVAE_PAPER}, section 4.1")
    _draw(report, models, measures, test, asked.map_side)
    report.numbers = _numbers(measures, trained[0].kappa)
    report.notes = _NOTES
    report.facts = {
        "images": f"{len(images)} for training, {len(test)} others for measuring",
        **asked.facts(trained, "images"),
    }
    report.write()
    return report


def _draw(
    report: Report,
    models: dict[str, list[Trained]],
    measures: dict[str, list[Measures]],
    test: Pendulum,
    side: int,
) -> None:
    """Draw the first seed's latent spaces, and all seeds' boxes."""
    maps = {
        name: LatentMap.of(name, models[name][0].model.decode, measures[name][0].latents, side)
        for name in VARIANTS
    }
    # The data nearest to these angles are the centres of the contours.
    centres = [int(np.abs(test.angles - angle).argmin()) for angle in (0.25 * np.pi, 1.25 * np.pi)]
    caption = (
        "Latents of unseen images, coloured by the pendulum's angle. Red: contours of equal distance in "
        "observation space (FMVAE, 6, along straight rays) around two of them, in equal steps. Grey: "
        "magnification factor, on one scale for all panels. Round, evenly spaced contours on an even "
        "ground mean G ∝ 1. Seed "
        f"{models[FM][0].seed}."
    )
    for name, title, shown in (
        ("figure-1", "Figure 1: latent representation", (FM, VHP)),
        ("figure-7", "As figure 7: the influence of mixup and of the identity term", (NO_MIXUP, NO_IDENTITY)),
    ):
        figure = draw_latent_maps([maps[model] for model in shown], test.angles, centres, "angle", QUARTERS)
        report.add_picture(figure, Picture(name, title, caption))
    for name, title, boxes in (
        ("figure-2", "Figure 2: condition number and normalised magnification factor", [FM, VHP]),
        ("figure-4", "As figure 4: the same with the ablations", list(VARIANTS)),
    ):
        some = {model: measures[model] for model in boxes}
        report.add_picture(*flatness_boxes(some, name, title, "the latents of unseen images"))
    report.pictures.sort(key=lambda picture: picture.name)


def _numbers(measures: dict[str, list[Measures]], kappa: float) -> list[Number]:
    bounds: dict[str, Bounds] = {FM: {MEDIAN: (None, 1.1), UPPER: (None, 1.3)}, VHP: {UPPER: (5.0, None)}}
    numbers = []
    for name, several in measures.items():
        figure = "Figure 2" if name in (FM, VHP) else "as Figure 4"
        paper = {FM: "close to 1 (box)", VHP: "above (box)"}.get(name, DRAWN)
        numbers += flatness_numbers(figure, name, paper, several, kappa, bounds.get(name))
    flat = measures[FM]
    mixup = [
        other.between.relative_deviation / one.between.relative_deviation
        for one, other in zip(flat, measures[NO_MIXUP], strict=True)
    ]
    spread = [other.spread / one.spread for one, other in zip(flat, measures[NO_IDENTITY], strict=True)]
    numbers += [
        Number("as Figure 7a", f"R̄ over that of {FM}", NO_MIXUP, DRAWN, mixup, at_least=20.0),
        Number("as Figure 7b", f"latent spread over that of {FM}", NO_IDENTITY, DRAWN, spread, at_least=3.0),
    ]
    return numbers


_NOTES = [
    "The encoder reads noisy images, the decoder is compared with clean ones, or κ is out of reach.",
    "β starts at 1e-6: the algorithm's printed β ≫ 1 collapses the posterior at once.",
    "The learning rate is higher than the paper's 1e-4 and falls to zero, so that minutes are enough.",
    "Figures 4 and 7 of the paper are of human motion; here are the same ablations of the pendulum.",
    "The paper draws box plots and prints no numbers for the pendulum; the bounds are this project's own.",
]
