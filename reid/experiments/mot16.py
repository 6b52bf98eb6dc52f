"""Tracking with and without the flat descriptor (FMVAE, 4.4): figure 10, and what table 2 counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid.datasets.crossing import make_crossing
from reid.descriptor import default_descriptor
from reid.experiments.film import draw_film_strip, shoot
from reid.experiments.report import FMVAE_PAPER, Number, Picture, Report
from reid.experiments.request import Request
from reid.files import FileError
from reid.footage.sequence import SequenceInfo, sequence_folders

FLAT, SORT, NO_LOOKS, SUPERVISED = "VHP-FMVAE-SORT", "SORT", "no descriptor", "DeepSORT"

#: Table 2's IDF1 and identity switches, of all seven training sequences of MOT16.
_TABLE_2 = {FLAT: ("64.2", "598"), SORT: ("57.0", "1486"), SUPERVISED: ("64.7", "585")}

_BENCHMARK = "MOT16"


@dataclass(frozen=True, slots=True)
class _Way:
    """How to track: the tracker, and what tells it how people look."""

    tracker: str
    descriptor: str

    def track(self, sequences: Sequence[SequenceInfo], folder: Path) -> None:
        """Track as a user would, with the command ``track``.

        Raises:
            ValueError: if that fails; the command has said why.
        """
        which = [part for one in sequences for part in ("--seq", str(one.folder))]
        how = ["--tracker", self.tracker, "--descriptor", self.descriptor, "--output", str(folder)]
        _command("tracker.cli", *which, *how)


def run(asked: Request) -> Report:
    """Track, score and draw; nothing is trained, the descriptor is the one that ships.

    Raises:
        FileError: if there is no sequence to track.
        ValueError: if tracking fails.
    """
    if asked.quick:
        sequences = [SequenceInfo.read(make_crossing(asked.output / "data" / "CROSSING-01"))]
    else:
        sequences = usable_sequences(asked.data_root)
    ways = _ways(sequences)
    folders = {name: asked.output / "tracks" / _file_name(name) for name in ways}
    for name, way in ways.items():
        way.track(sequences, folders[name])
    found = _compare(sequences, list(folders.values()))
    figures = dict(zip(ways, found["figures"].values(), strict=True))
    report = asked.report("MOT16", f"{FMVAE_PAPER}, section 4.4")
    report.notes = _notes(sequences, ways, asked.quick)
    if found["avoided"]:
        _draw(report, sequences, found["avoided"][0], folders)
    else:
        report.notes.insert(0, f"{FLAT} avoided none of {SORT}'s switches, so there is no figure 10.")
    report.numbers = _numbers(figures, len(found["avoided"]))
    frames = sum(one.length for one in sequences)
    report.facts = {
        "sequences": f"{', '.join(one.name for one in sequences)} ({frames:,} frames)",
        "descriptor": f"{default_descriptor()}, as it ships",
        "time": f"{asked.seconds:.0f} s in this run",
    }
    report.write()
    return report


def usable_sequences(data_root: Path) -> list[SequenceInfo]:
    """MOT16's sequences with images, ground truth and detections, or those of all benchmarks.

    Raises:
        FileError: if there is none, or two have one name.
    """
    found = [SequenceInfo.read(folder) for folder in sorted(sequence_folders(data_root))]
    usable = [
        one
        for one in found
        if one.has_images and one.ground_truth.is_file() and any((one.folder / "det").glob("*.*"))
    ]
    if not usable:
        raise FileError(
            f"{data_root}: no sequence with images, ground truth and detections below it; expected MOT16's "
            f"or others in MOTChallenge's layout (see data/README.md), or name another data root by "
            f"--data-root or VHP_DATA"
        )
    usable = [one for one in usable if one.benchmark == _BENCHMARK] or usable
    _refuse_equal_names(usable)
    return usable


def _refuse_equal_names(sequences: Iterable[SequenceInfo]) -> None:
    """Result files have the sequences' names: of two with one name the second would replace the first."""
    folders: dict[str, Path] = {}
    for one in sequences:
        other = folders.setdefault(one.name, one.folder)
        if other != one.folder:
            raise FileError(
                f"{one.name} is at {other} and at {one.folder}; expected one, or another data root"
            )


