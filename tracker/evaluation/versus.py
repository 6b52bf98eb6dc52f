"""Trackers beside each other: figures of all, and the identity switches of the first that the last avoids.

python -m tracker.evaluation.versus results/sort results/deepsort --data-root data --seq "MOT16-*"
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tracker.evaluation.pairing import unique_names
from tracker.evaluation.protocol import Protocol, compare
from tracker.evaluation.scoring import evaluate
from tracker.evaluation.switches import Sighting, Switch, sightings, switches_among
from tracker.motchallenge import SequenceInfo, find_sequences, read_ground_truth, read_results

#: So many frames before and after a switch are looked at.
_WINDOW = 30


@dataclass(frozen=True, slots=True)
class Avoided:
    """A switch of one tracker at an object that another keeps under one number.

    Attributes:
        sequence: where.
        switch: what the one does.
        kept: the number that the object has in the other's result.
        clear: for how many frames both have the object, before the switch and after it: the least of the
            four. The more there are, the less it is a matter of chance.
    """

    sequence: str
    switch: Switch
    kept: int
    clear: int


def avoided_switches(sequence: SequenceInfo, one: Path, other: Path) -> list[Avoided]:
    """Switches in one result file that are none in another, the clearest first.

    Raises:
        FileError: if a file is missing or not as it should be.
    """
    by_one, by_other = (_sightings(sequence, path) for path in (one, other))
    found = []
    for switch in switches_among(by_one):
        old = _around(by_one, switch, before=True)
        new = _around(by_one, switch, before=False)
        kept_before = _around(by_other, switch, before=True)
        kept_after = _around(by_other, switch, before=False)
        kept = set(kept_before) | set(kept_after)
        clear = min(old.count(switch.last_track), new.count(switch.track), len(kept_before), len(kept_after))
        if len(kept) == 1 and clear:
            found.append(Avoided(sequence.name, switch, kept.pop(), clear))
    return sorted(found, key=lambda avoided: -avoided.clear)


def compare_results(
    folders: Sequence[Path], data_root: Path, sequences: Sequence[str] | None = None
) -> dict[str, Any]:
    """Figures of every folder of results, and what the last does better than the first.

    Args:
        folders: each with a ``<sequence>.txt`` for each sequence.
        data_root: folder below which the sequences lie.
        sequences: names, globs or folders; by default all that have results.

    Returns:
        ``figures``: those of `tracker.evaluation.COLUMNS` over all sequences, by the folder's name;
        ``avoided``: the switches, the clearest first.

    Raises:
        EvaluationError: if results and ground truth do not fit together.
        FileError: if a file is missing or not as it should be.
    """
    evaluated = [evaluate(folder, data_root, sequences=sequences) for folder in folders]
    names = [one.name for one in evaluated[0].sequences]
    # Patterns may find sequences without ground truth, too.
    chosen = [found for found in find_sequences(sequences or names, data_root) if found.name in names]
    avoided = [
        one
        for sequence in chosen
        for one in avoided_switches(
            sequence, *(folder / f"{sequence.name}.txt" for folder in (folders[0], folders[-1]))
        )
    ]
    return {
        "figures": {
            name: result.overall for name, result in zip(unique_names(folders), evaluated, strict=True)
        },
        "avoided": [asdict(one) for one in sorted(avoided, key=lambda one: -one.clear)],
    }


def main(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RESULT_FOLDER...", help="Folders with a <sequence>.txt for each sequence."),
    ],
    data_root: Annotated[
        Path,
        typer.Option(envvar="VHP_DATA", help="Folder below which the sequences and their ground truth lie."),
    ] = Path("data"),
    seq: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|GLOB", help="Only these sequences; may be given several times."),
    ] = None,
) -> None:
    """Print, as JSON, figures of trackers and the identity switches of the first that the last avoids."""
    try:
        typer.echo(json.dumps(compare_results(folders, data_root, seq), indent=2))
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _sightings(sequence: SequenceInfo, results: Path) -> list[Sighting]:
    comparison = compare(
        read_ground_truth(sequence.ground_truth),
        read_results(results),
        sequence,
        Protocol.choose("auto", sequence),
    )
    return list(sightings(comparison))


def _around(seen: Sequence[Sighting], switch: Switch, *, before: bool) -> list[int]:
    """The tracks that have a switch's object shortly before it, or from it on."""
    first, last = (
        (switch.last_frame - _WINDOW + 1, switch.last_frame)
        if before
        else (switch.frame, switch.frame + _WINDOW - 1)
    )
    return [one.track for one in seen if one.object == switch.object and first <= one.frame <= last]


if __name__ == "__main__":
    typer.run(main)
