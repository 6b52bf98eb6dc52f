"""The command ``reid train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reid.console import (
    INTERRUPTED,
    ClassesOption,
    DetectionsOption,
    DetectorOption,
    DeviceOption,
    QuietOption,
    SourceOption,
    WeightsOption,
    complain,
    errors_in_one_line,
    progress_bar,
    tell,
)
from reid.printing import print_out

if TYPE_CHECKING:
    from reid.datasets.store import CropStore
    from reid.training.loop import Progress

_DEFAULT_CONFIG = "fmvae"


def train(
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="What to learn from: a folder of crops, a Market-1501 style folder, a MOTChallenge sequence "
            "or one of its detection files. May be given several times.",
        ),
    ] = None,
    source: SourceOption = None,
    detections: DetectionsOption = None,
    detector: DetectorOption = None,
    detector_weights: WeightsOption = None,
    classes: ClassesOption = None,
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
    start_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Begin with the weights of this finished run: on other footage, or with a larger encoder.",
        ),
    ] = None,
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

    Example: reid train --source street.mp4 --detections boxes.txt --config fmvae-small --output runs/mine

    Example: reid train --data crops/ --config fmvae --start-from runs/fmvae-small --output runs/mine
    """
    from reid.objective import TrainingError

    with errors_in_one_line(TrainingError):
        from reid.datasets.footage import choose_footage
        from reid.training.folder import CONFIG
        from reid.training.run import train as run_training
        from reid.training.settings import load_training

        folder = output or Path("runs") / Path(config or _DEFAULT_CONFIG).stem
        own = folder / CONFIG
        choice: str | Path = config or (own if resume and own.is_file() else _DEFAULT_CONFIG)
        settings = load_training(choice, overrides or [])
        footage = choose_footage(
            source or [],
            detections or [],
            detector,
            weights=detector_weights,
            classes=classes,
            device=device,
        )
        with progress_bar(quiet, "crops/s") as bar:
            line = bar.add_task("reading crops", total=settings.optimiser.steps, speed=None)

            def cut(name: str, crops: int) -> None:
                bar.update(line, description=f"cutting {crops:,} crops out of {name}")

            def opened(store: CropStore) -> None:
                if not quiet:
                    tell(f"note: {store}")

            def report(progress: Progress) -> None:
                bar.update(
                    line,
                    completed=progress.step,
                    description=progress.words,
                    speed=progress.samples_per_second,
                )
                if bar.disable and not quiet and progress.numbers is not None:
                    # No terminal is there to draw on, but perhaps a log.
                    tell(f"{progress.step}/{progress.steps} {progress.words}")

            outcome = run_training(
                settings,
                [*(data or []), *footage],
                folder,
                resume=resume,
                start=start_from,
                device=device,
                held_out=held_out,
                cut=cut,
                opened=opened,
                report=report,
            )
        if not outcome.finished:
            complain(
                f"stopped after {outcome.step} of {settings.optimiser.steps} steps; go on with: reid train "
                f"--resume --output {shlex.quote(str(folder))}, and --data, --source, --held-out … as before"
            )
            raise typer.Exit(INTERRUPTED)
        print_out(
            f"{outcome.step} steps on {outcome.crops} crops in {outcome.seconds / 60:.1f} minutes -> {folder}"
        )
