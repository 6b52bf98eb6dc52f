from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reid.files import FileError
from tracker.results import ResultWriter
from tracker.tables import read_results
from tracker.tracks import Tracks


def make_tracks(*ids: int) -> Tracks:
    count = len(ids)
    rng = np.random.default_rng(sum(ids))
    corners = rng.uniform(-20, 500, (count, 2))
    return Tracks(
        ids=np.array(ids, dtype=np.int64),
        boxes=np.hstack((corners, corners + rng.uniform(1, 200, (count, 2)))),
        scores=rng.uniform(0, 1, count),
        classes=np.arange(count, dtype=np.int64),
        detections=np.arange(count, dtype=np.int64) - 1,
        gaps=np.zeros(count, dtype=np.int64),
    )


FRAMES = {1: make_tracks(1, 2), 2: Tracks.empty(), 7: make_tracks(2, 3, 9)}


def write_all(path: Path, **options: Any) -> Path:
    with ResultWriter(path, **options) as writer:
        for frame, tracks in FRAMES.items():
            writer.write(frame, tracks)
    return path


def test_a_result_file_is_read_back(tmp_path: Path) -> None:
    table = read_results(write_all(tmp_path / "results" / "sort" / "shop.txt"))
    assert table.frames.tolist() == [1, 1, 7, 7, 7]
    for frame, tracks in FRAMES.items():
        rows = table.frame(frame)
        np.testing.assert_array_equal(rows.ids, tracks.ids)
        np.testing.assert_allclose(rows.boxes, tracks.boxes, rtol=0, atol=0.0101)
        np.testing.assert_allclose(rows.scores, tracks.scores, rtol=1e-5)


def test_the_format_of_motchallenge_to_the_letter(tmp_path: Path) -> None:
    tracks = Tracks(
        ids=np.array([4]),
        boxes=np.array([[9.0, 19.004, 39.5, 60.0]]),
        scores=np.array([1.0]),
        classes=np.array([2]),
        detections=np.array([0]),
        gaps=np.array([0]),
    )
    with ResultWriter(tmp_path / "shop.txt") as writer:
        writer.write(12, tracks)
    assert (tmp_path / "shop.txt").read_bytes() == b"12,4,10.00,20.00,30.50,41.00,1,-1,-1,-1\n"


def check_rows(rows: list[dict[str, Any]]) -> None:
    names = ["frame", "id", "left", "top", "right", "bottom", "score", "class", "detection"]
    assert [list(row) for row in rows] == [names] * 5
    expected = [
        [frame, tracks.ids[i], *tracks.boxes[i], tracks.scores[i], tracks.classes[i], tracks.detections[i]]
        for frame, tracks in FRAMES.items()
        for i in range(len(tracks))
    ]
    # Equal, not close: nothing is rounded.
    assert [[float(value) for value in row.values()] for row in rows] == [
        list(map(float, row)) for row in expected
    ]


def test_csv_carries_everything_unrounded(tmp_path: Path) -> None:
    with write_all(tmp_path / "shop.csv").open(newline="") as file:
        check_rows(list(csv.DictReader(file)))


def test_json_lines_carry_everything_unrounded(tmp_path: Path) -> None:
    check_rows([json.loads(line) for line in write_all(tmp_path / "shop.jsonl").read_text().splitlines()])


def test_the_format_can_be_said(tmp_path: Path) -> None:
    check_rows(
        [json.loads(line) for line in write_all(tmp_path / "shop.txt", fmt="jsonl").read_text().splitlines()]
    )
    with pytest.raises(ValueError, match="unknown result format 'xml'; expected one of mot, csv, jsonl"):
        ResultWriter(tmp_path / "shop.txt", fmt="xml")  # type: ignore[arg-type]


def test_no_tracks_make_an_empty_file(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "shop.txt") as writer:
        writer.write(1, Tracks.empty())
    assert (tmp_path / "shop.txt").read_text() == ""
    assert len(read_results(tmp_path / "shop.txt")) == 0


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_what_was_written_survives_an_interruption(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "shop.txt"
    path.write_text("an older result\n")
    writer = ResultWriter(path)

    def write_and_stop() -> None:
        with writer:
            writer.write(1, FRAMES[1])
            raise interruption

    with pytest.raises(interruption):
        write_and_stop()
    assert path.read_text() == "an older result\n"
    assert writer.partial_path.name == "shop.txt.partial"
    assert len(read_results(writer.partial_path)) == 2


def test_the_name_is_given_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "shop.txt"
    with ResultWriter(path) as writer:
        writer.write(1, FRAMES[1])
        assert not path.exists()
        assert writer.partial_path.exists()
    assert path.exists()
    assert not writer.partial_path.exists()


def test_a_place_that_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, fault in ((tmp_path / "file" / "shop.txt", "cannot be written"), (tmp_path, "is a folder")):
        with pytest.raises(FileError, match=fault) as raised, ResultWriter(path):
            pytest.fail("the block must not be entered")
        assert str(path) in str(raised.value)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere"
)
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="Permission denied"), ResultWriter(tmp_path / "shop.txt"):
        pytest.fail("the block must not be entered")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("rows", [1, 5000])
def test_a_full_disk_is_named(tmp_path: Path, rows: int) -> None:
    writer = ResultWriter(tmp_path / "shop.txt")
    writer.partial_path.symlink_to("/dev/full")

    def write_rows() -> None:
        with writer:
            for frame in range(rows):
                writer.write(frame + 1, FRAMES[1])

    with pytest.raises(FileError, match="No space left"):
        write_rows()
    assert not writer.path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files there")
def test_what_a_full_disk_leaves_can_be_read(tmp_path: Path) -> None:
    import resource

    writer = ResultWriter(tmp_path / "shop.txt")

    def write_rows() -> None:
        with writer:
            for frame in range(5000):
                writer.write(frame + 1, FRAMES[1])

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_001, limits[1]))
    try:
        with pytest.raises(FileError, match="cannot be written"):
            write_rows()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert 40_000 < writer.partial_path.stat().st_size <= 50_001
    # Every row is whole, and no frame is missing in between.
    rows = read_results(writer.partial_path)
    assert np.unique(rows.frames).tolist() == list(range(1, rows.last_frame + 1))


def test_writing_outside_the_with_statement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        ResultWriter(tmp_path / "shop.txt").write(1, FRAMES[1])
