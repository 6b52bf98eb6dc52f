"""The command ``reid``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from reid.console import (
    INTERRUPTED,
    GraphFormat,
    MetricName,
    TableFormat,
    complain,
    errors_in_one_line,
    progress_bar,
)
from reid.experiments.cli import experiment
from reid.files import written_atomically

if TYPE_CHECKING:
    from reid.training.loop import Progress

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True
)

_DEFAULT_CONFIG = "fmvae"


DeviceOption = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress line and no notes.")]

_DESCRIPTOR_HELP = (
    "Folder of a finished training, a .safetensors or .onnx file, the name of a descriptor that ships, or "
    "histogram."
)


@app.callback()
def reid() -> None:
    """Learn, measure and use descriptors that know people again, without labels."""


@app.command()
def train(
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="What to learn from: a folder of crops, a Market-1501 style folder, a MOTChallenge sequence "
            "or one of its detection files. May be given several times.",
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to train and how: the name of a configuration, or a YAML file.  [default: fmvae; with "
            "--resume the run's own]",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where everything goes.  [default: runs/CONFIG]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the output folder, exactly.")
    ] = False,
    device: DeviceOption = "auto",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change any setting, for example optimiser.steps=20000. May be given several times.",
        ),
    ] = None,
    held_out: Annotated[
        int,
        typer.Option(
            min=0, help="Leave out the last N identities of Market-1501 style folders, for reid evaluate."
        ),
    ] = 0,
    quiet: QuietOption = False,
) -> None:
    """Train a descriptor on crops or footage; labels are neither needed nor read.

    It can be stopped with Ctrl-C at any time and gone on with by --resume. The outcome is a folder, whose
    descriptor.safetensors is what a tracker needs.

    Example: reid train --data crops/ --output runs/mine
    """
    from reid.objective import TrainingError

    with errors_in_one_line(TrainingError):
        from reid.training.run import CONFIG
        from reid.training.run import train as run_training
        from reid.training.settings import load_training

        folder = output or Path("runs") / Path(config or _DEFAULT_CONFIG).stem
        own = folder / CONFIG
        choice: str | Path = config or (own if resume and own.is_file() else _DEFAULT_CONFIG)
        settings = load_training(choice, overrides or [])
        with progress_bar(quiet, "crops/s") as bar:
            line = bar.add_task("reading crops", total=settings.optimiser.steps, speed=None)

            def report(progress: Progress) -> None:
                bar.update(
                    line,
                    completed=progress.step,
                    description=progress.words,
                    speed=progress.samples_per_second,
                )
                if bar.disable and not quiet and progress.numbers is not None:
                    # No terminal is there to draw on, but perhaps a log.
                    typer.echo(f"{progress.step}/{progress.steps} {progress.words}", err=True)

            outcome = run_training(
                settings,
                data or [],
                folder,
                resume=resume,
                device=device,
                held_out=held_out,
                report=report,
            )
        if not outcome.finished:
            complain(
                f"stopped after {outcome.step} of {settings.optimiser.steps} steps; go on with: reid train "
                f"--resume --output {folder} and the same data"
            )
            raise typer.Exit(INTERRUPTED)
        typer.echo(
            f"{outcome.step} steps on {outcome.crops} crops in {outcome.seconds / 60:.1f} minutes -> {folder}"
        )


@app.command()
def calibrate(
    descriptor: Annotated[str, typer.Argument(metavar="RUN_OR_FILE", help=_DESCRIPTOR_HELP)],
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="PATH",
            help="Footage: a MOTChallenge sequence or one of its detection files. May be given several "
            "times.",
        ),
    ],
    metric: Annotated[
        MetricName | None, typer.Option(help="Compare by this from now on.  [default: as before]")
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Find from which distance on two crops are two people, in footage without any label.

    Two boxes of one frame are two people; two boxes of one unambiguous tracklet are one. The threshold is
    stored with the descriptor, and a figure beside it.

    Example: reid calibrate runs/mine --data footage/shop
    """
    with errors_in_one_line():
        from reid.calibrating import calibrate_descriptor

        found = calibrate_descriptor(
            descriptor, data, metric=None if metric is None else metric.value, device=device
        )
        typer.echo(str(found.calibration))
        if found.stored is not None:
            typer.echo(f"-> {found.stored}, {found.plot}")


