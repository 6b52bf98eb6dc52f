"""What c² is for, seen on human motion: the batch's mean against a fixed one (FMVAE, A.2: figure 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reid.experiments.figures import COLOURS, PAGE, STYLE
from reid.experiments.motion_study import MEASURED_ON_ALL, Study
from reid.experiments.report import DRAWN, FMVAE_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.experiments.tables import UPPER, flatness_numbers, times_above
from reid.experiments.trainings import Trained
from reid.experiments.variants import BATCH_C, UNIT_C

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIGURE = "Figure 12"

#: Where the paper's R̄ and reconstruction error are in a training's log.
_ERROR, _DEVIATION = "average_rmse", "relative_deviation"


def run(asked: Request) -> Report:
    """Train the models with and without a fixed c, compare how they converge, and draw.

    Raises:
        FileError: if there is no motion.
    """
    study = Study.conduct(asked, "human", [BATCH_C, UNIT_C])
    report = asked.report("Human motion, c²", f"{FMVAE_PAPER}, appendix A.2")
    report.add_picture(
        draw_convergence(study.models, study.kappa),
        Picture(
            "figure-12",
            f"{_FIGURE}: the influence of c²",
            "Left: reconstruction error in the course of the training, dotted: κ. Right: relative "
            "deviation R̄ = ‖G − c²𝟙‖² / (c⁴ N) with c² = tr G / N, 0 where the space is flat. "
            "One line for each seed.",
        ),
    )
    report.numbers = _numbers(study)
    study.finish(report, _NOTES)
    return report


def steps_until(log: Sequence[Mapping[str, float]], kappa: float) -> float:
    """The step at which the reconstruction error first came down to κ; the last one if it never did."""
    return next((entry["step"] for entry in log if entry[_ERROR] <= kappa), log[-1]["step"])


def draw_convergence(models: Mapping[str, Sequence[Trained]], kappa: float) -> Figure:
    """Reconstruction error and flatness over the steps.

    Args:
        models: by their names, one for each seed.
        kappa: the reconstruction error that is allowed.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 2.4), layout="constrained")
        panels: Any = figure.subplots(1, 2)
        for axes, key, label in zip(
            panels,
            (_ERROR, _DEVIATION),
            ("reconstruction error (RMSE)", r"relative deviation $\bar R$"),
            strict=True,
        ):
            for (name, several), colour in zip(models.items(), COLOURS, strict=False):
                for place, one in enumerate(several):
                    axes.plot(
                        [entry["step"] for entry in one.log],
                        [entry[key] for entry in one.log],
                        color=colour,
                        linewidth=0.9,
                        label=None if place else name,
                    )
            axes.set(xlabel="step", ylabel=label, yscale="log", xlim=(0, None))
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
        panels[0].axhline(kappa, color="black", linewidth=0.6, linestyle=":")
        panels[0].legend(frameon=False)
    return figure


def _numbers(study: Study) -> list[Number]:
    flat = {
        name: flatness_numbers(_FIGURE, name, "-", several, study.kappa)
        for name, several in study.measures.items()
    }
    numbers = [
        Number(
            _FIGURE,
            "steps until the reconstruction error is κ",
            name,
            "fewer with the mean" if name == BATCH_C else DRAWN,
            [steps_until(one.log, study.kappa) for one in several],
        )
        for name, several in study.models.items()
    ]
    numbers += [row for rows in flat.values() for row in rows]
    return [*numbers, times_above(_FIGURE, UPPER, flat[BATCH_C], flat[UNIT_C], DRAWN, None)]


_NOTES = [
    MEASURED_ON_ALL,
    "The paper draws curves without saying of what; these are the two that its objective trades.",
    "The printed regulariser grows with c⁴: with c = 1, not the mean's 0.3, it is a hundred times stronger.",
    "κ, K, β and the learning rate are those of the experiment 'human', for the reasons given there.",
]
