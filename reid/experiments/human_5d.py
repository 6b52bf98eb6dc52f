"""Human motion in five dimensions (FMVAE, A.2.2: figure 13 and table 3)."""

from __future__ import annotations

from reid.experiments.distances import curve_geodesics, graph_geodesics
from reid.experiments.figures import flatness_boxes
from reid.experiments.motion_study import MEASURED_ON_ALL, NOT_SMOOTHED, Study
from reid.experiments.report import DRAWN, FMVAE_PAPER, Number, Report
from reid.experiments.request import Request
from reid.experiments.tables import MAGNIFICATION, MEDIAN, UPPER, flatness_numbers, ratio_numbers, times_above
from reid.experiments.variants import FM, VHP
from reid.geometry.network import GeodesicSettings

_PAPER_KAPPA = 0.03
_PRINTED = {FM: ("1.03 ± 0.16", "0.59 ± 0.11"), VHP: ("1.36 ± 0.27", "0.47 ± 0.14")}

#: Curves that are free to go anywhere are dear: fewer points on fewer of the pairs.
_CURVES, _CURVE_PAIRS = GeodesicSettings(samples=50, steps=150, fit_steps=50, candidates=4), 20
_QUICK_CURVES = GeodesicSettings(samples=20, steps=5, fit_steps=5, candidates=2)


def run(asked: Request) -> Report:
    """Train the models with five latents, measure how flat each is and how straight its geodesics, and draw.

    Raises:
        FileError: if there is no motion.
    """
    study = Study.conduct(asked, "human-5d", [FM, VHP])
    report = asked.report("Human motion in five dimensions", f"{FMVAE_PAPER}, on arXiv, appendix A.2.2")
    title = "Figure 13: condition number and normalised magnification factor"
    report.add_picture(*flatness_boxes(study.measures, "figure-13", title, "the latents"))
    report.numbers = [*_flatness(study), *_ratios(study)]
    study.finish(report, _NOTES)
    return report


def _flatness(study: Study) -> list[Number]:
    rows = {
        name: flatness_numbers(
            "Figure 13",
            name,
            "close to 1 (box)" if name == FM else "above (box)",
            several,
            study.kappa,
            paper_kappa=_PAPER_KAPPA,
        )
        for name, several in study.measures.items()
    }
    return [number for some in rows.values() for number in some] + [
        times_above("Figure 13", quantity, rows[FM], rows[VHP], DRAWN, at_least)
        for quantity, at_least in ((MEDIAN, None), (UPPER, 5.0), (MAGNIFICATION, 5.0))
    ]


def _ratios(study: Study) -> list[Number]:
    """On the paper's graph, whose ceiling is low in five dimensions, and by free curves, which have none."""
    numbers = []
    for name, several in study.models.items():
        graphs = [
            graph_geodesics(
                study.decoder(name, place), study.latents(name, place), study.pairs, nodes=study.graph_nodes
            )
            for place in range(len(several))
        ]
        numbers += ratio_numbers("Table 3", name, _PRINTED[name], graphs)
    settings = _QUICK_CURVES if study.asked.quick else _CURVES
    for name, several in study.models.items():
        curves = [
            curve_geodesics(
                study.decoder(name, place), study.latents(name, place), study.pairs[:_CURVE_PAIRS], settings
            )
            for place in range(len(several))
        ]
        numbers.append(
            Number(
                "as Table 3",
                "observation ratio, straight line / free curve",
                name,
                "not printed",
                [float((one.straight / one.lengths).mean()) for one in curves],
            )
        )
    return numbers


_NOTES = [
    MEASURED_ON_ALL,
    "The paper gives no settings for five dimensions; they are those of two, with its η.",
    "κ is 0.05, as with two latents, not the paper's 0.03: 2,000 steps led to 0.045 rad.",
    "K is 8, not 32, which takes three times as long.",
    "c is 1: with the mean of G's diagonal in the batch the latent space grew, to condition numbers of 136.",
    "Paths on the paper's graph in five dimensions are too long even in a flat space: see its ceiling.",
    f"The free curves are small networks (Chen et al. 2018) between the first {_CURVE_PAIRS} pairs.",
    NOT_SMOOTHED,
]
