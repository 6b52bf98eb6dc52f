"""Which identity switches are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.evaluation.scenes import write_sequence
from tracker.evaluation.libraries import count_with_motmetrics
from tracker.evaluation.protocol import Comparison, Protocol, compare
from tracker.evaluation.switches import Switch, identity_switches
from tracker.motchallenge import read_ground_truth, read_results

HERE, THERE = "100,100,50,100", "300,100,50,100"


def compared(folder: Path, truth: list[str], found: list[str]) -> Comparison:
    sequence = write_sequence(folder / "Square", truth, length=6)
    results = folder / "Square.txt"
    results.write_text("".join(f"{line},1,-1,-1,-1\n" for line in found))
    return compare(read_ground_truth(sequence.ground_truth), read_results(results), sequence, Protocol.MOT16)


def test_switches_carry_the_ids_of_the_files(tmp_path: Path) -> None:
    truth = [
        f"{frame},{thing},{box},1,1,1" for frame in range(1, 7) for thing, box in ((40, HERE), (70, THERE))
    ]
    found = [
        *(f"{frame},{'9' if frame < 3 else '1000'},{HERE}" for frame in (1, 2, 5, 6)),
        *(f"{frame},55,{THERE}" for frame in range(1, 7)),
    ]
    comparison = compared(tmp_path, truth, found)
    assert identity_switches(comparison) == [
        Switch(object=40, frame=5, track=1000, last_frame=2, last_track=9)
    ]
    assert count_with_motmetrics(comparison).switches == 1


def test_two_who_change_places_are_two_switches(tmp_path: Path) -> None:
    truth = [f"{frame},{thing},{box},1,1,1" for frame in (1, 2) for thing, box in ((1, HERE), (2, THERE))]
    found = [f"1,5,{HERE}", f"1,6,{THERE}", f"2,6,{HERE}", f"2,5,{THERE}"]
    assert identity_switches(compared(tmp_path, truth, found)) == [
        Switch(object=1, frame=2, track=6, last_frame=1, last_track=5),
        Switch(object=2, frame=2, track=5, last_frame=1, last_track=6),
    ]


def test_tracks_on_distractors_are_not_counted_and_do_not_shift_the_ids(tmp_path: Path) -> None:
    # Track 3 only ever lands on a distractor (class 8) and is dropped as a whole.
    truth = [f"{frame},{thing},{box}" for frame in (1, 2) for thing, box in ((1, f"{HERE},0,8,1"),)]
    truth += [f"{frame},2,{THERE},1,1,1" for frame in (1, 2)]
    found = [f"1,3,{HERE}", f"2,3,{HERE}", f"1,4,{THERE}", f"2,8,{THERE}"]
    (switch,) = identity_switches(compared(tmp_path, truth, found))
    assert (switch.object, switch.last_track, switch.track) == (2, 4, 8)


@pytest.mark.parametrize("found", [[], [f"{frame},5,{HERE}" for frame in range(1, 7)]])
def test_no_switch(found: list[str], tmp_path: Path) -> None:
    truth = [f"{frame},1,{HERE},1,1,1" for frame in range(1, 7)]
    assert identity_switches(compared(tmp_path, truth, found)) == []
