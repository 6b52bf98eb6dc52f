"""What the commands of ``reid`` share: choices, the progress line, and how mistakes are told."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

INTERRUPTED = 130


class MetricName(enum.StrEnum):
    """What ``--metric`` takes."""

    euclidean = "euclidean"
    cosine = "cosine"


class GraphFormat(enum.StrEnum):
    """What ``reid export --format`` takes."""

    onnx = "onnx"
    torchscript = "torchscript"
    torch_export = "torch-export"


class TableFormat(enum.StrEnum):
    """What ``reid evaluate --format`` takes."""

    markdown = "markdown"
    csv = "csv"
    json = "json"


class Speed(ProgressColumn):
    """How fast it goes, as the task says itself or else as the bar moves."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The speed of the last seconds."""
        speed = task.fields.get("speed") or task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._unit}")


def progress_bar(quiet: bool, unit: str) -> Progress:
    """A line with a description, a bar, the speed and the time left; nothing if no terminal is there."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Speed(unit),
        TimeLeft(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


@contextmanager
def errors_in_one_line(*kinds: type[Exception]) -> Iterator[None]:
    """What the user can put right becomes one line; all else keeps its traceback.

    Whatever is wrong with files, settings and data is a ValueError or an OSError in this package; ``kinds``
    are more of the like.
    """
    told: tuple[type[Exception], ...] = (ValueError, OSError, *kinds)
    try:
        yield
    except told as error:
        complain(error)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        complain("stopped")
        raise typer.Exit(INTERRUPTED) from None


def complain(problem: object) -> None:
    """Say in one line what is wrong."""
    typer.echo(f"reid: {problem}", err=True)
