"""What the commands of ``reid`` share: choices, the progress line, and how mistakes are told."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

INTERRUPTED = 130


DeviceOption = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress line and no notes.")]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="WHAT",
        help="Or any footage: a video file, a folder of images, a pattern such as 'shots/*.jpg'. Goes with "
        "--detections or --detector. May be given several times.",
    ),
]
DetectionsOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Text file with the boxes in a source, in MOTChallenge's format; one for each source.",
    ),
]
DetectorOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What finds the boxes in the sources: any YOLO-style .onnx file, or one of torchvision's "
        "detectors, such as fasterrcnn_resnet50_fpn_v2.",
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--detector-weights",
        metavar="FILE",
        help="Weights for one of torchvision's detectors.  [default: torchvision's own, downloaded once]",
    ),
]
ClassesOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="What the detector shall look for: names or numbers such as person,car; or all.  [default: "
        "person]",
    ),
]


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


def tell(text: str) -> None:
    """A line about how it goes; the work goes on where nobody reads it any more, as after ``| head``."""
    with suppress(OSError):
        typer.echo(text, err=True)


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
