"""Frames that are looked at on their way to the engine: by a detector, by a descriptor, in threads."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reid.files import FileError
from reid.footage.frames import Frame, FrameSource, SourceError
from reid.footage.sources import open_source
from reid.histogram_descriptor import HistogramDescriptor
from reid.images import read_image
from reid.vectorcache import VectorCache
from tests.reid.footage.numbered import make_video
from tests.tracker.sequences import SequenceMaker
from tracker import Detections, Tracker, TrackerConfig, calibrated_config, load_config
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import SequenceRun, track_sequence
from tracker.tables import read_detections, read_results

SORT, DEEPSORT = load_config("sort"), load_config("deepsort")


class Finder:
    """A detector that sees people where the picture is not grey."""

    name = "finder"
    notes = ("nobody has tested it",)
    needs_images = True

    def __init__(self, fails_at: int = 0) -> None:
        self._fails_at = fails_at

    def __call__(self, number: int, image: NDArray[np.uint8] | None) -> Detections:
        if number == self._fails_at:
            raise FileError("finder: out of order")
        if image is None:
            return Detections.empty()
        coloured, strongest = np.ptp(image.astype(int), axis=2) > 60, image.argmax(axis=2)
        boxes = []
        for colour in range(3):
            rows, columns = np.nonzero(coloured & (strongest == colour))
            if len(rows):
                boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        return Detections(boxes) if boxes else Detections.empty()


class Gaps(FrameSource):
    """Somebody red who stands still, in frames some of which are left out, as where a camera is too fast."""

    name, title, length, frame_rate, size = "gaps", "gaps", None, 10.0, (64, 48)

    def __init__(self, *numbers: int, was_away: bool = False) -> None:
        super().__init__()
        self._numbers, self._was_away = numbers, was_away

    def was_away(self, after: int, until: int) -> bool:
        return self._was_away

    def _frames(self) -> Generator[Frame]:
        image = np.full((48, 64, 3), 128, dtype=np.uint8)
        image[8:40, 20:36] = (250, 0, 0)
        for number in self._numbers:
            yield Frame(number, image)


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def street(make_sequence: SequenceMaker, no_thread_is_left: None) -> Path:
    folder = make_sequence("street", length=24, empty=(9, 10, 11))
    make_sequence.add_images(folder, missing=(5,))
    return folder


def test_dropped_frames_do_not_count_as_tracked(tmp_path: Path, no_thread_is_left: None) -> None:
    report = track_sequence(Gaps(1, 4, 9), SORT, tmp_path / "gaps.txt", detections=Finder())
    assert (report.frames, report.tracked) == (9, 3)


@pytest.mark.parametrize(
    "config, numbers, last_id",
    [
        # For a second at the most a camera may be away, whatever a tracker's patience …
        (SORT, (1, 2, 3, 9, 12, 20, 30), 1),
        (SORT, (1, 2, 3, 15, 16, 17, 18), 2),
        # … and for as many frames as a track would wait for its detection.
        (DEEPSORT, (1, 2, 3, 4, 30, 31, 32, 33), 1),
        (DEEPSORT, (1, 2, 3, 4, 40, 41, 42, 43), 2),
    ],
)
def test_tracks_end_where_a_source_was_away_for_long(
    config: TrackerConfig, numbers: tuple[int, ...], last_id: int, no_thread_is_left: None
) -> None:
    steps = list(SequenceRun(Gaps(*numbers, was_away=True), config, Finder()))
    assert [number for number, _ in steps] == list(numbers)
    assert steps[-1][1].ids.tolist() == [last_id]
    # However slow a machine is: what it drops ends no track.
    steps = list(SequenceRun(Gaps(*numbers), config, Finder()))
    assert steps[-1][1].ids.tolist() == [1]


def test_described_sequences_are_tracked_as_frame_by_frame(street: Path, tmp_path: Path) -> None:
    sequence, look = SequenceInfo.read(street), HistogramDescriptor()
    config = calibrated_config("deepsort", look)
    report = track_sequence(sequence, config, tmp_path / "a.txt", descriptor=look)
    assert (report.appearance, report.frames) == ("histogram", 24)
    assert 0 < report.encoding < report.seconds
    assert "1 of 24 images missing or damaged (frame 5)" in report.notes[0]
    written, tracker = read_results(report.result), Tracker(config)
    table = read_detections(street / "det" / "det.txt")
    for number in range(1, 25):
        found = table.frame(number)
        vectors = np.full((len(found), look.width), np.nan)
        if number != 5:
            vectors = look(read_image(sequence.image_path(number)), found.boxes)
        tracks = tracker.update(Detections(found.boxes, found.scores, found.classes, vectors))
        rows = written.frame(number)
        assert rows.ids.tolist() == tracks.ids.tolist()
        np.testing.assert_allclose(rows.boxes, tracks.boxes, atol=0.0101)


def test_another_tracker_finds_all_vectors_known(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (street / "img1" / "000005.jpg").write_bytes((street / "img1" / "000004.jpg").read_bytes())
    sequence, look = SequenceInfo.read(street), HistogramDescriptor()
    plain = track_sequence(
        sequence, calibrated_config("bytetrack", look), tmp_path / "a.txt", descriptor=look
    )
    with VectorCache() as cache:
        deepsort = calibrated_config("deepsort", look)
        track_sequence(sequence, deepsort, tmp_path / "b.txt", descriptor=look, cache=cache)
        monkeypatch.setattr("reid.footage.stills.ImageSource._frames", lambda self: pytest.fail("decoded"))
        monkeypatch.setattr(HistogramDescriptor, "encode", lambda self, crops: pytest.fail("encoded"))
        config = calibrated_config("bytetrack", look, ["detections.min_confidence=0.5"])
        again = track_sequence(sequence, config, tmp_path / "c.txt", descriptor=look, cache=cache)
    assert again.encoding == 0
    assert again.result.read_text() == plain.result.read_text()


def test_frames_from_anywhere_and_a_detector(street: Path, tmp_path: Path) -> None:
    frames, look = open_source(street / "img1"), HistogramDescriptor()
    runs: list[SequenceRun] = []
    report = track_sequence(
        frames,
        calibrated_config("deepsort", look),
        tmp_path / "a.txt",
        detections=Finder(),
        descriptor=look,
        begin=runs.append,
    )
    assert (report.sequence, report.detections, report.frames) == ("img1", "finder", 24)
    assert report.identities == 3
    assert report.notes[0] == "nobody has tested it"
    (run,) = runs
    assert (run.length, run.size, run.frame_rate, run.sequence) == (24, (640, 480), None, None)
    blue = [508.5, 199, 568.5, 359]
    assert np.abs(read_results(report.result).frame(20).boxes - blue).max(axis=1).min() < 9


def test_frames_from_anywhere_and_a_file_of_boxes(street: Path, tmp_path: Path) -> None:
    frames, boxes = open_source(street / "img1"), str(street / "det" / "det.txt")
    report = track_sequence(frames, DEEPSORT, tmp_path / "a.txt", detections=boxes)
    track_sequence(SequenceInfo.read(street), DEEPSORT, tmp_path / "b.txt")
    assert report.result.read_text() == (tmp_path / "b.txt").read_text()


def late_in(promised: int, last_detection: int, tmp_path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The notes at the beginning and at the end of a video of 30 frames that promises another number."""
    frames = open_source(make_video(tmp_path / "shop.avi"))
    frames.length = promised
    rows = (f"{number},-1,10,10,20,30,0.9\n" for number in range(1, last_detection + 1))
    (tmp_path / "boxes.txt").write_text("".join(rows))
    before: list[tuple[str, ...]] = []
    report = track_sequence(
        frames,
        SORT,
        tmp_path / "a.txt",
        detections=str(tmp_path / "boxes.txt"),
        begin=lambda run: before.append(run.notes),
    )
    assert report.frames == 30
    return before[0], report.notes


