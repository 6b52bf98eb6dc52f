"""The command ``track``."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

from reid.descriptor import Descriptor, DescriptorError, DescriptorProtocol
from reid.files import FileError
from tracker.config import CONFIG_FOLDERS, SettingsError, load_config
from tracker.motchallenge import SequenceInfo, find_sequences
from tracker.pipeline import Report, SequenceRun, Stored, track_sequence
from tracker.results import ResultWriter
from tracker.sinks import Sink, SinkError
from tracker.sources import SourceError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_INTERRUPTED = 130


class Format(enum.StrEnum):
    """What ``--format`` takes."""

    mot = "mot"
    csv = "csv"
    jsonl = "jsonl"


def _known_trackers() -> str:
    return ", ".join(sorted({path.stem for folder in CONFIG_FOLDERS for path in folder.glob("*.yaml")}))


@app.command(no_args_is_help=True)
def track(
    seq: Annotated[
        list[str],
        typer.Option(
            "--seq",
            metavar="NAME",
            help="Sequence to track: a name below the data root, a pattern such as 'MOT16-*', or a folder. "
            "May be given several times.",
        ),
    ],
    data_root: Annotated[
        Path, typer.Option(envvar="VHP_DATA", help="Folder that the sequences are somewhere below.")
    ] = Path("data"),
    tracker: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"How to track: {_known_trackers()}, or a YAML file of your own."),
    ] = "deepsort",
    descriptor: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What people look like, so that they are known again after an occlusion. file: the vectors "
            "stored with the detections. none: go by position only. auto: file if there are any, else none. "
            "From the images: fmvae-small (learnt without labels, ships), histogram (colours, not learnt), "
            "the folder of a 'reid train', or any re-ID network as an .onnx file.",
        ),
    ] = "auto",
    detections: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Boxes to track: a .txt or .npy file, or the name of one in the sequence's det folder "
            "(poi, frcnn …). Without it the most promising one is taken.",
        ),
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(metavar="X", help="Ignore detections with a lower score.")
    ] = None,
    nms: Annotated[
        float | None,
        typer.Option(metavar="X", help="Ignore boxes of which a better one covers more than this share."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change any setting of the tracker, for example lifecycle.max_age=60 or "
            "stages.overlap.threshold=0.5. May be given several times.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Result file, or a folder that gets one file for each sequence.  [default: results/TRACKER]",
        ),
    ] = None,
    fmt: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="mot: MOTChallenge's text format. csv and jsonl also say which detection each box came "
            "from.  [default: by the name of the result file, else mot]",
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Also make a video with boxes, ids and trails drawn in (predicted boxes dashed): an .mp4 or "
            ".avi file, or a folder that gets one for each sequence.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Also make a page that shows who was there when, what they looked like, who could be mixed "
            "up and, where there is ground truth, every identity switch: an .html file, or a folder that "
            "gets one for each sequence.",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Show it in a window meanwhile; q or Esc stops.")
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Where the descriptor's network runs: auto, cpu, cuda, mps.")
    ] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no notes.")] = False,
) -> None:
    """Follow people, or anything else that was detected, through a video.

    Reads the boxes that a detector found in every frame and gives each person one number for as long as he
    or she is in the picture. The result is a text file with one line for each person and frame.

    Example: track --seq MOT16-02 --data-root data
    """
    console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    try:
        looks = _descriptor(descriptor, device)
        changes = _all_overrides(overrides or [], min_confidence, nms)
        settings = load_config(tracker, [*_calibration(looks, tracker), *changes])
        sequences = find_sequences(seq, data_root)
        suffix = ".txt" if fmt in (None, Format.mot) else f".{fmt}"
        name = Path(tracker).stem
        targets = _targets(sequences, output or Path("results") / name, suffix)
        sinks = _sinks(sequences, name, video, report, show=show)
    except (SettingsError, FileError, DescriptorError, SinkError) as error:
        _complain(error)
        raise typer.Exit(1) from error
    failed = 0
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        FramesPerSecond(),
        TimeLeft(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        for sequence, target, extras in zip(sequences, targets, sinks, strict=True):
            bar = progress.add_task(sequence.name, total=sequence.length)

            def begin(run: SequenceRun) -> None:
                for note in run.notes:
                    console.print(f"note: {note}")

            try:
                outcome = track_sequence(
                    sequence,
                    settings,
                    target,
                    detections=detections,
                    descriptor=looks,
                    fmt=None if fmt is None else fmt.value,
                    sinks=extras,
                    begin=begin,
                    advance=lambda number, bar=bar: progress.update(bar, completed=number),  # type: ignore[misc]
                )
            except (FileError, SourceError) as error:
                _complain(error)
                failed += 1
            except KeyboardInterrupt:
                done = int(progress.tasks[bar].completed)
                places = [ResultWriter(target).partial_path, *(sink.kept for sink in extras if sink.kept)]
                kept = f"; what was tracked is in {', '.join(map(str, places))}" if done else ""
                _complain(f"stopped after {done} of {sequence.length} frames of {sequence.name}{kept}")
                raise typer.Exit(_INTERRUPTED) from None
            else:
                typer.echo(_in_words(outcome, extras))
            progress.remove_task(bar)
    if failed:
        raise typer.Exit(1)


def _descriptor(choice: str, device: str) -> Stored | DescriptorProtocol:
    """The stored vectors that are meant, or the descriptor that makes them from the images."""
    stored = get_args(Stored)
    if choice in stored:
        return cast(Stored, choice)
    try:
        return Descriptor.load(choice, device)
    except DescriptorError as error:
        raise DescriptorError(f"{error}; without a network: {', '.join(stored)}") from error


def _calibration(descriptor: Stored | DescriptorProtocol, tracker: str) -> list[str]:
    """A descriptor brings its own metric and threshold; what the user sets comes later and wins."""
    if isinstance(descriptor, str):
        return []
    stages = load_config(tracker).stages
    thresholds = [
        f"stages.{position}.threshold={descriptor.threshold}"
        for position, stage in enumerate(stages)
        if stage.cost == "appearance"
    ]
    return [f"memory.metric={descriptor.metric}", *thresholds]


def _all_overrides(given: list[str], min_confidence: float | None, nms: float | None) -> list[str]:
    short = {"detections.min_confidence": min_confidence, "detections.nms": nms}
    return [*given, *(f"{key}={value}" for key, value in short.items() if value is not None)]


def _targets(sequences: list[SequenceInfo], output: Path, suffix: str) -> list[Path]:
    """The file of each sequence: the one that is named, or one in the folder that is named."""
    if output.suffix and not output.is_dir():
        if len(sequences) > 1:
            raise FileError(
                f"{output}: {len(sequences)} sequences cannot go into one file; expected a folder"
            )
        return [output]
    owners: dict[Path, SequenceInfo] = {}
    for sequence in sequences:
        target = output / f"{sequence.name}{suffix}"
        if (owner := owners.setdefault(target, sequence)) is not sequence:
            raise FileError(
                f"{target}: would be the result of {owner.folder} and of {sequence.folder}; "
                f"expected different names, or one at a time"
            )
    return list(owners)


def _sinks(
    sequences: list[SequenceInfo], tracker: str, video: Path | None, report: Path | None, *, show: bool
) -> list[list[Sink]]:
    """What else is made of each sequence."""
    sinks: list[list[Sink]] = [[] for _ in sequences]
    # Drawing needs libraries that take a while to load; tracking alone does without.
    if video is not None:
        from tracker.video import VideoSink

        for own, path in zip(sinks, _targets(sequences, video, ".mp4"), strict=True):
            own.append(VideoSink(path))
    if report is not None:
        from tracker.report import ReportSink

        for own, path in zip(sinks, _targets(sequences, report, ".html"), strict=True):
            own.append(ReportSink(path, tracker))
    if show:
        from tracker.video import WindowSink

        window = WindowSink()
        for own in sinks:
            own.append(window)
    return sinks


def _in_words(report: Report, sinks: list[Sink]) -> str:
    speed = report.frames / max(report.seconds, 1e-9)
    appearance = f"appearance from {report.appearance}" if report.appearance else "no appearance"
    files = [report.result, *(sink.path for sink in sinks if sink.path)]
    return (
        f"{report.sequence}: {report.identities} identities in {report.frames} frames, {speed:,.0f} frames/s "
        f"(detections {report.detections.name}, {appearance}) -> {', '.join(map(str, files))}"
    )


def _complain(problem: object) -> None:
    typer.echo(f"track: {problem}", err=True)


class FramesPerSecond(ProgressColumn):
    """How fast it goes."""

    def render(self, task: Task) -> Text:
        """The speed of the last seconds."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} frames/s")


def main() -> None:
    """Run the command, and let an unforeseen error end with its own traceback."""
    sys.exit(app())


if __name__ == "__main__":
    main()
