"""The command ``reid``."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reid.console import (
    ClassesOption,
    DetectionsOption,
    DetectorOption,
    DeviceOption,
    GraphFormat,
    MetricName,
    QuietOption,
    SourceOption,
    TableFormat,
    WeightsOption,
    errors_in_one_line,
    progress_bar,
    tell,
)
from reid.experiments.cli import experiment
from reid.files import check_writable, refuse_overwriting, write_text, written_atomically
from reid.printing import print_out, print_what_can_be_shown
from reid.training.cli import train

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True
)

_DESCRIPTOR_HELP = (
    "Folder of a finished training, a .safetensors or .onnx file, the name of a descriptor that ships, or "
    "histogram."
)


@app.callback()
def reid() -> None:
    """Learn, measure and use descriptors that know people again, without labels."""


app.command()(train)


@app.command()
def calibrate(
    descriptor: Annotated[str, typer.Argument(metavar="RUN_OR_FILE", help=_DESCRIPTOR_HELP)],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Footage: a MOTChallenge sequence or one of its detection files. May be given several "
            "times.",
        ),
    ] = None,
    source: SourceOption = None,
    detections: DetectionsOption = None,
    detector: DetectorOption = None,
    detector_weights: WeightsOption = None,
    classes: ClassesOption = None,
    metric: Annotated[
        MetricName | None, typer.Option(help="Compare by this from now on.  [default: as before]")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a calibrated copy, a .safetensors file.  [default: change the descriptor itself; one "
            "that ships is not changed]",
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Find from which distance on two crops are two people, in footage without any label.

    Two boxes of one frame are two people; two boxes of one unambiguous tracklet are one. The threshold is
    stored with the descriptor, and a figure beside it.

    Example: reid calibrate runs/mine --data footage/shop

    Example: reid calibrate fmvae-small --data footage/shop --output shop.safetensors
    """
    with errors_in_one_line():
        from reid.calibrating import calibrate_descriptor
        from reid.datasets.footage import choose_footage

        footage = choose_footage(
            source or [],
            detections or [],
            detector,
            weights=detector_weights,
            classes=classes,
            device=device,
        )
        found = calibrate_descriptor(
            descriptor,
            [*(data or []), *footage],
            metric=None if metric is None else metric.value,
            output=output,
            device=device,
        )
        print_out(str(found.calibration))
        if found.stored is not None:
            print_out(f"-> {found.stored}, {found.plot}")


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
        from reid.descriptor import HISTOGRAM, find_descriptor
        from reid.evaluation.report import TestData, evaluate_descriptors

        if output is not None:
            weights = [find_descriptor(run) for run in runs or [] if run != HISTOGRAM]
            truth = [folder / "gt" / "gt.txt" for folder in sequence or []]
            refuse_overwriting([output], [*weights, *truth])
            check_writable(output)
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
            print_out(text, nl=False)
            return
        write_text(output, text)
        print_out(f"{len(report.rows)} rows -> {output}")


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
        Path | None,
        typer.Option(
            metavar="FILE",
            help="[default: beside the descriptor; of one that ships in the current folder]",
        ),
    ] = None,
) -> None:
    """Write a descriptor as one graph, from uint8 RGB crops (N, height, width, 3) to centred vectors.

    Example: reid export runs/mine --format onnx
    """
    with errors_in_one_line():
        from reid.descriptor import WEIGHTS_FOLDER, find_descriptor
        from reid.export import SUFFIXES, export_descriptor

        source = find_descriptor(run)
        beside = source.with_suffix(SUFFIXES[fmt.value])
        target = output or (Path(beside.name) if source.parent == WEIGHTS_FOLDER else beside)
        refuse_overwriting([target], [source])
        difference = export_descriptor(source, target, fmt.value)
        print_out(f"{target}: computes the same to {difference:.1e} of a vector's length")


@app.command()
def embed(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Footage: a MOTChallenge sequence with images, a video, or images.",
        ),
    ],
    descriptor: Annotated[str, typer.Option(metavar="NAME", help=_DESCRIPTOR_HELP)],
    detections: Annotated[Path, typer.Option(metavar="FILE", help="Text file with the boxes to describe.")],
    output: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The .npy file to write: DeepSORT's columns, then the vectors."),
    ],
    device: DeviceOption = "auto",
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep vectors, and take those that are known already.")
    ] = True,
    quiet: QuietOption = False,
) -> None:
    """Describe every detection once, for track --detections FILE --descriptor file and other programs.

    Example: reid embed MOT16-09 --descriptor histogram --detections MOT16-09/det/det.txt --output out.npy
    """
    with errors_in_one_line():
        import numpy as np

        from reid.descriptor import Descriptor
        from reid.embedding import embed_detections
        from reid.vectorcache import VectorCache

        if output.suffix != ".npy":
            raise ValueError(f"{output}: expected the name of a .npy file")
        refuse_overwriting([output], [detections])
        check_writable(output)
        loaded = Descriptor.load(descriptor, device)
        vectors = VectorCache() if cache else None
        with closing(vectors) if vectors else nullcontext(), progress_bar(quiet, "frames/s") as bar:
            line = bar.add_task(Path(source).name, total=None, speed=None)
            embedded = embed_detections(
                source,
                detections,
                loaded,
                cache=vectors,
                progress=lambda done, total: bar.update(line, completed=done, total=total),
            )
        if not quiet:
            for note in embedded.notes:
                tell(f"note: {note}")
        with written_atomically(output) as unfinished:
            np.save(unfinished, embedded.rows, allow_pickle=False)
        seen = int(np.isfinite(embedded.rows[:, -1]).sum())
        print_out(
            f"{seen} of {len(embedded.rows)} detections described by {loaded.name}, {loaded.metric} "
            f"threshold {loaded.threshold:.4g} -> {output}"
        )


app.command()(experiment)


def main() -> None:
    """Run the command, and let an unforeseen error end with its own traceback."""
    print_what_can_be_shown()
    sys.exit(app())


if __name__ == "__main__":
    main()
