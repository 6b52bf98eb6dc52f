"""The command ``track``."""

from __future__ import annotations

import enum
import signal
import sys
from collections.abc import Iterable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

from reid.descriptor import DescriptorError, default_descriptor, shipped_descriptors
from reid.detectors import DetectorError
from reid.files import FileError, refuse_overwriting
from reid.footage.frames import SourceError
from reid.printing import print_out, print_what_can_be_shown
from reid.vectorcache import VectorCache
from tracker.boxsource import BoxSource, open_boxes
from tracker.config import CONFIG_FOLDERS, SettingsError, calibrated_config, load_config
from tracker.jobs import (
    RESULTS,
    all_overrides,
    check_choice,
    detected_boxes,
    files_made,
    how_far,
    sequence_jobs,
    sinks_of,
    source_jobs,
    targets_of,
)
from tracker.looks import Looks, remarks
from tracker.motchallenge import SequenceInfo, chosen_detections
from tracker.pipeline import Report, track_sequence
from tracker.sinks import Sink, SinkError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_INTERRUPTED = 130
# What the user can put right is told in one line.
_TOLD = (DescriptorError, DetectorError, FileError, SettingsError, SinkError, SourceError)


class Format(enum.StrEnum):
    """What ``--format`` takes."""

    mot = "mot"
    csv = "csv"
    jsonl = "jsonl"


def _known_trackers() -> str:
    return ", ".join(sorted({path.stem for folder in CONFIG_FOLDERS for path in folder.glob("*.yaml")}))


