"""Figures that several experiments share, in one style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.crops import evenly_spaced
from reid.experiments.measures import Measures
from reid.experiments.report import Picture
from reid.geometry.contours import ray_field
from reid.geometry.curves import straight_lengths
from reid.geometry.metric import Decode, eigenvalues, log_magnification, metric_tensors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
}

#: A column and a page of the journal, in inches.
COLUMN, PAGE = 3.4, 7.0

#: One colour for each model, the same in all figures; told apart without colour vision too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")

RED = "#c1272d"

#: Of a colour bar for angles.
QUARTERS = {0.0: "0°", 0.5 * np.pi: "90°", np.pi: "180°", 1.5 * np.pi: "270°", 2.0 * np.pi: "360°"}

#: Pieces in which a straight line to a datum is measured.
_CHORDS = 50


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The square of the latent plane around some data.

    Attributes:
        name: of the model.
        decode: its decoder.
        latents: (n, 2) of the data.
        x: (side, side) first latent of the points of a grid.
        y: (side, side) second latent.
        magnification: (side, side) magnification factor there, over its mean at the data.
    """

    name: str
    decode: Decode
    latents: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    magnification: NDArray[np.float64]

    @classmethod
    def of(
        cls, name: str, decode: Decode, latents: NDArray[np.float64], side: int = 100, margin: float = 0.15
    ) -> LatentMap:
        """Compute a map on ``side`` × ``side`` points, with a margin around the data on every side."""
        low, high = latents.min(axis=0), latents.max(axis=0)
        half = (0.5 + margin) * (high - low).max()
        x, y = np.meshgrid(
            *(np.linspace(middle - half, middle + half, side) for middle in 0.5 * (low + high))
        )
        # From all of the data, which may be stored movement by movement.
        there = _log_magnification(decode, latents[evenly_spaced(len(latents), 1000)])
        everywhere = _log_magnification(decode, np.stack([x.ravel(), y.ravel()], axis=1))
        # In logarithms, where the mean of the factors is a log-sum.
        mean = float(np.logaddexp.reduce(there) - np.log(len(there)))
        return cls(name, decode, latents, x, y, np.exp(everywhere - mean).reshape(x.shape))


