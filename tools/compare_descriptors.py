r"""Which descriptor keeps identities best: on several sets of detections, beside other packages.

python tools/compare_descriptors.py --seq ADL-Rundle-6 --data-root data \
    --detections det:30 --detections frcnn --detections yolo11x \
    --descriptor none --descriptor histogram --descriptor fmvae-small --descriptor runs/mine

A number behind a set of detections is the least score that counts. Packages that are installed
(pip install -e ".[bench]") get the same boxes, and those that use
appearance the vectors of the last descriptor.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from peers import PEERS, Peer

from reid.evaluation.report import distinct_names
from reid.files import check_writable, write_text
from tracker.evaluation import evaluate
from tracker.motchallenge import SequenceInfo, find_detections, find_sequences, read_detections

FIGURES = ("IDF1", "HOTA", "MOTA", "IDs")


@dataclass(frozen=True)
class Boxes:
    """A set of detections.

    Attributes:
        name: of the file in the sequence's ``det`` folder.
        least: the least score that counts, "" for all.
    """

    name: str
    least: str

    @classmethod
    def parse(cls, text: str) -> Boxes:
        """Read ``NAME`` or ``NAME:SCORE``."""
        name, _, least = text.partition(":")
        try:
            float(least or 0)
        except ValueError:
            raise ValueError(f"{text!r}: expected the name of a set of detections, or NAME:SCORE") from None
        return cls(name, least)

    @property
    def options(self) -> list[str]:
        """For ``track``."""
        return ["--detections", self.name, *(["--min-confidence", self.least] if self.least else [])]


@dataclass(frozen=True)
class Comparison:
    """What is compared on.

    Attributes:
        sequence: the only one.
        tracker: ours.
        overrides: changes to it.
        folder: for results.
    """

    sequence: SequenceInfo
    tracker: str
    overrides: Sequence[str]
    folder: Path

    def ours(self, boxes: Boxes, descriptor: str) -> Path:
        """The result of ``track``, run as a user would run it."""
        result = self._result(boxes, descriptor)
        changes = [part for change in self.overrides for part in ("--set", change)]
        _run(
            "tracker.cli",
            *("--seq", str(self.sequence.folder), "--tracker", self.tracker, "--descriptor", descriptor),
            *boxes.options,
            *changes,
            *("--output", str(result), "--quiet"),
        )
        return result

    def peers(self, peer: Peer, boxes: Boxes, descriptor: str) -> Path:
        """The result of another package's tracker."""
        stored = find_detections(self.sequence, boxes.name)
        if peer.uses_vectors:
            stored = self._with_vectors(boxes, stored, descriptor)
        result = self._result(boxes, peer.name)
        peer.track(read_detections(stored), float(boxes.least or "-inf"), self.sequence.length, result)
        return result

    def _with_vectors(self, boxes: Boxes, source: Path, descriptor: str) -> Path:
        """The detections with a descriptor's vectors, as DeepSORT stores them."""
        stored = self.folder / _file_name(boxes.name) / f"{_file_name(descriptor)}.npy"
        stored.parent.mkdir(parents=True, exist_ok=True)
        _run(
            "reid.cli",
            *("embed", str(self.sequence.folder), "--descriptor", descriptor),
            *("--detections", str(source), "--output", str(stored), "--quiet"),
        )
        return stored

    def _result(self, boxes: Boxes, name: str) -> Path:
        return self.folder / _file_name(boxes.name) / _file_name(name) / f"{self.sequence.name}.txt"

    def figures(self, result: Path) -> dict[str, float]:
        """The scores of a result file."""
        name = self.sequence.name
        # By its own folder: the name may be that of another sequence elsewhere below the data root.
        return evaluate({name: result}, self.sequence.folder.parent, sequences=[name], jobs=1).overall


def main(
    seq: Annotated[str, typer.Option(help="The sequence, with images and ground truth.")],
    detections: Annotated[
        list[str], typer.Option(metavar="NAME[:SCORE]", help="Boxes to track; may be given several times.")
    ],
    descriptor: Annotated[
        list[str], typer.Option(metavar="NAME", help="As for track; may be given several times.")
    ],
    data_root: Annotated[Path, typer.Option(envvar="VHP_DATA", help="Where the sequence lies.")] = Path(
        "data"
    ),
    tracker: Annotated[str, typer.Option(help="Which of our trackers.")] = "deepsort",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of it.")
    ] = None,
    peers: Annotated[bool, typer.Option(help="Beside them trackers of installed packages.")] = True,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table there, too.")] = None,
) -> None:
    """Track one sequence with every descriptor and every set of detections, and print the figures."""
    try:
        if output is not None:
            check_writable(output)
        sets = [Boxes.parse(text) for text in detections]
        sequence = find_sequences([seq], data_root)[0]
        with TemporaryDirectory() as folder:
            comparison = Comparison(sequence, tracker, overrides or [], Path(folder))
            results = {
                f"{tracker}, {name}": partial(comparison.ours, descriptor=choice)
                for choice, name in zip(descriptor, distinct_names(descriptor), strict=True)
            }
            for peer in PEERS if peers else ():
                if not peer.installed:
                    continue
                if not peer.uses_vectors:
                    results[peer.name] = partial(comparison.peers, peer, descriptor="none")
                elif descriptor[-1] != "none":
                    results[f"{peer.name}, {distinct_names(descriptor)[-1]}"] = partial(
                        comparison.peers, peer, descriptor=descriptor[-1]
                    )
            rows = {
                name: [comparison.figures(result(boxes=boxes)) for boxes in sets]
                for name, result in results.items()
            }
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    table = _table(rows, sets)
    typer.echo(table, nl=False)
    if output is not None:
        write_text(output, table)


def _table(rows: dict[str, list[dict[str, float]]], sets: list[Boxes]) -> str:
    """Markdown: a line for each tracker, the figures of each set of detections side by side."""
    titles = [f"{boxes.name} {figure}" for boxes in sets for figure in FIGURES]
    lines = [["tracker", *titles], ["---", *["--:"] * len(titles)]]
    for name, found in rows.items():
        cells = [f"{one[figure]:.{0 if figure == 'IDs' else 1}f}" for one in found for figure in FIGURES]
        lines.append([name, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _run(module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{module} failed")


if __name__ == "__main__":
    typer.run(main)
