from __future__ import annotations

import csv
from pathlib import Path

import pytest

from reid.datasets.crossing import make_crossing
from reid.datasets.motchallenge import read_boxes
from reid.experiments import mot16
from reid.experiments.film import draw_film_strip, numbers_of, shoot
from reid.experiments.mot16 import FLAT, SORT, usable_sequences
from reid.experiments.request import Request
from reid.files import FileError
from reid.footage.sequence import SequenceInfo


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SequenceInfo:
    return SequenceInfo.read(make_crossing(tmp_path_factory.mktemp("root") / "SCENE-01"))


@pytest.fixture
def result(scene: SequenceInfo, tmp_path: Path) -> Path:
    """The ground truth as a tracker's result, but that person 1 is 8 after frame 60."""
    rows = []
    for line in scene.ground_truth.read_text(encoding="utf-8").splitlines():
        frame, number, *rest = line.split(",")
        rows.append(",".join([frame, "8" if number == "1" and int(frame) > 60 else number, *rest[:5]]))
    path = tmp_path / "SCENE-01.txt"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_quick_run_needs_no_data_and_draws_a_switch(tmp_path: Path) -> None:
    report = mot16.run(Request(tmp_path, tmp_path / "no data", quick=True))
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"figure-10.{suffix}").stat().st_size > 5000
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open(encoding="utf-8")))
    assert {row["figure"] for row in rows} == {"Table 2", "Figure 10"}
    switches = {row.model: row.values[0] for row in report.numbers if row.quantity == "identity switches"}
    assert switches[FLAT] < switches[SORT]
    assert not report.missed
    assert "mean nothing" in report.page.read_text(encoding="utf-8")


def test_a_strip_shows_before_while_and_after_in_windows_of_one_size(scene: SequenceInfo) -> None:
    shots = shoot(scene, person=1, gone=50, back=72)
    assert [shot.frame for shot in shots] == [30, 50, 61, 75, 84, 97]
    assert len({shot.image.shape for shot in shots}) == 1
    for shot in shots:
        assert (shot.window[:2] >= 0).all()
        assert (shot.window[2:] <= (scene.width, scene.height)).all()
        assert (shot.person[[0, 2]].mean() > shot.window[0]) & (shot.person[[0, 2]].mean() < shot.window[2])
    # Nobody sees the person in between, but where he or she would be is known.
    assert shots[1].person[0] < shots[2].person[0] < shots[3].person[0]


def test_frames_before_the_first_are_left_out(scene: SequenceInfo) -> None:
    frames = [shot.frame for shot in shoot(scene, person=1, gone=5, back=scene.length - 5)]
    assert frames[0] == 1
    assert frames[-1] == scene.length
    assert len(set(frames)) == len(frames)


def test_a_person_s_numbers_are_found_in_order(scene: SequenceInfo, result: Path) -> None:
    shots = shoot(scene, person=1, gone=50, back=72)
    assert numbers_of(read_boxes(result), shots) == [1, 8]
    assert numbers_of(read_boxes(scene.ground_truth), shots) == [1]


def test_a_changed_number_has_another_colour(scene: SequenceInfo, result: Path) -> None:
    shots = shoot(scene, person=1, gone=50, back=72)
    figure = draw_film_strip(shots, {"changed": result, "kept": scene.ground_truth})
    assert len(figure.axes) == 2 * len(shots)
    thick = [
        [patch.get_edgecolor() for patch in axes.patches if patch.get_linewidth() > 1] for axes in figure.axes
    ]
    changed, kept = thick[: len(shots)], thick[len(shots) :]
    assert changed[0] == kept[0] == kept[-1]
    assert len(changed[-1]) == 1
    assert changed[-1] != changed[0]


def test_sequences_without_images_or_truth_are_no_use(scene: SequenceInfo, tmp_path: Path) -> None:
    root = scene.folder.parent
    assert [one.name for one in usable_sequences(root)] == ["SCENE-01"]
    bare = tmp_path / "MOT16" / "train" / "MOT16-02"
    (bare / "gt").mkdir(parents=True)
    (bare / "gt" / "gt.txt").touch()
    (bare / "seqinfo.ini").write_text((scene.folder / "seqinfo.ini").read_text())
    with pytest.raises(FileError, match="no sequence with images, ground truth and detections"):
        usable_sequences(tmp_path)


def test_mot16_goes_before_all_others(tmp_path: Path) -> None:
    make_crossing(tmp_path / "MOT15" / "train" / "A", frames=1)
    make_crossing(tmp_path / "MOT16" / "train" / "B", frames=1)
    assert [one.name for one in usable_sequences(tmp_path)] == ["B"]


def test_a_sequence_that_links_lead_to_is_there_once(tmp_path: Path) -> None:
    make_crossing(tmp_path / "disk" / "MOT16-02", frames=1)
    (tmp_path / "MOT16").mkdir()
    (tmp_path / "MOT16" / "train").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "back").symlink_to(tmp_path)
    assert [one.name for one in usable_sequences(tmp_path)] == ["MOT16-02"]


def test_two_sequences_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        make_crossing(tmp_path / folder / "MOT16-02", frames=1)
    with pytest.raises(
        FileError, match=r"^MOT16-02 is at .*one/MOT16-02 and at .*other/MOT16-02; expected one"
    ):
        usable_sequences(tmp_path)
