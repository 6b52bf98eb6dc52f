"""Descriptors and other packages' trackers are scored on the same boxes, in one table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import make_demo_sequence
import numpy as np
import pytest
from compare_descriptors import main
from peers import Adapter, Peer

from tests.tools.commands import run
from tracker.tables import read_detections, read_results

TOOL = Path(__file__).parents[2] / "tools" / "compare_descriptors.py"


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a data root") / "STREET-02"
    size = ("--frames", 30, "--width", 320, "--height", 240, "--people", 4)
    made = run(make_demo_sequence.main, folder, *size)
    assert made.exit_code == 0, made.stderr
    return folder


def test_every_descriptor_has_a_line_with_the_figures_of_every_set(street: Path, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    arguments = ["--seq", "STREET-02", "--data-root", str(street.parent), "--no-peers"]
    arguments += ["--detections", "det", "--detections", "det:0.99", "--output", str(output)]
    arguments += ["--descriptor", "none", "--descriptor", "histogram"]
    done = subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert output.read_text(encoding="utf-8") == done.stdout
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in done.stdout.splitlines()]
    assert lines[0][1:] == [
        f"{boxes} {figure}" for boxes in ("det", "det") for figure in ("IDF1", "HOTA", "MOTA", "IDs")
    ]
    assert [line[0] for line in lines[2:]] == ["deepsort, none", "deepsort, histogram"]
    for line in lines[2:]:
        assert float(line[1]) > 50
        # Hardly a box has such a score.
        assert float(line[5]) < float(line[1])


def test_a_sequence_and_boxes_may_lie_anywhere(street: Path, tmp_path: Path) -> None:
    """Scored against its own ground truth, and nothing is left beside the boxes."""
    boxes = tmp_path / "mine" / "boxes.txt"
    boxes.parent.mkdir()
    boxes.write_bytes((street / "det" / "det.txt").read_bytes())
    (tmp_path / "data").mkdir()
    arguments = ["--seq", street, "--data-root", tmp_path / "data", "--no-peers"]
    done = run(main, *arguments, "--detections", boxes, "--descriptor", "none")
    assert done.exit_code == 0, done.stderr
    assert float(done.stdout.splitlines()[2].split("|")[2]) > 50
    assert list(boxes.parent.iterdir()) == [boxes]


def test_mistakes_are_named(street: Path) -> None:
    arguments = ["--seq", "STREET-02", "--data-root", street.parent, "--no-peers"]
    for detections, descriptor, expected in (
        ("det:much", "none", "NAME:SCORE"),
        ("nowhere", "none", "nowhere"),
        ("det", "unheard-of", "unheard-of"),
    ):
        done = run(main, *arguments, "--detections", detections, "--descriptor", descriptor)
        assert done.exit_code == 1
        assert expected in done.stderr
        assert "Traceback" not in done.stderr


def test_a_table_that_cannot_be_written_is_refused_before_the_work(street: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    # Boxes that are not there would be missed first otherwise.
    arguments = ["--seq", street, "--no-peers", "--detections", "nowhere", "--descriptor", "none"]
    done = run(main, *arguments, "--output", tmp_path / "file" / "table.md")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'file' / 'table.md'}: cannot be written")


def test_what_a_peer_shows_is_written_as_it_is_read_again(tmp_path: Path) -> None:
    boxes, result = tmp_path / "det.txt", tmp_path / "result.txt"
    boxes.write_text("1,-1,11,21,30,40,0.9\n1,-1,50.5,60,30,40,0.2\n3,-1,12,21,30,40.25,0.8\n")
    table = read_detections(boxes)
    # Whoever is found is somebody new: a number, and the box as it is.
    adapter = Adapter(
        prepare=lambda found: found.boxes,
        step=lambda found: found,
        shown=lambda found: np.column_stack([np.arange(7.0, 7 + len(found)), found]),
    )
    Peer("made up", "nowhere", lambda: adapter).track(table, 0.5, 4, result)
    written = read_results(result)
    assert (written.frames.tolist(), written.ids.tolist()) == ([1, 3], [7, 7])
    np.testing.assert_allclose(written.boxes, table.boxes[table.scores > 0.5])


def test_peers_get_the_same_boxes(street: Path) -> None:
    pytest.importorskip("trackers")
    arguments = ["--seq", "STREET-02", "--data-root", street.parent, "--detections", "det"]
    done = run(main, *arguments, "--descriptor", "histogram")
    assert done.exit_code == 0, done.stderr
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in done.stdout.splitlines()[2:]}
    assert "trackers, SORT" in rows
    assert all(float(figures[0]) > 40 for figures in rows.values())
