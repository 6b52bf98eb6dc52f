"""Score tracking results as MOTChallenge does, and print the paper's Table 2 with HOTA.

python tools/eval_mot16.py results/deepsort --data-root data
python tools/eval_mot16.py results/sort results/deepsort --seq "MOT16-*" --format latex --output table2.tex
python tools/eval_mot16.py --run sort --run deepsort --detections poi --seq "MOT16-*"
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from reid.files import FileError, check_writable, write_text
from reid.printing import print_out, print_what_can_be_shown
from tracker.config import load_config
from tracker.evaluation import (
    EvaluationResult,
    Protocol,
    TableFormat,
    evaluate,
    render_results,
    unique_names,
)
from tracker.evaluation.pairing import result_files
from tracker.evaluation.running import sequences_with_ground_truth, track_sequences


def main(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RESULT_FOLDER...",
            help="Folders with a <sequence>.txt for each sequence; several are compared in one table.",
        ),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRACKER", help="Run this tracker and score what it gives; may be given several times."
        ),
    ] = None,
    data_root: Annotated[
        Path,
        typer.Option(envvar="VHP_DATA", help="Folder below which the sequences and their ground truth lie."),
    ] = Path("data"),
    seq: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|GLOB", help="Score only these sequences; may be given several times."),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="auto, mot15, mot16, mot17, mot20, or none for your own data, where every box counts."
        ),
    ] = "auto",
    official: Annotated[
        bool,
        typer.Option("--official", help="CLEAR figures as trackeval counts them, not as motmetrics does."),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out sequences that have no result file.")
    ] = False,
    table: Annotated[
        TableFormat, typer.Option("--format", help="How to write the table.")
    ] = TableFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="Write the table to this file.")] = None,
    detections: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="With --run: a detection file, or a name below the sequences' det/."
        ),
    ] = None,
    descriptor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="With --run: what people look like, as for track.  [default: auto]"
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="With --run: change a setting of the trackers."),
    ] = None,
    results: Annotated[
        Path, typer.Option(help="With --run: folder that gets a folder of result files for each tracker.")
    ] = Path("results"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Sequences to work on at a time.")] = None,
) -> None:
    """Score folders of MOTChallenge result files, or trackers, and print one table."""
    trackers = {tracker: results / Path(tracker).stem for tracker in run or []}
    scored = [*(folders or []), *trackers.values()]
    if not scored:
        raise typer.BadParameter("nothing to score; expected a RESULT_FOLDER or --run TRACKER")
    for option, given in (("--detections", detections), ("--descriptor", descriptor), ("--set", overrides)):
        if given and not run:
            raise typer.BadParameter(f"{option} is for a tracker that is run; expected --run TRACKER, too")
    try:
        names = unique_names(scored)
        if output is not None:
            _check_output(output, scored)
        wanted = [seq] * len(folders or [])
        sequences = sequences_with_ground_truth(data_root, seq) if trackers else []
        # A tracker may run for minutes: what is not there is told before the first one does.
        for folder in folders or []:
            result_files(folder)
        for sequence in sequences:
            Protocol.choose(protocol, sequence)
        for tracker in trackers:
            load_config(tracker, overrides or [])
        for tracker, folder in trackers.items():
            for report in track_sequences(
                sequences,
                tracker,
                folder,
                detections=detections,
                descriptor=descriptor or "auto",
                overrides=overrides or [],
                jobs=jobs,
            ):
                looks = f"appearance from {report.appearance}" if report.appearance else "no appearance"
                counts = f"{report.frames} frames, {report.identities} identities"
                _say(f"{tracker}: {report.sequence}, {counts}, {looks}")
                _say_notes(report.notes)
            # The folder may hold results of other sequences from an earlier run.
            wanted.append([str(sequence.folder) for sequence in sequences])
        evaluated = [
            evaluate(
                folder,
                data_root,
                protocol=protocol,
                official=official,
                sequences=patterns,
                partial=partial,
                jobs=jobs,
                name=name,
            )
            for folder, name, patterns in zip(scored, names, wanted, strict=True)
        ]
        _say_notes(dict.fromkeys(note for result in evaluated for note in result.notes))
        _print(evaluated, table, output)
    except (ValueError, OSError) as error:
        _say(f"error: {error}")
        raise typer.Exit(1) from error


def _check_output(output: Path, scored: list[Path]) -> None:
    # A text file in a result folder is taken for a sequence's results.
    if output.suffix == ".txt" and output.resolve().parent in {folder.resolve() for folder in scored}:
        raise FileError(f"{output}: lies among the results that are scored; expected another place or name")
    check_writable(output)


def _print(results: list[EvaluationResult], table: TableFormat, output: Path | None) -> None:
    on_terminal = output is None and sys.stdout.isatty()
    text = render_results(results, table, width=shutil.get_terminal_size().columns if on_terminal else 0)
    if output is None:
        print_out(text, nl=False)
    else:
        write_text(output, text)
        _say(f"table written to {output}")


def _say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        _say(f"note: {note}")


def _say(line: str) -> None:
    """Everything but the table goes to the error stream, so that the table can be piped on."""
    typer.echo(line, err=True)


if __name__ == "__main__":
    print_what_can_be_shown()
    typer.run(main)
