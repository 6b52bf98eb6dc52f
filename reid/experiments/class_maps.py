"""Latent planes of data that fall into classes: movements, digits (FMVAE, figures 3, 7, 8, 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.experiments.figures import COLUMN, PAGE, STYLE, LatentMap, draw_contours, frame_panels
from reid.geometry.metric import metric_tensors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Paths = Sequence[NDArray[np.float64]]

#: As many colours as digits, told apart on the grey of the magnification factor.
CLASS_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9",
    "#F0E442", "#882255", "#44AA99", "#999933", "#332288",
)  # fmt: skip

_GEODESIC: dict[str, Any] = {"color": "black", "linewidth": 0.9}
_STRAIGHT: dict[str, Any] = {"color": "black", "linewidth": 0.8, "linestyle": (0, (2, 1.5))}


def draw_class_maps(
    maps: Sequence[LatentMap],
    classes: NDArray[np.int64],
    names: Sequence[str],
    centres: Sequence[int],
    geodesics: Sequence[Paths] | None = None,
    levels: int = 8,
) -> Figure:
    """Latent planes side by side.

    Args:
        maps: one for each model; the grey scale is the same for all.
        classes: (n,) the class of each datum.
        names: of the classes.
        centres: numbers of the data around which contours of equal distance are drawn.
        geodesics: for each model some paths, drawn beside the straight lines between their ends.
        levels: contours around each centre.
    """
    from matplotlib import rc_context

    brightest = max(float(np.quantile(one.magnification, 0.99)) for one in maps)
    with rc_context(STYLE):
        figure, panels = _panels(len(maps))
        for place, (axes, one) in enumerate(zip(panels, maps, strict=True)):
            grey = axes.pcolormesh(
                one.x, one.y, one.magnification, cmap="Greys", vmin=0, vmax=brightest, rasterized=True
            )
            _scatter(axes, one.latents, classes, names)
            for centre in centres:
                draw_contours(axes, one, one.latents[centre], levels)
            for path in geodesics[place] if geodesics else ():
                axes.plot(*path[[0, -1]].T, **_STRAIGHT)
                axes.plot(*path.T, **_GEODESIC)
        frame_panels(panels, maps)
        _legend(figure, names, bool(geodesics))
        bar = figure.colorbar(grey, ax=panels, pad=0.01, aspect=30)
        bar.set_label("magnification factor over its mean at the data")
    return figure


def draw_vector_fields(
    maps: Sequence[LatentMap], classes: NDArray[np.int64], names: Sequence[str], side: int = 24
) -> Figure:
    """How far the observation moves with each latent, as arrows (FMVAE, appendix A.1).

    An arrow's components are the lengths ‖∂f/∂z₁‖ and ‖∂f/∂z₂‖; where the space is flat all are the same.

    Args:
        maps: one for each model.
        classes: (n,) the class of each datum.
        names: of the classes.
        side: arrows along each axis.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, panels = _panels(len(maps))
        for axes, one in zip(panels, maps, strict=True):
            x, y = np.meshgrid(
                np.linspace(one.x.min(), one.x.max(), side + 2)[1:-1],
                np.linspace(one.y.min(), one.y.max(), side + 2)[1:-1],
            )
            points = torch.from_numpy(np.stack([x.ravel(), y.ravel()], axis=1))
            tensors = metric_tensors(one.decode, points)
            lengths = torch.diagonal(tensors, dim1=1, dim2=2).sqrt().numpy()
            _scatter(axes, one.latents, classes, names, alpha=0.25)
            # In units of the data's own mean, or the latent spaces' scales would be compared.
            lengths /= np.linalg.norm(lengths, axis=1).mean()
            axes.quiver(x, y, *lengths.T, angles="uv", scale=1.2 * side, width=0.003, pivot="mid")
        frame_panels(panels, maps)
        _legend(figure, names, with_paths=False)
    return figure


def _panels(count: int) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    # A single panel is drawn larger than a column is wide: a legend of ten classes belongs to it.
    width, share = (PAGE, 0.9 / count) if count > 1 else (1.4 * COLUMN, 0.85)
    figure = Figure(figsize=(width, share * width + 0.5), layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _scatter(
    axes: Axes,
    latents: NDArray[np.float64],
    classes: NDArray[np.int64],
    names: Sequence[str],
    alpha: float = 1.0,
) -> None:
    for number in range(len(names)):
        x, y = latents[classes == number].T
        axes.scatter(
            x,
            y,
            s=2.5,
            color=CLASS_COLOURS[number],
            linewidths=0,
            alpha=alpha,
            rasterized=True,
        )


def _legend(figure: Figure, names: Sequence[str], with_paths: bool) -> None:
    from matplotlib.lines import Line2D

    shown = [
        Line2D([], [], marker="o", linestyle="", markersize=4, color=colour, label=name)
        for name, colour in zip(names, CLASS_COLOURS, strict=False)
    ]
    if with_paths:
        shown.append(Line2D([], [], label="geodesic", **_GEODESIC))
        shown.append(Line2D([], [], label="straight line", **_STRAIGHT))
    # An entry takes up to three quarters of an inch.
    columns = min(len(shown), int(figure.get_figwidth() / 0.75))
    figure.legend(handles=shown, loc="outside lower center", ncols=columns, frameon=False)
