"""Videos, cameras and streams."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import cv2
import pytest

from reid.footage import video
from reid.footage.frames import SourceError
from reid.footage.opencv import silent_opencv
from reid.footage.sources import open_source
from reid.footage.video import VideoSource
from tests.reid.footage.numbered import HEIGHT, WIDTH, make_video, picture, read_all
from tests.reid.footage.streams import MotionJpegServer


def test_a_video(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "shop.avi"))
    assert (source.length, source.frame_rate, source.size, source.live) == (30, 25.0, (WIDTH, HEIGHT), False)
    assert read_all(source) == [(n, n) for n in range(1, 31)]
    assert source.notes == ()
    assert len(read_all(source)) == 30


def test_a_truncated_video_ends_where_it_ends_and_says_so(tmp_path: Path) -> None:
    path = make_video(tmp_path / "shop.avi")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_source(path)
    frames = read_all(source)
    assert 5 < len(frames) < 20
    assert source.notes == (f"{path}: ended after frame {len(frames)} of the 30 that it promises",)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.mp4"
    path.write_bytes(b"no video at all")
    with pytest.raises(SourceError, match=r"shop\.mp4: cannot be opened"):
        open_source(path)
    with pytest.raises(SourceError, match="camera 97: cannot be opened"):
        open_source("97")


def test_a_video_without_frames_is_refused(tmp_path: Path) -> None:
    source = VideoSource(str(make_video(tmp_path / "shop.avi")))
    assert source._capture is not None
    while source._capture.grab():
        pass
    with pytest.raises(SourceError, match="no frame can be decoded"):
        read_all(source)


def test_a_stream_that_is_lost_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "PATIENCE", 0.6)
    with MotionJpegServer([picture(number) for number in range(1, 13)], connections=3) as server:
        source = open_source(server.address.replace("//", "//me:secret@") + "?key=secret")
        assert (source.live, source.length, source.size) == (True, None, (WIDTH, HEIGHT))
        assert "secret" not in source.name + source.title
        assert source.title.endswith("-street")
        numbers = [frame.number for frame in source]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 20
    # Time goes on while it is away: a quarter of a second before the first try.
    assert source.frame_rate is not None
    longest = max(after - before for before, after in pairwise(numbers))
    assert longest > 0.25 * source.frame_rate
    assert source.was_away(0, numbers[-1])
    assert not source.was_away(0, 3)
    about = re.escape(source.name)
    notes = "\n".join(source.notes)
    assert len(re.findall(rf"^{about}: lost after frame \d+, back \d\.\d s later$", notes, re.MULTILINE)) == 2
    assert f"{source.name}: ended after frame {numbers[-1]}" in notes


def test_streams_that_differ_in_their_query_have_titles_of_their_own() -> None:
    with MotionJpegServer([picture(number) for number in range(1, 13)]) as server:

        def title(query: str) -> str:
            with open_source(server.address + query) as source:
                assert source.name == server.address
                return source.title

        plain = title("")
        cameras = [title(f"?channel={number}&stream=0") for number in (1, 2, 1)]
        assert cameras[0] == cameras[2] != cameras[1]
        for each in cameras:
            assert re.fullmatch(rf"{plain}-[0-9a-f]{{8}}", each)
        # Who is let in, and how, makes no other stream of it, and is not to be guessed from a name.
        for secret in ("token=secret", "user=me&password=secret", "u=me&p=secret", "%70wd=secret"):
            assert title(f"?{secret}#part") == plain
            assert title(f"?channel=1&{secret}&stream=0") == cameras[0]


def test_closing_ends_the_wait_for_a_lost_stream() -> None:
    with MotionJpegServer([picture(number) for number in range(1, 13)], connections=1) as server:
        source = open_source(server.address)
        for frame in source:
            started = time.perf_counter()
            if frame.number >= 8:
                break
    assert time.perf_counter() - started < 2.0


def test_a_stream_that_cannot_be_reached() -> None:
    with pytest.raises(SourceError) as raised:
        open_source("http://me:secret@127.0.0.1:9/street")
    assert str(raised.value) == (
        "http://127.0.0.1:9/street: cannot be opened; expected a stream that can be reached and decoded"
    )


def test_opencv_says_nothing_of_its_own() -> None:
    # In a process of its own: FFmpeg asks but once how much it may say.
    program = (
        "from reid.footage.sources import SourceError, open_source\n"
        "try: open_source('http://127.0.0.1:9/street')\n"
        "except SourceError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("http://127.0.0.1:9/street: cannot be opened")
    assert done.stderr == ""


def test_opencv_4_can_be_silenced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [3]
    monkeypatch.delattr(cv2.utils, "logging", raising=False)
    monkeypatch.setattr(cv2, "getLogLevel", lambda: levels[-1], raising=False)
    monkeypatch.setattr(cv2, "setLogLevel", levels.append, raising=False)
    with silent_opencv():
        assert levels[-1] == 0
    assert levels[-1] == 3


def test_a_password_may_have_brackets() -> None:
    # They begin an IPv6 address in a host, and Python's own urlsplit refuses one without the other.
    with pytest.raises(
        SourceError, match=r"^http://127\.0\.0\.1:9/street: cannot be opened; expected a stream"
    ):
        open_source("http://me:se[cret@127.0.0.1:9/street?key=1#part")


def test_a_text_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text("1,-1,10,20,30,40,0.9\n" * 100)
    with pytest.raises(SourceError, match=r"boxes\.txt: cannot be opened; expected a video"):
        open_source(path)
