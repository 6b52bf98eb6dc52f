from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from reid.filerows import from_motchallenge
from tracker.tables import (
    FileError,
    read_detections,
    read_ground_truth,
    read_results,
    to_motchallenge,
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def det(tmp_path: Path) -> Path:
    return tmp_path / "det.txt"


def test_coordinates_lose_nothing_on_the_way_there_and_back() -> None:
    boxes = np.random.default_rng(1).uniform(-50, 2000, (100, 4))
    np.testing.assert_allclose(to_motchallenge(from_motchallenge(boxes)), boxes, rtol=0, atol=1e-9)
    assert from_motchallenge(np.array([[1.0, 1.0, 10.0, 20.0]])).tolist() == [[0.0, 0.0, 10.0, 20.0]]


@pytest.mark.parametrize(
    "row",
    [
        "3,-1,11,21,30,40,0.5",
        "3,-1,11,21,30,40,0.5,-1",
        "3,-1,11,21,30,40,0.5,-1,-1",
        "3,-1,11,21,30,40,0.5,4.2,-3.1,0.7",
        "3 -1 11 21 30 40 0.5",
        "3\t-1\t11\t21\t30\t40\t0.5",
        "3, -1, 11, 21, 30, 40, 5e-1",
        "# frame id ...\n\n3,-1,11,21,30,40,0.5\r\n\n",
        "\ufeff3,-1,11,21,30,40,0.5",
    ],
)
def test_seven_to_ten_columns_by_comma_or_blank(det: Path, row: str) -> None:
    det.write_text(row, encoding="utf-8")
    table = read_detections(det)
    assert table.frames.tolist() == [3]
    assert table.boxes.tolist() == [[10.0, 20.0, 40.0, 60.0]]
    assert table.scores.tolist() == [0.5]
    assert table.classes.tolist() == [0]
    assert table.features is None
    assert table.notes == ()


def test_a_class_column_is_read(det: Path) -> None:
    write(det, "1,-1,1,1,9,9,0.5,3,1\n1,-1,2,2,9,9,0.5,7,1\n")
    assert read_detections(det).classes.tolist() == [3, 7]


def test_scores_may_have_any_range(det: Path) -> None:
    write(det, "1,-1,1,1,9,9,120.87\n1,-1,2,2,9,9,-0.29\n")
    assert read_detections(det).scores.tolist() == [120.87, -0.29]


def test_frames_are_sorted_and_keep_the_order_within(det: Path) -> None:
    write(det, "5,-1,50,1,9,9,1\n2,-1,20,1,9,9,1\n5,-1,30,1,9,9,1\n2,-1,10,1,9,9,1\n")
    table = read_detections(det)
    assert table.frames.tolist() == [2, 2, 5, 5]
    assert table.last_frame == 5
    assert table.frame(5).boxes[:, 0].tolist() == [49.0, 29.0]
    assert table.frame(2).boxes[:, 0].tolist() == [19.0, 9.0]
    for without in (0, 1, 3, 4, 6, 1000):
        assert len(table.frame(without)) == 0


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing here\n"])
def test_an_empty_file_is_a_sequence_without_detections(det: Path, text: str) -> None:
    table = read_detections(write(det, text))
    assert len(table) == table.last_frame == 0
    assert len(table.frame(1)) == 0


@pytest.mark.parametrize(
    "text, fault",
    [
        ("1,-1,1,1,9,9,1\n\n1,-1,one,1,9,9,1\n", r"line 3: 'one' in column 3; expected a number"),
        ("1,-1,1,1,9,9,1\n1,-1,,1,9,9,1\n", r"line 2: '' in column 3; expected a number"),
        ("1,-1,1,1,9,9,1\n1,-1,1,1,9,9\n", r"line 2: 6 columns; expected 7"),
        ("1,-1,1,1,9,9,1\n1 -1 1 1 9 9 1\n", r"line 2: 1 columns; expected 7"),
        ("1,-1,1,1,9,9\n", r"line 1: 6 columns; expected 7 to 10"),
        ("1,-1,1,1,9,9,1,1,1,1,1\n", r"line 1: 11 columns; expected 7 to 10"),
        ("frame,id,left,top,width,height,score\n", r"line 1: 'frame' in column 1; expected a number"),
        ("1,-1,1,1,9,9,1\n0,-1,1,1,9,9,1\n", r"line 2: frame is 0; expected a whole number from 1"),
        ("# c\n-3,-1,1,1,9,9,1\n", r"line 2: frame is -3"),
        ("1.5,-1,1,1,9,9,1\n", r"line 1: frame is 1.5"),
        ("nan,-1,1,1,9,9,1\n", r"line 1: frame is nan"),
        ("1e300,-1,1,1,9,9,1\n", r"line 1: frame is 1e\+300"),
        ("1,-1,1,1,9,9,1,0.5\n", r"line 1: class is 0.5"),
        ("1,-1,1,1,1_0,9,1\n", r"line 1: '1_0' in column 5"),
    ],
)
def test_bad_rows_are_named(det: Path, text: str, fault: str) -> None:
    with pytest.raises(FileError, match=fault) as raised:
        read_detections(write(det, text))
    assert str(raised.value).startswith(f"{det}: ")


def test_the_line_is_that_of_the_file_although_rows_are_sorted(det: Path) -> None:
    write(det, "9,-1,1,1,9,9,1\n# comment\n0,-1,1,1,9,9,1\n4,-1,1,1,9,9,1\n")
    with pytest.raises(FileError, match="line 3: frame is 0"):
        read_detections(det)


def test_missing_folder_and_binary_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_detections(tmp_path / "none.txt")
    with pytest.raises(FileError, match="directory"):
        read_detections(tmp_path)
    (tmp_path / "image.txt").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(FileError, match="not a text file"):
        read_detections(tmp_path / "image.txt")


def test_errors_survive_the_way_between_processes(tmp_path: Path) -> None:
    with pytest.raises(FileError) as raised:
        read_detections(tmp_path / "none.txt")
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_unusable_rows_are_dropped_and_noted(det: Path) -> None:
    write(
        det,
        "1,-1,1,1,9,9,1\n"  # good
        "1,-1,nan,1,9,9,1\n"
        "1,-1,1,inf,9,9,1\n"
        "1,-1,1,1,9,9,nan\n"
        "2,-1,1,1,0,9,1\n"
        "2,-1,1,1,9,-4,1\n"
        "2,-1,-500,9000,9,9,1\n"  # outside of any image, and kept
        "1,-1,1,1,9,9,1\n",
    )
    table = read_detections(det)
    assert table.frames.tolist() == [1, 2]
    assert table.notes == (
        "det.txt: 3 rows with a coordinate or score that is not a finite number dropped (lines 2, 3, 4)",
        "det.txt: 2 rows with zero or negative size dropped (lines 5, 6)",
        "det.txt: 1 row with the same numbers as an earlier row dropped (line 8)",
    )


def test_only_the_first_places_are_named(det: Path) -> None:
    write(det, "1,-1,1,1,0,9,1\n" * 8)
    assert read_detections(det).notes == (
        "det.txt: 8 rows with zero or negative size dropped (lines 1, 2, 3, 4, 5 and 3 more)",
    )


def test_the_first_of_equal_detections_stays(det: Path) -> None:
    write(det, "1,-1,5,1,9,9,1\n1,-1,3,1,9,9,1\n1,-1,5,1,9,9,1\n1,-1,5,1,9,9,0.9\n2,-1,5,1,9,9,1\n")
    table = read_detections(det)
    assert table.frame(1).boxes[:, 0].tolist() == [4.0, 2.0, 4.0]
    assert len(table.frame(2)) == 1


def make_array(columns: int, features: int, rows: int = 6, world: float = -1.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    array = np.full((rows, columns + features), world)
    array[:, 0] = np.arange(rows) // 2 + 1
    array[:, 1] = -1
    array[:, 2:6] = rng.uniform(1, 100, (rows, 4))
    array[:, 6] = rng.uniform(0, 1, rows)
    array[:, columns:] = rng.normal(size=(rows, features))
    return array


@pytest.mark.parametrize(
    "columns, features", [(10, 128), (7, 128), (10, 64), (7, 64), (10, 0), (7, 0), (7, 512)]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_of_deepsort(tmp_path: Path, columns: int, features: int, dtype: type) -> None:
    array = make_array(columns, features).astype(dtype)
    path = tmp_path / "poi.npy"
    np.save(path, array)
    table = read_detections(path)
    assert table.frames.tolist() == [1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(table.scores, array[:, 6])
    np.testing.assert_allclose(to_motchallenge(table.boxes), array[:, 2:6], rtol=1e-6)
    if features:
        assert table.features is not None
        assert table.features.dtype == np.float32
        np.testing.assert_array_equal(table.features, array[:, columns:].astype(np.float32))
        np.testing.assert_array_equal(table.frame(2).features, table.features[2:4])
    else:
        assert table.features is None


def test_features_keep_to_their_rows(tmp_path: Path) -> None:
    array = make_array(10, 128)[[4, 0, 5, 2, 1, 3]]
    array[2, 4] = 0.0
    np.save(tmp_path / "poi.npy", array)
    table = read_detections(tmp_path / "poi.npy")
    assert table.features is not None
    expected = array[[1, 4, 3, 5, 0]]
    np.testing.assert_array_equal(table.scores, expected[:, 6])
    np.testing.assert_array_equal(table.features, expected[:, 10:].astype(np.float32))
    assert table.notes == ("poi.npy: 1 row with zero or negative size dropped (row 3)",)


def test_unusable_features_are_kept_and_counted(tmp_path: Path) -> None:
    array = make_array(10, 128)
    array[1, 20] = np.nan
    array[3, 10:] = 0.0
    np.save(tmp_path / "poi.npy", array)
    table = read_detections(tmp_path / "poi.npy")
    assert len(table) == 6
    assert table.notes == ("poi.npy: 2 of 6 rows without a usable appearance vector",)


def test_an_empty_array_is_a_sequence_without_detections(tmp_path: Path) -> None:
    for number, shape in enumerate([(0,), (0, 7), (0, 138)]):
        path = tmp_path / f"{number}.npy"
        np.save(path, np.empty(shape))
        assert read_detections(path).last_frame == 0


@pytest.mark.parametrize(
    "array, fault",
    [
        (np.array([{"frame": 1}], dtype=object), "not such an array"),
        (np.zeros(5), r"the shape \(5,\)"),
        (np.zeros((2, 3, 4)), r"the shape \(2, 3, 4\)"),
        (np.zeros((5, 6)), r"the shape \(5, 6\)"),
        (np.zeros((5, 7), dtype=complex), "complex"),
        (np.full((5, 7), "1"), "<U1"),
        (np.zeros((5, 7), dtype=bool), "bool"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, array: np.ndarray, fault: str) -> None:
    path = tmp_path / "bad.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(FileError, match=fault) as raised:
        read_detections(path)
    assert str(path) in str(raised.value)
    assert "expected a 2-d array" in str(raised.value)


def test_damaged_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.npy"
    with pytest.raises(FileError, match="No such file"):
        read_detections(path)
    path.touch()
    with pytest.raises(FileError, match="not such an array"):
        read_detections(path)
    path.write_text("1,-1,1,1,9,9,1\n")
    with pytest.raises(FileError, match="not such an array"):
        read_detections(path)
    np.save(path, make_array(10, 128))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError, match="not such an array"):
        read_detections(path)


def test_the_row_of_an_array_is_named(tmp_path: Path) -> None:
    array = make_array(7, 128)
    array[4, 0] = 0
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(FileError, match="row 5: frame is 0"):
        read_detections(tmp_path / "bad.npy")


def test_ground_truth_of_nine_columns(tmp_path: Path) -> None:
    table = read_ground_truth(write(tmp_path / "gt.txt", "2,4,11,21,30,40,0,7,0.25\n1,3,1,1,9,9,1,1,1\n"))
    assert table.frames.tolist() == [1, 2]
    assert table.ids.tolist() == [3, 4]
    assert table.boxes[1].tolist() == [10.0, 20.0, 40.0, 60.0]
    assert table.considered.tolist() == [True, False]
    assert table.classes.tolist() == [1, 7]
    assert table.visibility.tolist() == [1.0, 0.25]
    assert table.scores.tolist() == [1.0, 1.0]


def test_ground_truth_of_mot15_has_world_coordinates_and_no_classes(tmp_path: Path) -> None:
    text = "1,1,50,191,61,141,1,-5.0036,11.913,0.69979\n1,2,10,191,61,141,0,-1,-1,-1\n"
    table = read_ground_truth(write(tmp_path / "gt.txt", text))
    assert table.classes.tolist() == [1, 1]
    assert table.visibility.tolist() == [1.0, 1.0]
    assert table.considered.tolist() == [True, False]


def test_results_have_scores(tmp_path: Path) -> None:
    table = read_results(
        write(tmp_path / "r.txt", "1,1,50,191,61,141,0,-1,-1,-1\n1,2,10,191,61,141,0.75,-1,-1,-1\n")
    )
    assert table.scores.tolist() == [0.0, 0.75]
    assert table.considered.tolist() == [True, True]
    assert table.classes.tolist() == [1, 1]
    assert read_results(write(tmp_path / "r.txt", "1 1 50 191 61 141\n")).scores.tolist() == [1.0]


def test_a_frame_of_a_track_table(tmp_path: Path) -> None:
    table = read_results(write(tmp_path / "r.txt", "2,5,1,1,9,9,1\n1,5,1,1,9,9,1\n2,3,2,2,9,9,1\n"))
    frame = table.frame(2)
    assert frame.ids.tolist() == [5, 3]
    assert len(frame) == 2
    assert np.shares_memory(frame.boxes, table.boxes)
    assert len(table.frame(3)) == 0


@pytest.mark.parametrize("read", [read_results, read_ground_truth])
def test_an_identity_twice_in_a_frame_is_refused(tmp_path: Path, read: object) -> None:
    path = write(tmp_path / "r.txt", "# header\n1,5,1,1,9,9,1\n2,5,1,1,9,9,1\n1,6,1,1,9,9,1\n1,5,7,7,9,9,1\n")
    with pytest.raises(FileError, match="line 5: identity 5 is in frame 1 for the second time, after line 2"):
        read(path)  # type: ignore[operator]


def test_detections_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="line 1: identity is -1; expected a whole number from 0"):
        read_results(write(tmp_path / "det.txt", "1,-1,1,1,9,9,1\n"))


def test_result_rows_that_are_not_finite_are_dropped_and_noted(tmp_path: Path) -> None:
    table = read_results(write(tmp_path / "r.txt", "1,6,nan,1,9,9,1\n1,7,1,1,9,9,1\n"))
    assert table.ids.tolist() == [7]
    assert [note.split("(")[1] for note in table.notes] == ["line 1)"]


def test_a_result_without_area_stays_and_counts_as_wrong(tmp_path: Path) -> None:
    table = read_results(write(tmp_path / "r.txt", "1,5,1,1,0,9,1\n1,6,1,1,-4,9,1\n"))
    assert table.ids.tolist() == [5, 6]


def test_a_long_file_is_read_at_once(tmp_path: Path) -> None:
    rows = [
        f"{frame},{identity},{identity},{frame},40,90,1,1,0.5\n"
        for frame in range(1, 501)
        for identity in range(40)
    ]
    table = read_ground_truth(write(tmp_path / "gt.txt", "".join(rows)))
    assert len(table) == 20_000
    assert (np.bincount(table.frames)[1:] == 40).all()