@app.command(no_args_is_help=True)
def track(
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="WHAT",
            help="What to track: a video file, a folder of images or a pattern such as 'shots/*.jpg', a "
            "camera (0 or /dev/video0), the address of a stream. Goes with --detector or --detections. May "
            "be given several times.",
        ),
    ] = None,
    seq: Annotated[
        list[str] | None,
        typer.Option(
            "--seq",
            metavar="NAME",
            help="Or a MOTChallenge sequence: a name below the data root, a pattern such as 'MOT16-*', or a "
            "folder. May be given several times.",
        ),
    ] = None,
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
            "stored with the detections. none: go by position only. From the images: "
            f"{', '.join(shipped_descriptors())} (learnt without labels, comes along), histogram (colours, "
            "not learnt), the folder of a 'reid train', or any re-ID network as an .onnx file. auto: file if "
            f"there are such vectors, else {default_descriptor()} if there are images, else none.",
        ),
    ] = "auto",
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What finds the boxes to track: any YOLO-style .onnx file, or one of torchvision's "
            "detectors, such as fasterrcnn_resnet50_fpn_v2.",
        ),
    ] = None,
    detector_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights for one of torchvision's detectors.  [default: torchvision's own, downloaded once]",
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="What the detector shall look for: names or numbers such as person,car; or all.  [default: "
            "person]",
        ),
    ] = None,
    detections: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Boxes that were found elsewhere: a .txt or .npy file, or the name of one in the sequence's "
            "det folder (poi, frcnn …). Without it, and without a detector, a sequence's most promising one "
            "is taken.",
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
        str | None,
        typer.Option(
            metavar="PATH",
            help="Result file (.txt, .csv, .jsonl), or a folder that gets one file for each source.  "
            "[default: results/TRACKER]",
        ),
    ] = None,
    fmt: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="mot: MOTChallenge's text format. csv and jsonl also say which detection each box came "
            "from, and give left, top, right, bottom in pixels from 0.  [default: by the name of the result "
            "file, else mot]",
        ),
    ] = None,
    video: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Also make a video with boxes, ids and trails drawn in (predicted boxes dashed): an .mp4 or "
            ".avi file, or a folder that gets one for each source.",
        ),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Also make a page that shows who was there when, what they looked like, who could be mixed "
            "up and, where there is ground truth, every identity switch: an .html file, or a folder that "
            "gets one for each source.",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Show it in a window meanwhile; q or Esc stops.")
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Where networks run: auto, cpu, cuda, mps.")
    ] = "auto",
    cache: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache",
            help="Keep the descriptor's vectors, so that another run over the same boxes need not compute "
            "them again.",
        ),
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no notes.")] = False,
) -> None:
    """Follow people, or anything else that can be detected, through a video.

    Gives each person one number for as long as he or she is in the picture. The result is a text file with
    one line for each person and frame. Ctrl-C ends a camera or stream, and stops anything else: what was done
    until then is kept.

    Example: track --source street.mp4 --detector yolo11n.onnx --descriptor fmvae-small --video out.mp4

    Example: track --seq MOT16-02 --data-root data
    """
    console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    name = Path(tracker).stem
    try:
        check_choice(seq, source, detector, detector_weights, classes, detections)
        changes = all_overrides(overrides or [], min_confidence, nms)
        settings = load_config(tracker, changes)
        jobs = sequence_jobs(seq, data_root) if seq else source_jobs(source or [])
        sequences = (job.frames for job in jobs if isinstance(job.frames, SequenceInfo))
        taken = [] if detections is None else chosen_detections(sequences, detections)
        suffix = ".txt" if fmt in (None, Format.mot) else f".{fmt}"
        # Of a tracker that is called my.v2, too, the results go into a folder.
        targets = targets_of(jobs, output or f"results/{name}/", suffix, RESULTS if fmt is None else ())
        sinks = sinks_of(jobs, name, video, report, show=show)
        named = [Path(each) for each in (tracker, descriptor, detector, detector_weights, detections) if each]
        read = [*named, *taken, *(path for job in jobs for path in job.files)]
        refuse_overwriting(files_made(targets, sinks), read)
        # Networks take seconds to load: whatever else may be wrong is told before.
        looks = Looks(descriptor, device)
        boxes: BoxSource | str | None = detections
        if detector is not None:
            least = settings.detections.min_confidence
            boxes = detected_boxes(detector, detector_weights, classes, least, device)
    except _TOLD as error:
        _complain(error)
        raise typer.Exit(1) from error
    failed = 0
    vectors = VectorCache() if cache else None
    with (
        closing(vectors) if vectors else nullcontext(),
        Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            FramesPerSecond(),
            TimeLeft(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as progress,
    ):
        for job, target, extras in zip(jobs, targets, sinks, strict=True):
            bar = progress.add_task(job.name, total=job.frames.length)
            task = progress.tasks[-1]
            told: set[str] = set()

            def tell(notes: Iterable[str], told: set[str] = told) -> None:
                for note in notes:
                    if note not in told:
                        console.print(f"note: {note}")
                        told.add(note)

            try:
                found = open_boxes(job.frames, boxes)
                look = looks.choose(job.frames, found, settings)
                outcome = track_sequence(
                    job.frames,
                    calibrated_config(tracker, look, changes),
                    target,
                    detections=found,
                    descriptor=look,
                    fmt=None if fmt is None else fmt.value,
                    sinks=extras,
                    cache=vectors,
                    begin=lambda run, tell=tell: tell([*run.notes, *remarks(tracker, run, changes)]),  # type: ignore[misc]
                    advance=lambda number, bar=bar: progress.update(bar, completed=number),  # type: ignore[misc]
                )
            except KeyboardInterrupt:
                _complain(how_far(job, int(task.completed), target, extras))
                raise typer.Exit(_INTERRUPTED) from None
            except Exception as error:
                foreseen = isinstance(error, _TOLD)
                if foreseen:
                    _complain(error)
                if task.completed:
                    _complain(how_far(job, int(task.completed), target, extras))
                if not foreseen:
                    raise
                failed += 1
            else:
                tell(outcome.notes)
                failed += not _announced(_in_words(outcome, extras))
            finally:
                job.close()
            progress.remove_task(bar)
    if failed:
        raise typer.Exit(1)


def _announced(outcome: str) -> bool:
    """Whether the outcome could be printed; where it cannot, its files are there all the same."""
    try:
        print_out(outcome)
    except FileError as error:
        _complain(error)
        return False
    return True


def _in_words(report: Report, sinks: list[Sink]) -> str:
    speed = report.tracked / max(report.seconds, 1e-9)
    appearance = f"appearance from {report.appearance}" if report.appearance else "no appearance"
    files = [report.result, *(sink.path for sink in sinks if sink.path)]
    return (
        f"{report.sequence}: {report.identities} identities in {report.frames} frames, {speed:,.0f} frames/s "
        f"(detections {report.detections}, {appearance}) -> {', '.join(map(str, files))}"
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
    print_what_can_be_shown()
    # Who stops a service, or closes a terminal, wants to keep what was tracked no less than who types Ctrl-C.
    for name in ("SIGTERM", "SIGHUP"):
        kind = getattr(signal, name, None)
        if kind is not None and signal.getsignal(kind) is signal.SIG_DFL:
            signal.signal(kind, signal.default_int_handler)
    sys.exit(app())


if __name__ == "__main__":
    main()
