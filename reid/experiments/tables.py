"""Rows of numbers that several experiments report: how flat, at what reconstruction, how straight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reid.experiments.measures import Measures
from reid.experiments.report import Number
from reid.geometry.graph import Geodesics

MEDIAN, UPPER = "condition number, median", "condition number, 90 % quantile"
MAGNIFICATION = "normalised magnification factor, deviation"
OBSERVATION, LATENT = "observation ratio, straight line / geodesic", "latent ratio, straight line / geodesic"
BELOW_CEILING = "… below the ceiling by"

#: The least and the most that a quantity should be.
Bounds = Mapping[str, tuple[float | None, float | None]]

_FREE = (None, None)

#: Where κ is printed; by the numbers of the version on arXiv, as those of table 3 and figure 13 are.
_SETTINGS_TABLE = "Table 4"

_OVER_PAIRS = "… deviation over the pairs"


def flatness_numbers(
    figure: str,
    name: str,
    paper: str,
    several: Sequence[Measures],
    kappa: float,
    bounds: Bounds | None = None,
    paper_kappa: float | None = None,
) -> list[Number]:
    """Condition numbers and magnification factors of a model, with the reconstruction they were reached at.

    Args:
        figure: the paper's number of the figure.
        name: of the model.
        paper: what the paper says of it.
        several: one for each seed.
        kappa: the reconstruction error that is allowed; flatness above it is worth nothing.
        bounds: by the quantity.
        paper_kappa: the paper's κ; None: the same.
    """
    between = [one.between for one in several]
    rows = {
        MEDIAN: (paper, [float(np.median(one.condition)) for one in between]),
        UPPER: (paper, [float(np.quantile(one.condition, 0.9)) for one in between]),
        "share of collapsed points": ("-", [one.clamped for one in between]),
        MAGNIFICATION: (paper, [float(one.magnification.std()) for one in between]),
        "R̄": ("-", [one.relative_deviation for one in between]),
        "latent spread": ("-", [one.spread for one in several]),
    }
    numbers = [
        Number(figure, quantity, name, printed, values, *(bounds or {}).get(quantity, _FREE))
        for quantity, (printed, values) in rows.items()
    ]
    reconstruction = Number(
        _SETTINGS_TABLE,
        f"RMSE, beside κ = {kappa:g}",
        name,
        f"≤ {paper_kappa or kappa:g}",
        [one.rmse for one in several],
        at_most=1.1 * kappa,
    )
    return [*numbers, reconstruction]


def ratio_numbers(
    table: str, name: str, paper: tuple[str, str], several: Sequence[Geodesics], bounds: Bounds | None = None
) -> list[Number]:
    """A model's distance ratios, with the latent ratio that the same graph finds in a flat space.

    Args:
        table: the paper's number of the table.
        name: of the model.
        paper: its ratios in observation and in latent space.
        several: shortest paths for each seed.
        bounds: by the quantity.
    """
    observation, latent, ceiling = (
        [getattr(one, kind) for one in several] for kind in ("observation_ratio", "latent_ratio", "ceiling")
    )
    rows = [
        (OBSERVATION, paper[0], [float(ratios.mean()) for ratios in observation]),
        (_OVER_PAIRS, "-", [float(ratios.std()) for ratios in observation]),
        (LATENT, paper[1], [float(ratios.mean()) for ratios in latent]),
        (_OVER_PAIRS, "-", [float(ratios.std()) for ratios in latent]),
        ("… flat ceiling of this graph", "not printed", [float(ratios.mean()) for ratios in ceiling]),
        (
            BELOW_CEILING,
            "-",
            [float(top.mean() - ratios.mean()) for top, ratios in zip(ceiling, latent, strict=True)],
        ),
    ]
    return [
        Number(table, quantity, name, printed, values, *(bounds or {}).get(quantity, _FREE))
        for quantity, printed, values in rows
    ]


def times_above(
    figure: str,
    quantity: str,
    flat: Sequence[Number],
    other: Sequence[Number],
    paper: str,
    at_least: float | None,
) -> Number:
    """How many times another model's quantity is that of the flat one, seed by seed."""
    (below,), (above,) = ([row for row in rows if row.quantity == quantity] for rows in (flat, other))
    values = [up / low for up, low in zip(above.values, below.values, strict=True)]
    return Number(figure, f"{quantity}, over that of {below.model}", above.model, paper, values, at_least)
