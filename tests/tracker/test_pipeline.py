"""A sequence through the engine, as the command does it and as a program may."""

from __future__ import annotations

import csv
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
from tests.tracker.sequences import PEOPLE, Person, SequenceMaker
from tracker import Detections, Tracker, TrackerConfig, calibrated_config, load_config
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import SequenceRun, Stored, track_sequence
from tracker.tables import read_detections, read_results

SORT, DEEPSORT = load_config("sort"), load_config("deepsort")


def test_the_result_is_what_the_engine_says(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    sequence = SequenceInfo.read(make_sequence("shop", length=25, empty=(1, 9, 10, 25)))
    output = tmp_path / "shop.txt"
    report = track_sequence(sequence, DEEPSORT, output)
    written = read_results(output)
    table = read_detections(sequence.folder / "det" / "det.txt")
    tracker = Tracker(DEEPSORT)
    for number in range(1, 26):
        tracks = tracker.update(table.frame(number))
        rows = written.frame(number)
        assert rows.ids.tolist() == tracks.ids.tolist()
        np.testing.assert_allclose(rows.boxes, tracks.boxes, atol=0.0101)
    assert (report.sequence, report.result, report.frames) == ("shop", output, 25)
    assert report.identities == written.ids.max()
    assert report.detections == "det.txt"
    assert (report.appearance, report.notes) == ("", ())
    assert report.seconds > 0


def test_every_row_knows_its_detection(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", empty=(12,))
    # What has no area is dropped on reading; the index counts the rows that are left.
    with (folder / "det" / "det.txt").open("a") as file:
        file.write("5,-1,10,10,0,10,0.9,-1,-1,-1\n")
    track_sequence(SequenceInfo.read(folder), DEEPSORT, tmp_path / "shop.csv")
    table = read_detections(folder / "det" / "det.txt")
    with (tmp_path / "shop.csv").open() as file:
        rows = list(csv.DictReader(file))
    predicted = [row for row in rows if row["detection"] == "-1"]
    assert {row["frame"] for row in predicted} == {"12"}
    assert len(predicted) == len(PEOPLE)
    for row in rows:
        if row["detection"] != "-1":
            detected = table.frame(int(row["frame"])).boxes[int(row["detection"])]
            shown = [float(row[edge]) for edge in ("left", "top", "right", "bottom")]
            np.testing.assert_allclose(shown, detected, atol=6)


@pytest.mark.parametrize("descriptor, known_again", [("auto", True), ("file", True), ("none", False)])
def test_vectors_keep_identities(
    descriptor: Stored, known_again: bool, make_sequence: SequenceMaker, tmp_path: Path
) -> None:
    slow = tuple(Person(p.left, p.top, p.width, p.height, 0.5) for p in PEOPLE)
    folder = make_sequence("shop", length=40, empty=range(15, 25), people=slow)
    make_sequence.add_vectors(folder)
    report = track_sequence(
        SequenceInfo.read(folder),
        DEEPSORT,
        tmp_path / "out.txt",
        descriptor=descriptor,
    )
    assert report.detections == "walkers.npy"
    assert report.identities == (3 if known_again else 6)
    assert report.appearance == ("walkers.npy" if known_again else "")


def test_sort_needs_no_vectors(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop")
    make_sequence.add_vectors(folder)
    report = track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "out.txt")
    assert report.appearance == ""


def test_vectors_that_are_asked_for_must_be_there(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop")
    with pytest.raises(FileError, match=r"det\.txt: no appearance vectors; expected .*--descriptor none"):
        track_sequence(SequenceInfo.read(folder), DEEPSORT, tmp_path / "out.txt", descriptor="file")
    assert not (tmp_path / "out.txt").exists()


def test_frames_without_detections(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    gap = range(40, 140)
    sequence = SequenceInfo.read(make_sequence("shop", length=200, empty=(1, 2, *gap, 199, 200)))
    report = track_sequence(sequence, SORT, tmp_path / "out.txt")
    frames = set(read_results(tmp_path / "out.txt").frames.tolist())
    assert report.frames == 200
    assert not frames & {1, 2, *gap, 199, 200}
    assert {39, 150, 198} <= frames


def test_no_detections_at_all(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=10, people=())
    report = track_sequence(SequenceInfo.read(folder), DEEPSORT, tmp_path / "out.txt")
    assert (report.frames, report.identities) == (10, 0)
    assert (tmp_path / "out.txt").read_text() == ""


def test_what_does_not_fit_the_sequence_is_noted(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    folder = make_sequence("shop", length=10)
    with (folder / "det" / "det.txt").open("a") as file:
        file.write("11,-1,10,10,20,40,0.9\n14,-1,10,10,20,40,0.9\n".replace("0.9", "0.9,-1,-1,-1"))
        file.write("3,-1,-90,10,20,40,0.9,-1,-1,-1\n4,-1,700,10,20,40,0.9,-1,-1,-1\n")
        file.write("6,-1,nan,10,20,40,0.9,-1,-1,-1\n")
    report = track_sequence(SequenceInfo.read(folder), SORT, tmp_path / "out.txt")
    notes = "\n".join(report.notes)
    assert "2 detections beyond the last frame, 10, are not used (the last one is in frame 14)" in notes
    assert "2 detections lie outside the image (frames 3, 4)" in notes
    assert "1 row with a coordinate or score that is not a finite number dropped" in notes
    assert read_results(tmp_path / "out.txt").last_frame == 10


def test_a_run_can_be_repeated(make_sequence: SequenceMaker) -> None:
    run = SequenceRun(SequenceInfo.read(make_sequence("shop")), SORT)
    assert run.length == 30
    first = [(number, tracks.ids.tolist(), tracks.boxes.tolist()) for number, tracks in run]
    second = [(number, tracks.ids.tolist(), tracks.boxes.tolist()) for number, tracks in run]
    assert first == second
    assert [number for number, *_ in first] == list(range(1, 31))
    assert run.identities == 3


def test_an_error_leaves_the_old_result_and_what_was_done(
    make_sequence: SequenceMaker, tmp_path: Path
) -> None:
    sequence = SequenceInfo.read(make_sequence("shop"))
    output = tmp_path / "out.txt"
    track_sequence(sequence, SORT, output)
    complete = output.read_text()

    def stop(number: int) -> None:
        if number == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_sequence(sequence, SORT, output, advance=stop)
    assert output.read_text() == complete
    assert read_results(output.with_name("out.txt.partial")).last_frame == 12
    # The next whole run takes the partial file's place.
    track_sequence(sequence, SORT, output)
    assert output.read_text() == complete
    assert not output.with_name("out.txt.partial").exists()


def test_progress_is_told_frame_by_frame(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    told: list[int] = []
    lengths: list[int] = []
    track_sequence(
        SequenceInfo.read(make_sequence("shop", length=12)),
        SORT,
        tmp_path / "out.txt",
        begin=lambda run: lengths.append(run.length),
        advance=told.append,
    )
    assert lengths == [12]
    assert told == list(range(1, 13))


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


def test_vectors_of_another_width_are_named(make_sequence: SequenceMaker, tmp_path: Path) -> None:
    class Changing:
        name, notes, needs_images = "changing", (), False

        def __call__(self, number: int, image: NDArray[np.uint8] | None) -> Detections:
            return Detections([[10, 10, 50, 90]], features=np.ones((1, 8 if number < 6 else 9)))

    run = SequenceRun(SequenceInfo.read(make_sequence("shop")), DEEPSORT, Changing())
    run._stored = True
    numbers: list[int] = []

    def track() -> None:
        numbers.extend(number for number, _ in run)

    with pytest.raises(FileError, match=r"changing: frame 6: appearance vectors of 9 numbers after .* of 8"):
        track()
    assert numbers == [1, 2, 3, 4, 5]
