"""The command ``reid experiment``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.console import complain, errors_in_one_line, tell
from reid.files import FileError
from reid.printing import print_out

if TYPE_CHECKING:
    from reid.experiments.report import Report

#: Experiments, and what each reproduces; "a-b" is the function ``run`` of ``reid.experiments.a_b``.
#: FMVAE is Chen et al., ICML 2020; the year 2018 stands for Chen et al., AISTATS 2018.
EXPERIMENTS = {
    "pendulum": "FMVAE, figures 1 and 2, with the ablations of figures 4 and 7",
    "mnist": "FMVAE, figures 8 and 9, table 1",
    "pendulum-2018": "2018, figures 1 to 4",
    "mnist-2018": "2018, figures 5 to 7",
    "robot-arm": "2018, figures 8 to 10",
    "human": "FMVAE, figures 3 to 7 and 11, table 1; needs CMU motion",
    "human-5d": "FMVAE, figure 13, table 3; needs CMU motion",
    "human-c2": "FMVAE, figure 12; needs CMU motion",
    "human-2018": "2018, figures 11 to 13; needs CMU motion",
    "mot16": "FMVAE, figure 10, what table 2 counts; needs MOT16 or other sequences with images",
}

_ALL = "all"
_LIST = "; ".join(f"{name} ({what})" for name, what in EXPERIMENTS.items())


def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{_LIST}; or {_ALL}.")],
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Where a folder of that name is made for everything.")
    ] = Path("results/experiments"),
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A few steps only, to see that it works: the numbers mean nothing."),
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="How many times each model is trained.")] = 3,
    data_root: Annotated[
        Path,
        typer.Option(metavar="DIR", envvar="VHP_DATA", help="Where the data are; not needed with --quick."),
    ] = Path("data"),
) -> None:
    """Train, measure and draw one of the papers' experiments, with the paper's numbers beside ours.

    It can be stopped with Ctrl-C at any time; the same command goes on.

    Example: reid experiment pendulum
    """
    from reid.experiments.request import Request
    from reid.objective import TrainingError

    with errors_in_one_line(TrainingError):
        if name not in (*EXPERIMENTS, _ALL):
            raise ValueError(f"unknown experiment {name!r}; known: {', '.join(EXPERIMENTS)}, {_ALL}")
        for chosen in EXPERIMENTS if name == _ALL else (name,):
            module = importlib.import_module(f"reid.experiments.{chosen.replace('-', '_')}")
            asked = Request(
                # What took hours is not to be replaced by a trial.
                output / (f"{chosen}-quick" if quick else chosen),
                data_root,
                quick,
                seeds=range(seeds),
                done=lambda what: tell(f"trained {what}"),
            )
            try:
                report: Report = module.run(asked)
            except FileError as error:
                if name != _ALL:
                    raise
                # Whoever has some of the data gets what can be had.
                complain(f"{chosen} left out: {error}")
                continue
            for number in () if quick else report.missed:
                complain(
                    f"{number.figure}, {number.model}: {number.quantity} {number.ours}, "
                    f"expected {number.expected}"
                )
            print_out(f"{report.title}: {asked.seconds:.0f} s -> {report.page}")
