"""The command ``track``, stopped with Ctrl-C."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from tests.tracker import commands
from tests.tracker.interrupting import interrupted
from tests.tracker.sequences import SequenceMaker
from tracker.tables import read_results

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
