"""The command ``reid experiment``."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.console import complain, errors_in_one_line

if TYPE_CHECKING:
    from reid.experiments.report import Report

#: Modules of ``reid.experiments``, each with a function ``run``.
EXPERIMENTS = ("pendulum",)

_ALL = "all"


def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{', '.join(EXPERIMENTS)}, or {_ALL}.")],
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Where a folder of that name is made for everything.")
    ] = Path("results/experiments"),
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A few steps only, to see that it works: the numbers mean nothing."),
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="How many times each model is trained.")] = 3,
) -> None:
    """Train, measure and draw one of the papers' experiments, with the paper's numbers beside ours.

    It can be stopped with Ctrl-C at any time; the same command goes on.

    Example: reid experiment pendulum
    """
    from reid.objective import TrainingError

    with errors_in_one_line(TrainingError):
        if name not in (*EXPERIMENTS, _ALL):
            raise ValueError(f"unknown experiment {name!r}; known: {', '.join(EXPERIMENTS)}, {_ALL}")
        for chosen in EXPERIMENTS if name == _ALL else (name,):
            started = time.monotonic()
            module = importlib.import_module(f"reid.experiments.{chosen}")
            report: Report = module.run(
                output / chosen,
                quick=quick,
                seeds=range(seeds),
                done=lambda what: typer.echo(f"trained {what}", err=True),
            )
            for number in () if quick else report.missed:
                complain(
                    f"{number.figure}, {number.model}: {number.quantity} {number.ours}, "
                    f"expected {number.expected}"
                )
            typer.echo(f"{report.title}: {time.monotonic() - started:.0f} s -> {report.page}")
