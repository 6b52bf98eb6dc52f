"""Figures of (Chen et al. 2018): films, velocities and paths of geodesics beside straight lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reid.experiments.class_maps import draw_class_maps
from reid.experiments.figures import COLUMN, PAGE, RED, STYLE, LatentMap
from reid.experiments.interpolation import ALONG_DATA, GEODESIC, STRAIGHT, Curve
from reid.geometry.contours import DistanceField

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: One look for each kind of path, the same in all figures.
_LOOKS: dict[str, dict[str, Any]] = {
    GEODESIC: {"color": "#0072B2"},
    STRAIGHT: {"color": "#D55E00", "linestyle": (0, (3, 1.5))},
    ALONG_DATA: {"color": "#009E73", "linestyle": (0, (1, 1))},
}
_MARKERS = {GEODESIC: "o", STRAIGHT: "^", ALONG_DATA: "s"}


def draw_film(films: Mapping[str, NDArray[np.float64]], curves: Mapping[str, Curve]) -> Figure:
    """What is decoded along each curve, and how fast it changes (figures 1 and 5).

    Args:
        films: by the curve's name, images (F, height, width) at equal times from its start to its end.
        curves: by the same names.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 0.62 * len(films) + 1.5), layout="constrained")
        panels: Any = figure.subplots(len(films) + 1, 1, height_ratios=[1.0] * len(films) + [2.2])
        for axes, (name, images) in zip(panels, films.items(), strict=False):
            axes.imshow(_strip(images), cmap="gray_r", vmin=0.0, vmax=1.0, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.set_ylabel(name.replace(" ", "\n"), rotation=0, ha="right", va="center")
            axes.spines[:].set_visible(False)
        plot_velocities(panels[-1], curves)
    return figure


def draw_velocities(curves: Mapping[str, Curve]) -> Figure:
    """How fast the observation changes along curves (figure 10)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN, 2.0), layout="constrained")
        plot_velocities(figure.subplots(), curves)
    return figure


def draw_path_map(
    one: LatentMap,
    colours: NDArray[np.float64],
    curves: Mapping[str, Curve],
    colour_label: str,
    colour_ticks: Mapping[float, str],
) -> Figure:
    """Curves over the latent plane, whose data have a colour from a circle (figures 2 and 8)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(1.55 * COLUMN, 1.05 * COLUMN), layout="constrained")
        axes: Any = figure.subplots()
        brightest = float(np.quantile(one.magnification, 0.99))
        grey = axes.pcolormesh(
            one.x, one.y, one.magnification, cmap="Greys", vmin=0, vmax=brightest, rasterized=True
        )
        points = axes.scatter(*one.latents.T, c=colours, s=4, cmap="hsv", linewidths=0, rasterized=True)
        for name, path in curves.items():
            _outlined(axes, path.points, name)
        axes.set(aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
        axes.set(xlim=(one.x.min(), one.x.max()), ylim=(one.y.min(), one.y.max()))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=len(curves), frameon=False)
        figure.colorbar(grey, ax=axes, pad=0.02, aspect=30, label="magnification factor over its mean")
        bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=30, label=colour_label)
        bar.set_ticks(list(colour_ticks), labels=list(colour_ticks.values()))
    return figure