def draw_latent_maps(
    maps: Sequence[LatentMap],
    colours: NDArray[np.float64],
    centres: Sequence[int],
    colour_label: str,
    colour_ticks: Mapping[float, str],
    levels: int = 8,
) -> Figure:
    """Latent planes side by side (FMVAE, figures 1, 3, 7, 8).

    Args:
        maps: one for each model; the grey scale is the same for all.
        colours: (n,) a value of each datum, on a circle.
        centres: numbers of the data around which contours of equal distance are drawn.
        colour_label: what the colours mean.
        colour_ticks: values named at the colour bar.
        levels: contours around each centre.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    brightest = max(float(np.quantile(one.magnification, 0.99)) for one in maps)
    with rc_context(STYLE):
        width = PAGE if len(maps) > 1 else COLUMN
        figure = Figure(figsize=(width, 0.9 * width / max(2, len(maps))), layout="constrained")
        panels = figure.subplots(1, len(maps), squeeze=False)[0]
        for axes, one in zip(panels, maps, strict=True):
            grey = axes.pcolormesh(
                one.x, one.y, one.magnification, cmap="Greys", vmin=0, vmax=brightest, rasterized=True
            )
            points = axes.scatter(*one.latents.T, c=colours, s=3, cmap="hsv", linewidths=0, rasterized=True)
            for centre in centres:
                draw_contours(axes, one, one.latents[centre], levels)
        frame_panels(panels, maps)
        bar = figure.colorbar(grey, ax=panels, pad=0.01, aspect=30)
        bar.set_label("magnification factor over its mean at the data")
        bar = figure.colorbar(points, ax=panels, pad=0.01, aspect=30)
        bar.set_label(colour_label)
        bar.set_ticks(list(colour_ticks), labels=list(colour_ticks.values()))
    return figure


def frame_panels(panels: Sequence[Axes], maps: Sequence[LatentMap]) -> None:
    """Titles, with letters where there are several panels, axes and limits."""
    for axes, one, letter in zip(panels, maps, "abcdefgh", strict=False):
        title = f"({letter}) {one.name}" if len(maps) > 1 else one.name
        axes.set(title=title, aspect="equal", xlabel="$z_1$")
        axes.set(xlim=(one.x.min(), one.x.max()), ylim=(one.y.min(), one.y.max()))
    panels[0].set_ylabel("$z_2$")


def draw_contours(axes: Axes, one: LatentMap, centre: NDArray[np.float64], levels: int) -> None:
    """Lines of equal distance in equal steps, as far as half-way to the remotest data."""
    here = np.repeat(centre[None], len(one.latents), axis=0)
    farthest = straight_lengths(one.decode, here, one.latents, _CHORDS).max()
    corner = np.hypot(one.x - centre[0], one.y - centre[1]).max()
    field = ray_field(one.decode, centre, corner)
    steps = np.linspace(0.0, 0.5 * farthest, levels + 1)[1:]
    axes.contour(field.x, field.y, field.distances, levels=steps, colors=RED, linewidths=0.6)
    axes.plot(*centre, marker="o", markersize=3.5, color=RED, markeredgecolor="white", markeredgewidth=0.5)


def flatness_boxes(
    measures: Mapping[str, Sequence[Measures]], name: str, title: str, latents: str
) -> tuple[Figure, Picture]:
    """Condition numbers and magnification factors, and how to read them (FMVAE, figures 2, 4, 9, 13).

    Args:
        measures: by the model's name, one for each seed.
        name: of the picture.
        title: of the picture.
        latents: between which latents it was measured.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    between = {model: [one.between for one in several] for model, several in measures.items()}
    boxes = {
        "condition number": {model: [one.condition for one in several] for model, several in between.items()},
        "normalised magnification factor": {
            model: [one.magnification for one in several] for model, several in between.items()
        },
    }
    with rc_context(STYLE):
        figure = Figure(figsize=(0.8 * PAGE, 2.4), layout="constrained")
        panels: Any = figure.subplots(1, 2)
        for axes, (quantity, values) in zip(panels, boxes.items(), strict=True):
            _draw_boxes(axes, values)
            axes.set(title=quantity, yscale="log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.axhline(1.0, color="black", linewidth=0.6, linestyle=":", zorder=0)
    count = len(next(iter(between.values()))[0].condition)
    caption = (
        f"At {count:,} points between and beyond {latents} (mixup with α₀ = 0.2); one box for each seed, "
        "whiskers at 5 % and 95 %. Both are 1 where G ∝ 1."
    )
    return figure, Picture(name, title, caption)


def _draw_boxes(axes: Axes, groups: Mapping[str, Sequence[NDArray[np.float64]]]) -> None:
    for place, (samples, colour) in enumerate(zip(groups.values(), COLOURS, strict=False)):
        width = 0.7 / len(samples)
        boxes = axes.boxplot(
            list(samples),
            positions=place + width * (np.arange(len(samples)) - 0.5 * (len(samples) - 1)),
            widths=0.8 * width,
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            medianprops={"color": "black", "linewidth": 0.8},
            whiskerprops={"linewidth": 0.6},
            capprops={"linewidth": 0.6},
        )
        for box in boxes["boxes"]:
            box.set(facecolor=colour, alpha=0.75, linewidth=0.6)
    axes.set_xticks(range(len(groups)), [name.replace(" ", "\n") for name in groups])


def _log_magnification(decode: Decode, points: NDArray[np.float64]) -> NDArray[np.float64]:
    values, _ = eigenvalues(metric_tensors(decode, torch.from_numpy(points)))
    found: NDArray[np.float64] = log_magnification(values).numpy()
    return found