@app.command()
def evaluate(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help=f"Descriptors. {_DESCRIPTOR_HELP}"),
    ] = None,
    market: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Market-1501 style folder of labelled crops.")
    ] = None,
    sequence: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="MOTChallenge sequence with images and ground truth. May be given several times.",
        ),
    ] = None,
    held_out: Annotated[
        int, typer.Option(min=1, help="Test on the last N identities of the Market-1501 style folder.")
    ] = 100,
    flatness_points: Annotated[
        int, typer.Option(min=0, help="Measure the flatness of a training's latent space at N points.")
    ] = 64,
    fmt: Annotated[TableFormat, typer.Option("--format", help="How to write the table.")] = (
        TableFormat.markdown
    ),
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table there instead of to the screen.")
    ] = None,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Say how well descriptors know people again, beside references that need no learning.

    Example: reid evaluate runs/mine --market Market-1501/bounding_box_train --sequence MOT16/train/MOT16-09
    """
    with errors_in_one_line():
        from reid.evaluation.report import TestData, evaluate_descriptors

        console = Console(stderr=True, quiet=quiet, highlight=False)
        with console.status("reading crops") as status:
            report = evaluate_descriptors(
                runs or [],
                TestData(market, sequence or [], held_out),
                device=device,
                flatness_points=flatness_points,
                begin=lambda what: status.update(f"scoring {what}"),
            )
        text = report.text(fmt.value)
        if output is None:
            typer.echo(text, nl=False)
            return
        with written_atomically(output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
        typer.echo(f"{len(report.rows)} rows -> {output}")


@app.command()
def export(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Folder of a finished training, a .safetensors file, or the name of one that ships.",
        ),
    ],
    fmt: Annotated[GraphFormat, typer.Option("--format", help="What to write.")] = GraphFormat.onnx,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="[default: beside the descriptor]")
    ] = None,
) -> None:
    """Write a descriptor as one graph, from uint8 RGB crops (N, height, width, 3) to centred vectors.

    Example: reid export runs/mine --format onnx
    """
    with errors_in_one_line():
        from reid.descriptor import find_descriptor
        from reid.export import SUFFIXES, export_descriptor

        source = find_descriptor(run)
        target = output or source.with_suffix(SUFFIXES[fmt.value])
        difference = export_descriptor(source, target, fmt.value)
        typer.echo(f"{target}: computes the same to {difference:.1e} of a vector's length")


@app.command()
def embed(
    sequence: Annotated[Path, typer.Argument(metavar="SEQUENCE", help="MOTChallenge sequence with images.")],
    descriptor: Annotated[str, typer.Option(metavar="NAME", help=_DESCRIPTOR_HELP)],
    detections: Annotated[Path, typer.Option(metavar="FILE", help="Text file with the boxes to describe.")],
    output: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The .npy file to write: DeepSORT's columns, then the vectors."),
    ],
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Describe every detection of a sequence once, for track --detections FILE --descriptor file.

    Example: reid embed MOT16-09 --descriptor histogram --detections MOT16-09/det/det.txt --output out.npy
    """
    with errors_in_one_line():
        import numpy as np

        from reid.descriptor import Descriptor
        from reid.embedding import embed_sequence

        if output.suffix != ".npy":
            raise ValueError(f"{output}: expected the name of a .npy file")
        loaded = Descriptor.load(descriptor, device)
        with progress_bar(quiet, "frames/s") as bar:
            line = bar.add_task(sequence.name, total=None, speed=None)
            rows = embed_sequence(
                sequence,
                detections,
                loaded,
                lambda done, total: bar.update(line, completed=done, total=total),
            )
        with written_atomically(output) as unfinished:
            np.save(unfinished, rows, allow_pickle=False)
        seen = int(np.isfinite(rows[:, -1]).sum())
        typer.echo(
            f"{seen} of {len(rows)} detections described by {loaded.name}, {loaded.metric} threshold "
            f"{loaded.threshold:.4g} -> {output}"
        )


app.command()(experiment)


def main() -> None:
    """Run the command, and let an unforeseen error end with its own traceback."""
    sys.exit(app())


if __name__ == "__main__":
    main()
