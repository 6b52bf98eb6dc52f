"""A sequence through the engine, as the command does it and as a program may."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reid.files import FileError
from tests.tracker.sequences import PEOPLE, Person, SequenceMaker
from tracker import Detections, Tracker, load_config
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


@pytest.mark.parametrize(
    "tracker, score, changes, least, remedies",
    [
        ("deepsort", 0.2, [], 0.3, {"--min-confidence": "detections.min_confidence=0.2"}),
        ("bytetrack", 0.5, [], 0.6, {"--set lifecycle.birth_score": "lifecycle.birth_score=0.5"}),
        (
            "bytetrack",
            0.4,
            ["lifecycle.birth_score=0.3"],
            0.5,
            {"--set stages.newcomers.min_score": "stages.newcomers.min_score=0.4"},
        ),
        (
            "bytetrack",
            0.05,
            [],
            0.6,
            {
                "--min-confidence": "detections.min_confidence=0.05",
                "--set lifecycle.birth_score": "lifecycle.birth_score=0.05",
                "--set stages.newcomers.min_score": "stages.newcomers.min_score=0.05",
                "--set stages.newcomers.threshold": "stages.newcomers.threshold=0.99",
            },
        ),
    ],
)
def test_scores_that_are_all_too_low_are_told_with_what_helps(
    tracker: str,
    score: float,
    changes: list[str],
    least: float,
    remedies: dict[str, str],
    make_sequence: SequenceMaker,
    tmp_path: Path,
) -> None:
    folder = make_sequence("shop")
    boxes = folder / "det" / "det.txt"
    boxes.write_text(boxes.read_text().replace(",0.9,", f",{score},"))
    report = track_sequence(SequenceInfo.read(folder), load_config(tracker, changes), tmp_path / "a.txt")
    assert report.identities == 0
    named = ", ".join(f"{setting}{' ' if setting == '--min-confidence' else '='}X" for setting in remedies)
    (note,) = report.notes
    assert note == (
        f"det.txt: none of 90 detections is used: the highest score is {score}, and only those from {least} "
        f"count ({named} decide{'s' if len(remedies) == 1 else ''} otherwise)"
    )
    better = load_config(tracker, [*changes, *remedies.values()])
    report = track_sequence(SequenceInfo.read(folder), better, tmp_path / "a.txt")
    assert (report.identities, report.notes) == (3, ())


def test_scores_that_are_just_high_enough_are_not_worth_a_note(
    make_sequence: SequenceMaker, tmp_path: Path
) -> None:
    folder = make_sequence("shop")
    boxes = folder / "det" / "det.txt"
    boxes.write_text(boxes.read_text().replace(",0.9,", ",0.6,"))
    for tracker in ("sort", "deepsort", "bytetrack"):
        report = track_sequence(SequenceInfo.read(folder), load_config(tracker), tmp_path / "a.txt")
        assert (report.identities, report.notes) == (3, ())


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
    lengths: list[int | None] = []
    track_sequence(
        SequenceInfo.read(make_sequence("shop", length=12)),
        SORT,
        tmp_path / "out.txt",
        begin=lambda run: lengths.append(run.length),
        advance=told.append,
    )
    assert lengths == [12]
    assert told == list(range(1, 13))


def test_vectors_of_another_width_are_named(make_sequence: SequenceMaker) -> None:
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
