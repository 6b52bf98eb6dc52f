"""The command ``track``, stopped with Ctrl-C or by a failure."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reid.files import FileError
from tests.tracker import commands
from tests.tracker.interrupting import interrupted
from tests.tracker.sequences import SequenceMaker
from tracker.cli import app
from tracker.results import ResultWriter
from tracker.tables import read_results
from tracker.tracks import Tracks

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_ctrl_c_keeps_what_was_done(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    # So long that it cannot end by itself before it is stopped.
    make_sequence("long", length=5_000_000, detected_until=5_000)
    partial = tmp_path / "out.txt.partial"
    command = [sys.executable, "-m", "tracker.cli", "--seq", "long", "--tracker", "sort"]
    command += ["--data-root", str(make_sequence.root), "--output", str(tmp_path / "out.txt")]
    ended = interrupted(command, lambda: partial.is_file() and partial.stat().st_size > 100_000)
    stdout, stderr = ended.stdout, ended.stderr
    assert ended.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    told = re.search(r"stopped after (\d+) of 5000000 frames of long; what was tracked is in (.*)", stderr)
    assert told is not None
    assert Path(told[2].strip()) == partial
    assert not (tmp_path / "out.txt").exists()
    # Every frame that was reported as done is there, all rows whole.
    kept = read_results(partial)
    done = min(int(told[1]), 5_000)
    assert done > 500
    assert set(kept.frames[kept.frames <= done].tolist()) == set(range(1, done + 1))


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_keeps_the_page_and_the_video_too(
    make_sequence: SequenceMaker, tmp_path: Path, kind: signal.Signals
) -> None:
    folder = make_sequence("long", length=20_000, detected_until=100)
    make_sequence.add_images(folder, missing=range(100, 20_001))
    partial = tmp_path / "a.txt.partial"
    command = [sys.executable, "-m", "tracker.cli", "--seq", "long", "--data-root", str(make_sequence.root)]
    command += ["--descriptor", "none"]
    for option, name in (("--output", "a.txt"), ("--video", "a.mp4"), ("--report", "a.html")):
        command += [option, str(tmp_path / name)]
    video = tmp_path / "a.partial.mp4"
    # What is written comes in large pieces: then many frames are done.
    ended = interrupted(
        command, lambda: partial.is_file() and video.is_file() and video.stat().st_size > 30_000, kind=kind
    )
    stderr = ended.stderr
    assert ended.returncode == 130
    assert "Traceback" not in stderr
    for name in ("a.txt.partial", "a.partial.mp4", "a.partial.html"):
        assert str(tmp_path / name) in stderr
        assert (tmp_path / name).stat().st_size > 0
    assert "stopped after frame" in (tmp_path / "a.partial.html").read_text(encoding="utf-8")


def test_stopped_while_the_page_is_finished_the_result_is_named(
    root: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracker.report.sink.ReportSink.end", interrupt)
    result = commands.track("--seq", "hall", "--data-root", root, "--output", "a.txt", "--report", "a.html")
    assert result.exit_code == 130
    assert "what was tracked is in a.txt" in result.stderr
    assert "partial.html" not in result.stderr
    assert read_results(here / "a.txt").last_frame > 0


def stop_writing(monkeypatch: pytest.MonkeyPatch, name: str, frame: int, error: BaseException) -> None:
    """Nothing of ``frame`` or later can be written to the file called ``name``."""
    write = ResultWriter.write

    def stopping(self: ResultWriter, number: int, tracks: Tracks) -> None:
        if self.path.name == name and number >= frame:
            raise error
        write(self, number, tracks)

    monkeypatch.setattr(ResultWriter, "write", stopping)


def test_stopped_in_a_later_sequence_the_frames_of_that_one_are_told(
    root: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_writing(monkeypatch, "Night Shop-02.txt", 12, KeyboardInterrupt())
    result = commands.track("--seq", "*", "--data-root", root, "--output", "out")
    assert result.exit_code == 130
    told = f"track: stopped after 11 of 30 frames of Night Shop-02; what was tracked is in {Path('out')}"
    assert f"{told}{os.sep}Night Shop-02.txt.partial\n" in result.stderr
    assert (here / "out" / "Night Shop-01.txt").is_file()
    assert read_results(here / "out" / "Night Shop-02.txt.partial").last_frame == 11


def test_after_a_failure_it_is_told_what_was_tracked_and_the_others_go_on(
    root: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_writing(monkeypatch, "Night Shop-01.txt", 12, FileError("Night Shop-01.txt: cannot be written"))
    complaint = commands.fails("--seq", "Night*", "--data-root", root, "--output", "out")
    told = f"track: stopped after 11 of 30 frames of Night Shop-01; what was tracked is in {Path('out')}"
    assert complaint.splitlines() == [
        "track: Night Shop-01.txt: cannot be written",
        f"{told}{os.sep}Night Shop-01.txt.partial",
    ]
    assert read_results(here / "out" / "Night Shop-01.txt.partial").last_frame == 11
    assert (here / "out" / "Night Shop-02.txt").is_file()


def test_an_unforeseen_error_keeps_its_traceback_and_tells_what_was_tracked(
    root: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_writing(monkeypatch, "hall.txt", 12, RuntimeError("out of memory"))
    result = CliRunner().invoke(app, ["--seq", "hall", "--data-root", str(root), "--output", "hall.txt"])
    assert isinstance(result.exception, RuntimeError)
    told = "track: stopped after 11 of 30 frames of hall; what was tracked is in hall.txt.partial\n"
    assert result.stderr == told
    assert (here / "hall.txt.partial").is_file()


def test_a_failure_before_the_first_frame_leaves_nothing_to_tell(
    root: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "hall.txt").write_text("an old result\n")
    stop_writing(monkeypatch, "hall.txt", 1, FileError("hall.txt: cannot be written"))
    complaint = commands.fails("--seq", "hall", "--data-root", root, "--output", "hall.txt")
    assert complaint == "track: hall.txt: cannot be written\n"
