"""What the command ``track`` prints, where it is read by something unusual."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracker.sequences import SequenceMaker

pytestmark = pytest.mark.usefixtures("here")


def test_names_that_the_terminal_cannot_show(make_sequence: SequenceMaker) -> None:
    make_sequence("街")
    done = subprocess.run(
        [sys.executable, "-m", "tracker.cli", "--seq", "*", "--data-root", str(make_sequence.root)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"?: 3 identities in 30 frames")
    assert Path("results/deepsort/街.txt").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_where_nothing_can_be_printed_all_is_tracked(root: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tracker.cli", "--seq", "Night*", "--data-root", str(root)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "track: standard output: cannot be written (No space left on device); "
        "expected a place that takes what is printed\n"
    )
    assert len(list(Path("results/deepsort").glob("*.txt"))) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as on Unix")
def test_where_nobody_listens_any_more_all_is_tracked(root: Path) -> None:
    command = [sys.executable, "-m", "tracker.cli", "--seq", "Night*", "--data-root", str(root)]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written (Broken pipe)" in done.stderr
    assert len(list(Path("results/deepsort").glob("*.txt"))) == 2
