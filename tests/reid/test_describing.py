"""Overlapped description: the same as frame by frame, and no thread survives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.crops import Boxes
from reid.describing import Described, Describing, Finding
from reid.descriptor import Crops, Description, Descriptor
from reid.footage.frames import Frame, FrameSource
from reid.footage.sources import open_source
from reid.histogram_descriptor import HistogramDescriptor
from reid.models import VAE
from reid.network_descriptor import save_descriptor
from reid.vectorcache import VectorCache

FRAMES = 40


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Counting(HistogramDescriptor):
    """Notes how many crops come at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, crops: Crops) -> Description:
        self.batches.append(len(crops.images))
        return super().encode(crops)


def boxes_of(number: int) -> Boxes:
    """Between none and four boxes, one of them partly, one wholly outside."""
    boxes = np.array([[10.0, 5, 30, 45], [40, 53.5, 60, 93], [-10, 10, 12, 60], [500, 500, 520, 540]])
    return boxes[: number % 5] + np.array([number % 3, 0, number % 3, 0])


def find(frame: Frame) -> Finding[int]:
    return Finding(frame.number * 10, boxes_of(frame.number))


def frame_by_frame(source: FrameSource, descriptor: Descriptor) -> list[Description]:
    return [descriptor.describe(frame.image, boxes_of(frame.number)) for frame in source]


def same(described: list[Described[int]], expected: list[Description], tolerance: float = 0.0) -> None:
    assert [frame.number for frame in described] == list(range(1, len(expected) + 1))
    assert [frame.found for frame in described] == [10 * frame.number for frame in described]
    for frame, description in zip(described, expected, strict=True):
        assert frame.description is not None
        for ours, theirs in zip(frame.description, description, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=tolerance * np.nanmax(np.abs(theirs), initial=1))


def test_it_is_the_same_as_frame_by_frame(street: Path) -> None:
    source, descriptor = open_source(street), Counting()
    describing = Describing(source, find, descriptor)
    described = list(describing)
    same(described, frame_by_frame(source, HistogramDescriptor()))
    assert all(frame.image is None for frame in described)
    # 80 boxes in 40 frames: a batch is closed by the frame that fills it.
    assert sum(descriptor.batches) == 80
    assert 64 <= descriptor.batches[0] < 68
    assert 0 < describing.encoding < 60
    # And again, from the first frame.
    same(list(describing), frame_by_frame(source, HistogramDescriptor()))


def test_a_network_gives_the_same_too(
    street: Path, tmp_path: Path, tiny_model: VAE, make_people: Callable[..., np.ndarray]
) -> None:
    crops = make_people(40, (32, 16))
    path = tmp_path / "a.safetensors"
    descriptor = save_descriptor(path, tiny_model, crops, metric="cosine", policy="squash")
    source = open_source(street)
    # Another number of crops at once rounds differently.
    same(list(Describing(source, find, descriptor)), frame_by_frame(source, descriptor), tolerance=0.02)


def test_images_come_along_where_they_are_wanted(street: Path) -> None:
    source, descriptor = open_source(street), Counting()
    described = list(Describing(source, find, descriptor, keep_images=True))
    for frame, original in zip(described, source, strict=True):
        np.testing.assert_array_equal(frame.image, original.image)
    # Frames are large: few of them wait for each other.
    assert max(descriptor.batches) <= 8 * 4


def test_without_a_descriptor_nothing_is_described(street: Path) -> None:
    described = list(Describing(open_source(street), find, None, keep_images=True))
    assert [frame.found for frame in described] == [10 * number for number in range(1, FRAMES + 1)]
    assert {frame.description for frame in described} == {None}


def test_a_missing_image_leaves_its_boxes_undescribed(street: Path) -> None:
    (street / "img1" / "000003.png").unlink()
    (street / "img1" / "000004.png").write_bytes(b"no image")
    source = open_source(street)
    described = list(Describing(source, find, HistogramDescriptor()))
    for frame in described:
        assert frame.description is not None
        assert frame.description.vectors.shape == (frame.number % 5, 320)
        expected = np.array([True, True, True, False]) & (frame.number not in (3, 4))
        visible = np.isfinite(frame.description.vectors).all(axis=1)
        assert visible.tolist() == expected[: frame.number % 5].tolist()
    assert "2 of 40 images missing or damaged (frames 3, 4)" in source.notes[0]