def _ways(sequences: Sequence[SequenceInfo]) -> dict[str, _Way]:
    """The trackers that are compared, the paper's first and its own last."""
    ways = {SORT: _Way("sort", "none"), NO_LOOKS: _Way("deepsort", "none")}
    # Detections with vectors come from the supervised network of DeepSORT's authors.
    if all(any((one.folder / "det").glob("*.npy")) for one in sequences):
        ways[SUPERVISED] = _Way("deepsort", "file")
    ways[FLAT] = _Way("deepsort", default_descriptor())
    return ways


def _file_name(name: str) -> str:
    return name.lower().replace(" ", "-")


def _compare(sequences: Sequence[SequenceInfo], folders: Sequence[Path]) -> dict[str, Any]:
    """Figures of all result folders, and the switches of the first that the last avoids."""
    which = [part for one in sequences for part in ("--seq", str(one.folder))]
    outcome: dict[str, Any] = json.loads(
        _command("tracker.evaluation.versus", *(str(folder) for folder in folders), *which)
    )
    return outcome


def _command(module: str, *arguments: str) -> str:
    """Run a command of the other package, which this one never imports; what it prints.

    Raises:
        ValueError: if it fails; it has said why.
    """
    outcome = subprocess.run(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if outcome.returncode:
        raise ValueError(f"python -m {module} failed, for the reason above")
    return outcome.stdout


def _draw(
    report: Report, sequences: Sequence[SequenceInfo], avoided: dict[str, Any], folders: dict[str, Path]
) -> None:
    """The clearest switch that the flat descriptor avoids."""
    (sequence,) = [one for one in sequences if one.name == avoided["sequence"]]
    switch = avoided["switch"]
    shots = shoot(sequence, switch["object"], switch["last_frame"], switch["frame"])
    hidden = switch["frame"] - switch["last_frame"] - 1
    report.add_picture(
        draw_film_strip(shots, {name: folder / f"{sequence.name}.txt" for name, folder in folders.items()}),
        Picture(
            "figure-10",
            "Figure 10: an identity switch",
            f"{sequence.name}: somebody is hidden for {hidden} frames. {SORT} returns with number "
            f"{switch['track']} instead of {switch['last_track']}; {FLAT} keeps {avoided['kept']}. Thick: "
            "the person's track, blue under the first number and red under any other. Dotted: others.",
        ),
    )


def _numbers(figures: dict[str, dict[str, float]], avoided: int) -> list[Number]:
    numbers = []
    for name, row in figures.items():
        idf1, switches = _TABLE_2.get(name, ("-", "-"))
        numbers += [
            Number("Table 2", "IDF1, %", name, idf1, [row["IDF1"]]),
            Number("Table 2", "identity switches", name, switches, [row["IDs"]]),
            Number("Table 2", "MOTA, %", name, "-", [row["MOTA"]]),
            Number("Table 2", "HOTA, %", name, "-", [row["HOTA"]]),
        ]
    fewer = max(figures[SORT]["IDs"], 1.0) / max(figures[FLAT]["IDs"], 1.0)
    return [
        *numbers,
        Number("Table 2", f"times fewer switches than {SORT}", FLAT, "2.48", [fewer], at_least=1.0),
        Number(
            "Table 2",
            f"IDF1 above {SORT}'s, %",
            FLAT,
            "7.2",
            [figures[FLAT]["IDF1"] - figures[SORT]["IDF1"]],
            at_least=0.0,
        ),
        Number("Figure 10", f"switches of {SORT} avoided", FLAT, "1 shown", [avoided]),
    ]


def _notes(sequences: Sequence[SequenceInfo], ways: dict[str, _Way], quick: bool) -> list[str]:
    notes = []
    if not quick and any(one.benchmark != _BENCHMARK for one in sequences):
        notes.append(_OTHERS)
    if SUPERVISED not in ways:
        notes.append("DeepSORT's supervised vectors are not there: they come with POI's detections.")
    return [*notes, *_NOTES]


_OTHERS = (
    "MOT16's images are not there; these are other sequences, and the paper's numbers are of other people, "
    "detections and videos. Only the order of the trackers can be compared."
)

_NOTES = [
    "The paper's descriptor is learned from MOT16, by VGG16; ours is the one that ships.",
    f"'{NO_LOOKS}', which the paper does not show, is DeepSORT's tracker going by position only.",
    "Table 2 with VHP-VAE-SORT: train vhpvae, track with it, and run tools/eval_mot16.py.",
]