@pytest.mark.parametrize(
    "promised, last_detection, expected",
    [
        (12, 30, []),
        (12, 33, ["boxes.txt: 3 detections beyond the last frame, 30, are not used"]),
        (30, 33, ["boxes.txt: 3 detections beyond the last frame, 30, are not used"]),
        (90, 30, ["ended after frame 30 of the 90 that it promises"]),
        # That they are not used needs no other words …
        (90, 40, ["ended after frame 30 of the 90 that it promises"]),
        # … unless the whole video would have had no place for them.
        (
            90,
            95,
            [
                "boxes.txt: 65 detections beyond the last frame, 30, are not used",
                "ended after frame 30 of the 90 that it promises",
            ],
        ),
    ],
)
def test_late_detections_are_those_behind_what_was_seen(
    promised: int, last_detection: int, expected: list[str], tmp_path: Path, no_thread_is_left: None
) -> None:
    before, after = late_in(promised, last_detection, tmp_path)
    assert before == ()
    assert len(after) == len(expected)
    for note, words in zip(after, expected, strict=True):
        assert words in note


def test_late_detections_are_told_at_once_where_the_frames_are_counted(street: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.txt"
    boxes.write_text("25,-1,10,10,20,30,0.9\n")
    run = SequenceRun(open_source(street / "img1"), SORT, str(boxes))
    assert "1 detections beyond the last frame, 24, are not used" in "".join(run.notes)


def test_a_run_that_was_stopped_knows_nothing_of_late_detections(
    tmp_path: Path, no_thread_is_left: None
) -> None:
    (tmp_path / "boxes.txt").write_text("20,-1,10,10,20,30,0.9\n")
    run = SequenceRun(open_source(make_video(tmp_path / "shop.avi")), SORT, str(tmp_path / "boxes.txt"))
    assert len(list(run)) == 30
    steps = run.steps()
    for _ in range(12):
        next(steps)
    steps.close()
    assert run.notes == ()


def test_frames_without_anything_that_sees_are_refused(street: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing says what is in it; expected a detector or detections"):
        track_sequence(open_source(street / "img1"), DEEPSORT, tmp_path / "a.txt")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_stopping_while_threads_work_keeps_what_was_tracked(
    kind: type[BaseException], street: Path, tmp_path: Path
) -> None:
    def stop(number: int) -> None:
        if number == 12:
            raise kind

    look = HistogramDescriptor()
    with pytest.raises(kind):
        track_sequence(SequenceInfo.read(street), DEEPSORT, tmp_path / "a.txt", descriptor=look, advance=stop)
    assert read_results(tmp_path / "a.txt.partial").last_frame == 12


def test_a_detector_that_fails_leaves_all_frames_before(street: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="finder: out of order"):
        track_sequence(
            SequenceInfo.read(street),
            DEEPSORT,
            tmp_path / "a.txt",
            detections=Finder(fails_at=20),
            descriptor=HistogramDescriptor(),
        )
    assert read_results(tmp_path / "a.txt.partial").last_frame == 19
