from __future__ import annotations

import re
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.footage import video
from reid.footage.frames import Frame, FrameSource, SourceError
from reid.footage.readahead import ReadAhead
from reid.footage.sequence import SequenceInfo
from reid.footage.sources import open_source
from reid.footage.video import VideoSource
from tests.reid.footage.streams import MotionJpegServer

HEIGHT, WIDTH = 48, 64


def picture(number: int) -> np.ndarray:
    """A BGR picture whose red says which one it is, up to 31."""
    image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    image[..., 2] = number % 32 * 8
    image[..., 0] = 255
    return image


def make_images(folder: Path, numbers: list[int], pattern: str = "{:06d}.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / pattern.format(number)), picture(number))
    return folder


def make_video(path: Path, frames: int = 30) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (WIDTH, HEIGHT))
    rng = np.random.default_rng(0)
    for number in range(1, frames + 1):
        image = picture(number)
        image[: HEIGHT // 2] = rng.integers(0, 255, (HEIGHT // 2, WIDTH, 3))
        writer.write(image)
    writer.release()
    return path


def shown(frame: Frame) -> int | None:
    """The number of the picture on a frame."""
    if frame.image is None:
        return None
    assert frame.image.dtype == np.uint8
    assert frame.image.shape == (HEIGHT, WIDTH, 3)
    red, _, blue = frame.image[-8:].mean(axis=(0, 1))
    assert blue > 200
    return round(red / 8)


def read_all(source: FrameSource) -> list[tuple[int, int | None]]:
    return [(frame.number, shown(frame)) for frame in source]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "read-ahead"] == []


def test_a_folder_of_images_in_natural_order(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "shop", list(range(1, 12)), "frame{}.png")
    (folder / "notes.txt").touch()
    (folder / ".hidden.png").touch()
    with open_source(folder) as source:
        assert (source.length, source.size, source.frame_rate, source.live) == (
            11,
            (WIDTH, HEIGHT),
            None,
            False,
        )
        assert read_all(source) == [(n, n) for n in range(1, 12)]
        assert source.notes == ()
        assert read_all(source)[0] == (1, 1)  # and again from the start


def test_a_pattern_or_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_images(tmp_path / "shop", [1, 2, 3])
    make_images(folder, [9], "other{}.png")
    assert read_all(open_source(str(folder / "0*.png"))) == [(1, 1), (2, 2), (3, 3)]
    assert read_all(open_source(folder / "other9.png")) == [(1, 9)]
    monkeypatch.chdir(tmp_path)
    assert read_all(open_source("shop/0*2.png")) == [(1, 2)]


