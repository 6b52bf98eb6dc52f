"""The command ``track``, from arguments to files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.tracker.commands import track
from tests.tracker.sequences import SequenceMaker
from tracker.tables import read_results

pytestmark = pytest.mark.usefixtures("here")


def test_one_sequence(root: Path) -> None:
    result = track("--seq", "Night Shop-01", "--data-root", root)
    assert result.exit_code == 0
    output = Path("results/deepsort/Night Shop-01.txt")
    assert f"-> {output}" in result.stdout
    assert "3 identities in 30 frames" in result.stdout
    assert "detections det.txt, no appearance" in result.stdout
    written = read_results(output)
    assert set(written.ids.tolist()) == {1, 2, 3}
    assert set(written.frames.tolist()) == set(range(3, 31))
    assert not list(output.parent.glob("*.partial"))


def test_a_pattern(root: Path) -> None:
    result = track("--seq", "Night*", "--data-root", root, "--tracker", "sort", "--output", "out put")
    assert result.exit_code == 0
    assert sorted(path.name for path in Path("out put").iterdir()) == [
        "Night Shop-01.txt",
        "Night Shop-02.txt",
    ]
    assert len(result.stdout.splitlines()) == 2


def test_several_sequences_each_once(root: Path) -> None:
    result = track("--seq", "hall", "--seq", "Night Shop-02", "--seq", "*02", "--data-root", root)
    assert result.exit_code == 0
    assert sorted(line.split(":")[0] for line in result.stdout.splitlines()) == ["Night Shop-02", "hall"]


def test_a_folder_anywhere(root: Path) -> None:
    assert track("--seq", root / "hall", "--output", "x/hall.txt").exit_code == 0
    assert read_results(Path("x/hall.txt")).last_frame == 30


def test_the_data_root_may_come_from_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VHP_DATA", str(root))
    assert track("--seq", "hall").exit_code == 0


def test_csv_and_json_lines_carry_the_detection(root: Path) -> None:
    assert track("--seq", "hall", "--data-root", root, "--output", "hall.csv").exit_code == 0
    assert track("--seq", "hall", "--data-root", root, "--format", "jsonl", "--output", "out").exit_code == 0
    with Path("hall.csv").open() as file:
        table = list(csv.DictReader(file))
    lines = [json.loads(line) for line in Path("out/hall.jsonl").read_text().splitlines()]
    assert len(table) == len(lines) == 28 * 3
    for row, line in zip(table, lines, strict=True):
        assert {key: float(value) for key, value in row.items()} == line
        assert line["detection"] in (0, 1, 2)


def test_settings_from_the_command_line(root: Path) -> None:
    def rows(*arguments: str) -> int:
        assert track("--seq", "hall", "--data-root", root, *arguments, "--output", "out.txt").exit_code == 0
        return len(read_results(Path("out.txt")))

    assert rows("--set", "lifecycle.confirm_hits=1") == 90
    assert rows("--set", "lifecycle.confirm_hits=5", "--set", "lifecycle.confirm_hits=10") == 63
    assert rows("--min-confidence", "0.89") == 84
    assert rows("--min-confidence", "0.91") == 0
    assert rows("--nms", "0.5") == 84


def test_a_tracker_of_ones_own(root: Path) -> None:
    Path("mine.yaml").write_text(
        "motion:\n  state: centre-area-ratio\n"
        + "".join(
            f"  {key}: [1, 1, 1, 1]\n"
            for key in (
                "initial_position",
                "initial_velocity",
                "process_position",
                "process_velocity",
                "measurement",
            )
        )
        + "stages: [{name: overlap, cost: overlap, threshold: 0.7}]\nlifecycle: {max_age: 2}\n"
    )
    assert track("--seq", "hall", "--data-root", root, "--tracker", "mine.yaml").exit_code == 0
    assert len(read_results(Path("results/mine/hall.txt"))) == 90


@pytest.mark.parametrize("number", ["0.00001", "1e-7"])
def test_small_numbers_are_numbers(number: str, root: Path) -> None:
    assert track("--seq", "hall", "--data-root", root, "--min-confidence", number).exit_code == 0


def test_frames_without_detections(make_sequence: SequenceMaker) -> None:
    gap = range(50, 150)
    make_sequence("shop", length=200, empty=(1, 2, 3, *gap, 199, 200))
    assert track("--seq", "shop", "--data-root", make_sequence.root).exit_code == 0
    frames = set(read_results(Path("results/deepsort/shop.txt")).frames.tolist())
    # Confirmed at the third hit; one predicted frame after the last.
    assert frames == {*range(6, 51), *range(152, 200)}


def test_nothing_detected_at_all(make_sequence: SequenceMaker) -> None:
    make_sequence("shop", people=())
    result = track("--seq", "shop", "--data-root", make_sequence.root)
    assert result.exit_code == 0
    assert "0 identities in 30 frames" in result.stdout
    assert Path("results/deepsort/shop.txt").read_text() == ""


def test_notes_are_told_unless_quiet(root: Path) -> None:
    with (root / "hall" / "det" / "det.txt").open("a") as file:
        file.write("99,-1,10,10,20,40,0.9,-1,-1,-1\n")
    noted = track("--seq", "hall", "--data-root", root)
    assert "note: det.txt: 1 detections beyond the last frame" in noted.stderr
    quiet = track("--seq", "hall", "--data-root", root, "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (0, "")


def test_help_is_for_everybody() -> None:
    result = track("--help")
    assert result.exit_code == 0
    for option in (
        "--seq",
        "--data-root",
        "--tracker",
        "--detections",
        "--set",
        "--output",
        "--format",
        "--video",
        "--report",
        "--show",
    ):
        assert option in result.stdout
    assert "sort" in result.stdout
    assert "Example: track --seq" in re.sub(r"\s+", " ", result.stdout)