class Endless(FrameSource):
    """Frames for ever, as fast as they are taken."""

    name = title = "endless"
    length = frame_rate = size = None

    def __init__(self, *, live: bool = False, fails_at: int = 0, pause: float = 0.0) -> None:
        super().__init__()
        self.live = live
        self._fails_at = fails_at
        self._pause = pause

    def _frames(self) -> Generator[Frame]:
        number = 0
        while True:
            number += 1
            if number == self._fails_at:
                raise OSError("the cable came off")
            time.sleep(self._pause)
            yield Frame(number, np.full((100, 100, 3), number % 256, dtype=np.uint8))


def test_whoever_has_seen_enough_stops_all_threads() -> None:
    describing = Describing(Endless(), find, HistogramDescriptor())
    taken = iter(describing)
    assert [next(taken).number for _ in range(70)] == list(range(1, 71))
    taken.close()


def test_a_live_source_is_not_kept_waiting() -> None:
    descriptor = Counting()
    taken = iter(Describing(Endless(live=True, pause=0.01), find, descriptor))
    for _ in range(10):
        next(taken)
    taken.close()
    # Each frame on its own, at once: frame n has n mod 5 boxes.
    assert max(descriptor.batches) <= 4


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_an_error_while_frames_are_used_stops_all_threads(kind: type[BaseException]) -> None:
    def use() -> None:
        taken = iter(Describing(Endless(), find, HistogramDescriptor()))
        try:
            for frame in taken:
                if frame.number == 12:
                    raise kind
        finally:
            taken.close()

    with pytest.raises(kind):
        use()


def numbers_before(error: type[Exception], words: str, describing: Describing[int]) -> list[int]:
    """The frames that came before an error."""
    numbers: list[int] = []

    def take() -> None:
        numbers.extend(frame.number for frame in describing)

    with pytest.raises(error, match=words):
        take()
    return numbers


def test_an_error_in_the_source_comes_after_all_frames_before_it() -> None:
    describing = Describing(Endless(fails_at=21), find, HistogramDescriptor())
    assert numbers_before(ValueError, "endless: the cable came off", describing) == list(range(1, 21))


def test_an_error_of_the_finder_comes_after_all_frames_before_it() -> None:
    def failing(frame: Frame) -> Finding[int]:
        if frame.number == 15:
            raise RuntimeError("no boxes any more")
        return find(frame)

    describing = Describing(Endless(), failing, HistogramDescriptor())
    assert numbers_before(RuntimeError, "no boxes any more", describing) == list(range(1, 15))


def test_an_error_of_the_descriptor_is_told() -> None:
    class Broken(HistogramDescriptor):
        def encode(self, crops: Crops) -> Description:
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(Describing(Endless(), find, Broken()))


class Unread(FrameSource):
    """The same frames, which nobody may decode."""

    def __init__(self, source: FrameSource) -> None:
        super().__init__()
        self.name = self.title = "unread"
        self.length, self.frame_rate, self.size = source.length, None, None
        self.fingerprint = source.fingerprint  # type: ignore[method-assign]

    def _frames(self) -> Generator[Frame]:
        raise AssertionError("decoded")
        yield


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with VectorCache(tmp_path / "vectors.sqlite") as cache:
        yield cache
        assert cache.notes == []


def test_what_is_known_is_neither_encoded_nor_decoded(street: Path, cache: VectorCache) -> None:
    source = open_source(street)
    first = list(Describing(source, find, HistogramDescriptor(), cache=cache))
    descriptor = Counting()
    second = list(Describing(Unread(source), find, descriptor, cache=cache))
    same(second, [frame.description for frame in first if frame.description is not None])
    assert descriptor.batches == []


class Film(FrameSource):
    """A video whose container says another number of frames than there are."""

    name = title = "film"
    frame_rate = size = None
    exact_length = False

    def __init__(self, promised: int, frames: int, *, fails_at: int = 0, waits_at: int = 0) -> None:
        super().__init__()
        self.length = promised
        self.decoded = 0
        self._count, self._fails_at, self._waits_at = frames, fails_at, waits_at

    def fingerprint(self, number: int) -> str:
        return f"film {number}"

    def _frames(self) -> Generator[Frame]:
        for number in range(1, self._count + 1):
            if number == self._fails_at:
                raise OSError("the disk is gone")
            if number == self._waits_at and self._stopping.wait(10):
                return
            self.decoded += 1
            yield Frame(number, np.full((100, 100, 3), number, dtype=np.uint8))