def test_a_gap_in_the_numbering_is_a_missing_frame(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = open_source(make_images(tmp_path / "shop", [1, 2, 4, 5]))
    assert source.length == 5
    assert read_all(source) == [(1, 1), (2, 2), (3, None), (4, 4), (5, 5)]
    assert source.notes == (f"{tmp_path / 'shop'}: 1 of 5 images missing or damaged (frame 3)",)
    assert "frame 3" in caplog.text


@pytest.mark.parametrize(
    "numbers, pattern",
    [
        ([0, 5, 10, 15], "{:06d}.png"),  # every fifth frame
        ([3, 4, 29], "{:06d}.png"),  # no frame numbers
        ([7, 8, 9], "shop{}.png"),  # from the middle
    ],
)
def test_numbers_that_are_no_gaps(tmp_path: Path, numbers: list[int], pattern: str) -> None:
    source = open_source(make_images(tmp_path / "shop", numbers, pattern))
    assert read_all(source) == list(enumerate(numbers, start=1))


def test_images_without_numbers_follow_their_names(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "shop", [2], "b.png")
    make_images(folder, [1], "a.png")
    make_images(folder, [3], "c10.png")
    assert read_all(open_source(folder)) == [(1, 1), (2, 2), (3, 3)]


def test_a_damaged_image_is_a_missing_frame(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = make_images(tmp_path / "shop", [1, 2, 3, 4])
    damaged = folder / "000002.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    (folder / "000003.png").write_bytes(b"")
    source = open_source(folder)
    assert read_all(source) == [(1, 1), (2, None), (3, None), (4, 4)]
    assert source.notes[0].endswith("2 of 4 images missing or damaged (frames 2, 3)")
    assert str(damaged) in caplog.text


def test_nothing_readable_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "000001.png").write_bytes(b"no image")
    with pytest.raises(SourceError, match="no image can be read"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match="no images; expected"):
        open_source(tmp_path / "*.jpg")
    with pytest.raises(SourceError, match="no such file or folder") as raised:
        open_source(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(raised.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no images"):
        open_source(tmp_path / "empty")


@pytest.fixture
def sequence(tmp_path: Path) -> SequenceInfo:
    folder = make_images(tmp_path / "MOT16-99" / "img1", [1, 2, 4]).parent
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nimDir=img1\nframeRate=14\nseqLength=5\nimWidth=64\nimHeight=48\nimExt=.png\n"
    )
    return SequenceInfo.read(folder)


def test_a_sequence_has_all_its_frames(sequence: SequenceInfo) -> None:
    for spec in (sequence, sequence.folder, str(sequence.folder)):
        source = open_source(spec)
        assert (source.name, source.length, source.frame_rate, source.size) == ("MOT16-99", 5, 14.0, (64, 48))
        assert read_all(source) == [(1, 1), (2, 2), (3, None), (4, 4), (5, None)]
        assert source.notes[0].endswith("(frames 3, 5)")


def test_a_sequence_without_images_is_refused(sequence: SequenceInfo) -> None:
    for path in sequence.image_folder.iterdir():
        path.unlink()
    with pytest.raises(SourceError, match=r"no \.png images; expected MOT16-99's"):
        open_source(sequence)


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


def interrupt_at_frame_3(path: Path) -> None:
    with open_source(path) as source:
        for frame in source:
            if frame.number == 3:
                raise KeyboardInterrupt


def test_leaving_early_ends_the_thread_promptly(tmp_path: Path) -> None:
    path = make_video(tmp_path / "shop.avi", frames=200)
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        interrupt_at_frame_3(path)
    assert time.perf_counter() - started < 2.0


def test_closing_ends_an_iteration(tmp_path: Path) -> None:
    source = open_source(make_video(tmp_path / "shop.avi", frames=100))
    numbers = []
    for frame in source:
        numbers.append(frame.number)
        if frame.number == 2:
            source.close()
    assert numbers == [1, 2]
    assert len(read_all(source)) == 100


class Ticker(FrameSource):
    """A live source that ticks every five milliseconds, as a camera would."""

    name, title, length, frame_rate, size, live = "ticker", "ticker", None, None, None, True

    def __init__(self, frames: int, fault: Exception | None = None) -> None:
        super().__init__()
        self._count = frames
        self._fault = fault

    def _frames(self) -> Generator[Frame]:
        for number in range(1, self._count + 1):
            time.sleep(0.005)
            yield Frame(number, None)
        if self._fault:
            raise self._fault


def test_of_a_live_source_the_newest_frame_wins() -> None:
    source = Ticker(40)
    numbers = []
    for frame in source:
        numbers.append(frame.number)
        time.sleep(0.03)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 40
    assert len(numbers) < 30
    assert source.dropped == 40 - len(numbers)


def test_a_fault_in_the_thread_surfaces_at_the_consumer() -> None:
    with pytest.raises(SourceError, match="ticker: the cable is out"):
        read_all(Ticker(2, OSError("the cable is out")))
    with pytest.raises(SourceError, match=r"^frame 7$"):
        read_all(Ticker(0, SourceError("frame 7")))


def test_a_video_without_frames_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = VideoSource(str(make_video(tmp_path / "shop.avi")))
    assert source._capture is not None
    while source._capture.grab():
        pass
    with pytest.raises(SourceError, match="no frame can be decoded"):
        read_all(source)


def test_reading_ahead_is_bounded() -> None:
    produced = []

    def items() -> Generator[int]:
        for number in range(100):
            produced.append(number)
            yield number

    ahead = ReadAhead(items(), depth=3)
    taken = [next(ahead), next(ahead)]
    time.sleep(0.1)
    assert taken == [0, 1]
    assert len(produced) == 2 + 3 + 1  # taken, waiting, and the one in the producer's hand
    assert list(ahead) == list(range(2, 100))
    ahead.close()


def test_the_generator_is_closed_in_its_own_thread() -> None:
    closed_in = []

    def items() -> Generator[int]:
        try:
            while True:
                yield 0
        finally:
            closed_in.append(threading.current_thread().name)

    ahead = ReadAhead(items(), depth=1)
    next(ahead)
    ahead.close()
    assert closed_in == ["read-ahead"]
    with pytest.raises(StopIteration):
        next(ahead)


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
    about = re.escape(source.name)
    notes = "\n".join(source.notes)
    assert len(re.findall(rf"^{about}: lost after frame \d+, back \d\.\d s later$", notes, re.MULTILINE)) == 2
    assert f"{source.name}: ended after frame {numbers[-1]}" in notes


def test_closing_ends_the_wait_for_a_lost_stream() -> None:
    with MotionJpegServer([picture(number) for number in range(1, 13)], connections=1) as server:
        source = open_source(server.address)
        for frame in source:
            started = time.perf_counter()
            if frame.number >= 8:
                break
    assert time.perf_counter() - started < 2.0


def test_a_stream_that_cannot_be_reached(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError) as raised:
        open_source("http://me:secret@127.0.0.1:9/street")
    assert str(raised.value) == (
        "http://127.0.0.1:9/street: cannot be opened; expected a stream that can be reached and decoded"
    )


def test_a_text_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text("1,-1,10,20,30,40,0.9\n" * 100)
    with pytest.raises(SourceError, match=r"boxes\.txt: cannot be opened; expected a video"):
        open_source(path)


def test_all_images_have_one_size(tmp_path: Path, sequence: SequenceInfo) -> None:
    folder = make_images(tmp_path / "shop", [1, 2, 3])
    other = folder / "000003.png"
    cv2.imwrite(str(other), np.zeros((20, 30, 3), np.uint8))
    numbers = []
    with pytest.raises(SourceError) as raised:
        numbers += [frame.number for frame in open_source(folder)]
    assert str(raised.value) == f"{other}: 30×20 pixels; expected 64×48, as the first image says"
    info = sequence.folder / "seqinfo.ini"
    info.write_text(info.read_text().replace("imWidth=64", "imWidth=640"))
    with pytest.raises(SourceError, match=r"000001\.png: 64×48 pixels; expected 640×48, as .*seqinfo\.ini"):
        open_source(sequence.folder)


def test_titles_are_fit_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_images(tmp_path / "my shop", [1, 2, 3])
    assert open_source(folder).title == "my shop"
    assert open_source(folder / "0*.png").title == "my shop"
    assert open_source(tmp_path / "my*" / "0*.png").title == tmp_path.name
    assert open_source(make_video(tmp_path / "my shop.avi")).title == "my shop"
    monkeypatch.chdir(folder)
    assert open_source(".").title == "my shop"
    assert open_source("*.png").title == "my shop"


def test_files_are_what_is_read(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "shop", [1, 2, 4])
    names = [path.name for path in open_source(folder).files]
    assert names == ["000001.png", "000002.png", "000004.png"]
    path = make_video(tmp_path / "shop.avi")
    assert open_source(path).files == (path,)
