"""``track --video``, ``--report`` and ``--show``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.commands import fails, track
from tests.tracker.sequences import SequenceMaker

pytestmark = pytest.mark.usefixtures("here")


def test_a_video_and_a_page_beside_the_result(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_images(root / "hall")
    arguments = ("--seq", "hall", "--data-root", root, "--descriptor", "none")
    result = track(*arguments, "--video", "v/a.mp4", "--report", "a.html")
    assert result.exit_code == 0
    assert f"-> {Path('results/deepsort/hall.txt')}, {Path('v/a.mp4')}, a.html" in result.stdout
    assert Path("v/a.mp4").stat().st_size > 10_000
    assert "hall: tracks" in Path("a.html").read_text(encoding="utf-8")


def test_videos_and_pages_of_several_sequences_go_into_a_folder(
    root: Path, make_sequence: SequenceMaker
) -> None:
    make_sequence.add_images(root / "Night Shop-01")
    make_sequence.add_images(root / "Night Shop-02")
    arguments = ("--seq", "Night*", "--data-root", root, "--output", "out", "--descriptor", "none")
    assert track(*arguments, "--video", "out", "--report", "out").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(
        f"Night Shop-0{number}.{suffix}" for number in (1, 2) for suffix in ("txt", "mp4", "html")
    )
    assert "all.mp4: 2 sequences cannot go into one file" in fails(*arguments, "--video", "all.mp4")


def test_a_video_needs_images(root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, "--video", "a.mp4")
    assert "no .jpg images; expected hall's" in complaint
    assert not Path("a.mp4").exists()


def test_a_video_of_an_unknown_kind(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_images(root / "hall")
    complaint = fails("--seq", "hall", "--data-root", root, "--video", "a.gif")
    assert "a.gif: no known kind of video; expected a name with .mp4" in complaint


def test_a_window_without_a_screen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert "no window can be opened" in fails("--seq", "hall", "--data-root", root, "--show")