def draw_smoothing(
    factors: NDArray[np.float64], lengths: Mapping[str, NDArray[np.float64]], chosen: float
) -> Figure:
    """Mean length of paths over the strength of smoothing (figure 3).

    Args:
        factors: λ_s over the square of the metric tensor's mean eigenvalue, (S,).
        lengths: by the path's name, (S, P) of as many pairs.
        chosen: the factor that the other figures use.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN, 2.3), layout="constrained")
        axes: Any = figure.subplots()
        for name, values in lengths.items():
            mean = values.mean(axis=1)
            error = 1.96 * values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            axes.plot(factors, mean, label=name, linewidth=1.2, **_LOOKS[name])
            axes.fill_between(
                factors, mean - error, mean + error, color=_LOOKS[name]["color"], alpha=0.2, linewidth=0
            )
        axes.axvline(chosen, color="black", linewidth=0.6, linestyle=":")
        axes.set(xscale="log", yscale="log", ylabel="length")
        axes.set_xlabel(r"$\lambda_s$ over the squared mean eigenvalue of $G$")
        axes.legend(frameon=False)
    return figure


def draw_lengths_over_angles(
    angles: NDArray[np.float64], lengths: Mapping[str, NDArray[np.float64]]
) -> Figure:
    """Lengths of paths over the angle between their ends (figure 4).

    Args:
        angles: (P,) radians.
        lengths: by the path's name, (P,).
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN, 2.4), layout="constrained")
        axes: Any = figure.subplots()
        for name, values in lengths.items():
            axes.scatter(
                np.degrees(angles),
                values,
                s=9,
                marker=_MARKERS[name],
                color=_LOOKS[name]["color"],
                label=name,
                linewidths=0,
                alpha=0.8,
            )
        axes.set(xlabel="angle between the two pendulums", ylabel="length", xlim=(0, 183), ylim=(0, None))
        axes.set_xticks(range(0, 181, 45), [f"{angle}°" for angle in range(0, 181, 45)])
        axes.legend(frameon=False)
    return figure


def draw_equidistances(
    one: LatentMap,
    classes: NDArray[np.int64],
    names: Sequence[str],
    fields: Sequence[DistanceField],
    centres: Sequence[NDArray[np.float64]],
    levels: int = 8,
) -> Figure:
    """Lines of equal distance in observation space around some latents (figure 6).

    Args:
        one: the latent plane.
        classes: (n,) the class of each datum.
        names: of the classes.
        fields: shortest distances from each centre.
        centres: (2,) each.
        levels: lines around each centre.
    """
    figure = draw_class_maps([one], classes, names, [])
    axes = figure.axes[0]
    for field, centre in zip(fields, centres, strict=True):
        # As far as half of the plane is away: what lies beyond is crowded with lines of the rim.
        steps = np.linspace(0.0, np.median(field.distances), levels + 1)[1:]
        axes.contour(field.x, field.y, field.distances, levels=steps, colors=RED, linewidths=0.6)
        axes.plot(*centre, "o", markersize=4, color=RED, markeredgecolor="white", markeredgewidth=0.5)
    return figure


def draw_hand_paths(circle: NDArray[np.float64], hands: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Where a robot's hand goes (figure 9).

    Args:
        circle: (n, 2) what it has been shown, metres.
        hands: by the path's name, (T, 2).
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN, 1.02 * COLUMN), layout="constrained")
        axes: Any = figure.subplots()
        axes.plot(*circle.T, color="0.75", linewidth=3.0, label="shown", zorder=0)
        for name, path in hands.items():
            axes.plot(*path.T, linewidth=1.4, label=name, **_LOOKS[name])
        (some, *_) = hands.values()
        axes.plot(*some[[0, -1]].T, "o", color="black", markersize=4)
        axes.set(aspect="equal", xlabel="$y_c$ (m)", ylabel="$z_c$ (m)")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=1 + len(hands), frameon=False)
    return figure


def plot_velocities(axes: Axes, curves: Mapping[str, Curve]) -> None:
    """Velocities over time, with a legend."""
    for name, path in curves.items():
        times = (np.arange(len(path.velocity)) + 0.5) / len(path.velocity)
        axes.plot(times, path.velocity, label=name, linewidth=1.2, **_LOOKS[name])
    axes.set(xlabel="time", ylabel=r"velocity $\phi$", xlim=(0.0, 1.0), ylim=(0.0, None))
    axes.legend(frameon=False)


def _outlined(axes: Axes, points: NDArray[np.float64], name: str) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.6, foreground="white")]
    axes.plot(*points.T, linewidth=1.4, label=name, path_effects=halo, **_LOOKS[name])


def _strip(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Images side by side, with a gap between them."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1)), constant_values=0.0)
    return np.concatenate(list(padded), axis=1)