def test_what_was_stopped_where_a_promise_ends_goes_on_behind_it(cache: VectorCache) -> None:
    stopped = Describing(Film(12, 30, fails_at=13), find, HistogramDescriptor(), cache=cache)
    assert numbers_before(ValueError, "the disk is gone", stopped) == list(range(1, 13))
    same(
        list(Describing(film := Film(12, 30), find, HistogramDescriptor(), cache=cache)),
        frame_by_frame(film, HistogramDescriptor()),
    )


def test_other_boxes_behind_the_promised_end_are_described(cache: VectorCache) -> None:
    def later(frame: Frame) -> Finding[int]:
        return Finding(frame.number * 10, boxes_of(frame.number)[frame.number > 12 :])

    list(Describing(Film(12, 30), later, HistogramDescriptor(), cache=cache))
    described = list(Describing(film := Film(12, 30), find, HistogramDescriptor(), cache=cache))
    same(described, frame_by_frame(film, HistogramDescriptor()))


def test_a_video_that_keeps_its_promise_is_decoded_once(cache: VectorCache) -> None:
    first = list(Describing(Film(30, 30), find, HistogramDescriptor(), cache=cache))
    again = Film(30, 30)
    second = list(Describing(again, find, HistogramDescriptor(), cache=cache))
    same(second, [frame.description for frame in first if frame.description is not None])
    assert again.decoded == 0


def test_a_video_that_was_closed_has_not_ended(cache: VectorCache) -> None:
    def nobody(frame: Frame) -> Finding[int]:
        return Finding(frame.number, boxes_of(0))

    taken = iter(Describing(Film(12, 30, waits_at=13), nobody, HistogramDescriptor(), cache=cache))
    for _ in range(12):
        next(taken)
    taken.close()
    assert len(list(Describing(Film(12, 30), nobody, HistogramDescriptor(), cache=cache))) == 30


def test_where_images_are_wanted_only_encoding_is_saved(street: Path, cache: VectorCache) -> None:
    source = open_source(street)
    first = list(Describing(source, find, HistogramDescriptor(), cache=cache))
    descriptor = Counting()
    second = list(Describing(source, find, descriptor, keep_images=True, cache=cache))
    same(second, [frame.description for frame in first if frame.description is not None])
    assert sum(descriptor.batches) == 0
    assert all(frame.image is not None for frame in second)


def test_only_new_boxes_are_encoded(street: Path, cache: VectorCache) -> None:
    source = open_source(street)

    def fewer(frame: Frame) -> Finding[int]:
        return Finding(frame.number * 10, boxes_of(frame.number)[1:])

    list(Describing(source, fewer, HistogramDescriptor(), cache=cache))
    descriptor = Counting()
    described = list(Describing(source, find, descriptor, cache=cache))
    same(described, frame_by_frame(source, HistogramDescriptor()))
    # 80 boxes, of which the first in each of 32 frames is new.
    assert sum(descriptor.batches) == 32


def test_a_changed_image_is_described_anew(street: Path, cache: VectorCache) -> None:
    source = open_source(street)
    list(Describing(source, find, HistogramDescriptor(), cache=cache))
    image = street / "img1" / "000019.png"
    cv2.imwrite(str(image), cv2.imread(str(image))[::-1])
    descriptor = Counting()
    described = list(Describing(source, find, descriptor, cache=cache))
    same(described, frame_by_frame(source, HistogramDescriptor()))
    assert sum(descriptor.batches) == 4


def test_footage_that_was_moved_is_known(street: Path, tmp_path: Path, cache: VectorCache) -> None:
    list(Describing(open_source(street), find, HistogramDescriptor(), cache=cache))
    moved = street.rename(tmp_path / "elsewhere")
    descriptor = Counting()
    assert len(list(Describing(open_source(moved), find, descriptor, cache=cache))) == FRAMES
    assert descriptor.batches == []
