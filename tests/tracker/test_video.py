"""Video files and the window."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from reid.files import FileError
from reid.footage.frames import SourceError
from tests.tracker.sequences import SequenceMaker
from tracker import Detections, Tracks, load_config, video
from tracker.drawing import colour_of
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import track_sequence
from tracker.sinks import SinkError, Step
from tracker.video import VideoSink, VideoWriter, WindowSink

SORT = load_config("sort")


def picture(level: int, height: int = 120, width: int = 160) -> np.ndarray:
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[..., 0] = level
    return image


def frames(path: Path) -> list[np.ndarray]:
    """The pictures of a video, RGB."""
    capture, found = cv2.VideoCapture(str(path)), []
    while True:
        decoded, image = capture.read()
        if not decoded:
            return found
        found.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "A.MP4"])
def test_pictures_come_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / name
    writer = VideoWriter(path, 12.5)
    for level in range(0, 250, 25):
        writer.write(picture(level))
    writer.close(complete=True)
    found = frames(path)
    assert len(found) == 10
    for level, image in zip(range(0, 250, 25), found, strict=True):
        assert image.shape == (120, 160, 3)
        red, green, blue = image.mean(axis=(0, 1))
        assert red == pytest.approx(level, abs=12)
        assert max(green, blue) < 12
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    assert [file.name for file in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi"])
@pytest.mark.parametrize(
    "rate",
    [0.002, 1 / 240, 0.5, 24000 / 1001, 65.5354, 66.6667, 83.3333, 119.8765, 239.1234, 655.357, 1000.0],
)
def test_a_video_keeps_its_duration_at_any_frame_rate(name: str, rate: float, tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / name, rate)
    for level in (0, 80, 160, 240):
        writer.write(picture(level))
    writer.close(complete=True)
    assert len(frames(tmp_path / name)) == 4
    written = cv2.VideoCapture(str(tmp_path / name)).get(cv2.CAP_PROP_FPS)
    # OpenCV hands on thousandths; where MPEG-4 cannot count so fine, the error is still a few of them.
    assert written == pytest.approx(rate, abs=0.001, rel=1e-5)


@pytest.mark.parametrize(
    "rate, nearest",
    [
        (7000.3, 7000.25),
        (65535.7, 65535),
        (1e9, 65535),
        (1 / 3600, 0.002),
        (66.6667, 66.666),
        (83.3333, 83.334),
    ],
)
def test_rates_that_cannot_be_written_become_the_nearest_that_can(
    rate: float, nearest: float, tmp_path: Path
) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", rate)
    writer.write(picture(100))
    writer.write(picture(100))
    writer.close(complete=True)
    written = cv2.VideoCapture(str(tmp_path / "a.mp4")).get(cv2.CAP_PROP_FPS)
    assert written == pytest.approx(nearest, rel=1e-7)


def test_sizes_that_are_odd(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 25)
    for _ in range(5):
        writer.write(picture(100, 121, 161))
    writer.close(complete=True)
    assert [image.shape for image in frames(tmp_path / "a.mp4")] == [(120, 160, 3)] * 5


def test_pictures_stay_while_frames_are_missing(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "shop.mp4")
    sink.begin(SimpleNamespace(frame_rate=10.0, size=(160, 120)))  # type: ignore[arg-type]
    # After a minute nobody wants to look at one picture for as long.
    for number, level in ((1, 250), (5, 0), (605, 250)):
        sink.add(Step(number, picture(level), Detections.empty(), Tracks.empty()))
    sink.end(complete=True)
    red = [image[60, 20:, 0].mean() > 125 for image in frames(tmp_path / "shop.mp4")]
    assert red == [True] * 4 + [False] * 21 + [True]


def test_what_is_there_when_it_is_stopped_is_a_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("an older one")
    writer = VideoWriter(tmp_path / "a.mp4", 25)
    for _ in range(7):
        writer.write(picture(100))
    writer.close(complete=False)
    assert (tmp_path / "a.mp4").read_text() == "an older one"
    assert writer.partial_path.name == "a.partial.mp4"
    assert len(frames(writer.partial_path)) == 7


def test_without_pictures_there_is_no_file(tmp_path: Path) -> None:
    VideoWriter(tmp_path / "a.mp4", 25).close(complete=True)
    assert not list(tmp_path.iterdir())


def test_the_next_codec_is_taken_when_one_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(video, "_CODECS", {".mp4": ("none", "mp4v")})
    writer = VideoWriter(tmp_path / "a.mp4", 25)
    writer.write(picture(100))
    writer.close(complete=True)
    assert writer.codec == "mp4v"
    assert "ERROR" not in capfd.readouterr().err


def test_no_codec_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_CODECS", {".mp4": ("none", "nope")})
    with pytest.raises(FileError, match=r"a\.mp4: this OpenCV cannot write \.mp4 .*none, nope.*\.avi"):
        VideoWriter(tmp_path / "a.mp4", 25).write(picture(100))


def test_another_size_on_the_way(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 25)
    writer.write(picture(100))
    with pytest.raises(FileError, match=r"a\.mp4: picture 2 is 80×60; expected 160×120"):
        writer.write(picture(100, 60, 80))


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.mp4").mkdir()
    for path, words in (
        (tmp_path / "file" / "a.mp4", "cannot be written"),
        (tmp_path / "folder.mp4", "is a folder"),
        (tmp_path / "a.gif", "no known kind of video; expected a name with .mp4"),
    ):
        with pytest.raises(FileError, match=words):
            VideoWriter(path, 25)


def test_a_disk_that_is_full_is_noticed(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 25)
    for _ in range(5):
        writer.write(picture(100))
    assert writer._video is not None
    writer._video.release()
    writer.partial_path.write_bytes(writer.partial_path.read_bytes()[:100])
    with pytest.raises(FileError, match=r"0 of 5 pictures can be read back; expected all"):
        writer.close(complete=True)
    assert not (tmp_path / "a.mp4").exists()


def test_a_sequence_as_a_video(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=12)
    make_sequence.add_images(folder)
    sink = VideoSink(tmp_path / "shop.mp4")
    track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "shop.txt", sinks=[sink])
    pictures = frames(tmp_path / "shop.mp4")
    assert [image.shape for image in pictures] == [(480, 640, 3)] * 12
    # The second person's box in frame 10, its left edge at 300 - 2·9 in a file that counts from 1.
    edge = pictures[9][90:150, 279:284].astype(int)
    assert (np.abs(edge - colour_of(2)).sum(axis=-1).min(axis=1) < 150).mean() > 0.8


def test_frames_without_an_image_keep_the_time(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=12)
    make_sequence.add_images(folder, missing=(1, 5))
    sink = VideoSink(tmp_path / "shop.mp4")
    track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "shop.txt", sinks=[sink])
    brightness = [image[440:, 300:].mean() for image in frames(tmp_path / "shop.mp4")]
    dark = [number for number, level in enumerate(brightness, 1) if level < 60]
    assert (len(brightness), dark) == (12, [1, 5])


def test_a_sequence_without_images_has_no_video(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    sequence = SequenceInfo.read(make_sequence("shop"))
    with pytest.raises(SourceError, match=r"no \.jpg images"):
        track_sequence(sequence, SORT, tmp_path / "shop.txt", sinks=[VideoSink(tmp_path / "shop.mp4")])
    assert not (tmp_path / "shop.mp4").exists()


def test_ctrl_c_leaves_the_video_so_far(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop")
    make_sequence.add_images(folder)
    sink = VideoSink(tmp_path / "shop.mp4")

    def stop(number: int) -> None:
        if number == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "a.txt", sinks=[sink], advance=stop)
    assert sink.kept is not None
    assert len(frames(sink.kept)) == 8
    assert not (tmp_path / "shop.mp4").exists()


def test_a_window_needs_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with pytest.raises(SinkError, match=r"no window can be opened.*expected a screen"):
        WindowSink()


@pytest.mark.parametrize("keys, shown", [([-1] * 12, 12), ([-1, -1, ord("q")], 3), ([-1, 27], 2)])
def test_a_window_shows_every_frame_until_the_user_has_enough(
    keys: list[int],
    shown: int,
    make_sequence: SequenceMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make_sequence("shop", length=12)
    make_sequence.add_images(folder)
    pictures: list[np.ndarray] = []
    pressed = iter(keys)
    waits: list[int] = []

    def wait(milliseconds: int) -> int:
        waits.append(milliseconds)
        time.sleep(milliseconds / 1000)
        return next(pressed)

    # A screen of cardboard: what is shown and asked is noted.
    monkeypatch.setattr(video.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0))
    for name in ("namedWindow", "resizeWindow", "destroyAllWindows"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: pictures.append(picture))
    monkeypatch.setattr(cv2, "waitKey", wait)
    stopped = pytest.raises(KeyboardInterrupt) if shown < 12 else nullcontext()
    with stopped:
        track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "shop.txt", sinks=[WindowSink()])
    assert len(pictures) == shown
    # Blue first, as OpenCV shows pictures: the third person is blue-ish in the file (BGR 200, 80, 40).
    blue, _, red = pictures[0][300, 530].astype(int)
    assert blue > red + 100
    assert 1 <= max(waits) <= 40  # 25 pictures a second
    assert (tmp_path / "shop.txt").is_file() == (shown == 12)
