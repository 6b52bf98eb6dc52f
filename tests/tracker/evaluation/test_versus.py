from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from tests.tracker.evaluation.scenes import write_sequence
from tracker.evaluation.switches import Switch
from tracker.evaluation.versus import Avoided, avoided_switches, compare_results, main
from tracker.motchallenge import SequenceInfo

HERE, THERE = "100,100,50,100", "300,100,50,100"
LENGTH = 40


def sequence_and_results(root: Path) -> tuple[Path, Path]:
    """Two people; one tracker loses the first for a while, and takes the second for somebody new."""
    truth = [
        f"{frame},{thing},{box},1,1,1"
        for frame in range(1, LENGTH + 1)
        for thing, box in ((40, HERE), (70, THERE))
    ]
    write_sequence(root / "data" / "Square", truth, length=LENGTH)
    seen = [frame for frame in range(1, LENGTH + 1) if not 11 <= frame <= 20]
    for name, first, second in (("one", (1, 3), (2, 4)), ("other", (1, 1), (2, 5))):
        rows = [f"{frame},{first[frame > 20]},{HERE}" for frame in seen]
        rows += [f"{frame},{second[frame > 30]},{THERE}" for frame in range(1, LENGTH + 1)]
        path = root / name / "Square.txt"
        path.parent.mkdir()
        path.write_text("".join(f"{row},1,-1,-1,-1\n" for row in rows))
    return root / "one", root / "other"


def test_only_what_the_other_keeps_is_avoided(tmp_path: Path) -> None:
    one, other = sequence_and_results(tmp_path)
    sequence = SequenceInfo.read(tmp_path / "data" / "Square")
    (avoided,) = avoided_switches(sequence, one / "Square.txt", other / "Square.txt")
    # Ten frames before and twenty after: the lesser counts.
    assert avoided == Avoided("Square", Switch(40, 21, 3, 10, 1), kept=1, clear=10)
    assert avoided_switches(sequence, other / "Square.txt", one / "Square.txt") == []


def test_figures_stand_beside_what_is_avoided(tmp_path: Path) -> None:
    one, other = sequence_and_results(tmp_path)
    found = compare_results([one, other], tmp_path / "data")
    assert list(found["figures"]) == ["one", "other"]
    assert [row["IDs"] for row in found["figures"].values()] == [2, 1]
    assert [avoided["switch"]["object"] for avoided in found["avoided"]] == [40]


def test_the_command_prints_json_and_tells_what_is_missing(tmp_path: Path) -> None:
    folders = [str(folder) for folder in sequence_and_results(tmp_path)]
    app = typer.Typer()
    app.command()(main)
    outcome = CliRunner().invoke(app, [*folders, "--data-root", str(tmp_path / "data")])
    assert json.loads(outcome.stdout)["avoided"][0]["kept"] == 1
    outcome = CliRunner().invoke(
        app, [*folders, str(tmp_path / "none"), "--data-root", str(tmp_path / "data")]
    )
    assert outcome.exit_code == 1
    assert "no such folder" in outcome.output
