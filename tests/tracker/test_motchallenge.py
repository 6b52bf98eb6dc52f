from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import pytest

from tracker.motchallenge import FileError, SequenceInfo, find_detections, find_sequences

INI = (
    "[Sequence]\nname={name}\nimDir=img1\nframeRate=30\nseqLength=20\nimWidth=640\nimHeight=480\nimExt=.jpg\n"
)


def make_sequence(folder: Path, ini: str = INI) -> Path:
    folder.mkdir(parents=True)
    (folder / "seqinfo.ini").write_text(ini.format(name=folder.name))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for place in (
        "MOT17/train/MOT17-02-FRCNN",
        "MOT17/train/MOT17-10-FRCNN",
        "MOT17/test/MOT17-01-FRCNN",
        "2DMOT2015/train/TUD-Campus",
        "own/deeply/nested/shop",
    ):
        make_sequence(tmp_path / place)
    return tmp_path


def names(sequences: list[SequenceInfo]) -> list[str]:
    return [sequence.name for sequence in sequences]


def test_sequence_info_says_what_the_file_says(tmp_path: Path) -> None:
    folder = make_sequence(
        tmp_path / "hall",
        "[Sequence]\nname=other\nimDir=frames\nframeRate=12.5\nseqLength=7\nimWidth=64\nimHeight=48\nimExt=.png\n",
    )
    info = SequenceInfo.read(folder)
    assert (info.name, info.length, info.frame_rate, info.width, info.height) == ("hall", 7, 12.5, 64, 48)
    assert info.image_path(3) == folder / "frames" / "000003.png"
    assert info.ground_truth == folder / "gt" / "gt.txt"
    assert info.benchmark == ""
    assert not info.has_images
    info.image_folder.mkdir()
    assert not info.has_images
    info.image_path(1).touch()
    assert info.has_images


@pytest.mark.parametrize("extension", [".jpg", "jpg"])
def test_images_are_found_by_their_number(extension: str, tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "dance", INI.replace("imExt=.jpg", f"imExt={extension}"))
    info = SequenceInfo.read(folder)
    info.image_folder.mkdir()
    for name in ("00000001.jpg", "00000012.jpg", "2.png", "cover.jpg"):
        (info.image_folder / name).touch()
    assert info.has_images
    assert info.image_path(12) == info.image_folder / "00000012.jpg"
    assert info.image_path(2) == info.image_folder / "000002.jpg"  # where it would have to be
    assert info.images() == {number: info.image_path(number) for number in (1, 12)}


@pytest.mark.parametrize(
    "place, benchmark",
    [
        ("MOT16/train/MOT16-02", "MOT16"),
        ("2DMOT2015/train/KITTI-17", "MOT15"),
        ("MOT15/test/ADL-Rundle-1", "MOT15"),
        ("MOT20/train/MOT20-01", "MOT20"),
        ("anywhere/MOT17-02-FRCNN", "MOT17"),
        ("my-MOT17-experiments/shop", ""),
        ("anywhere/KITTI-17", ""),
    ],
)
def test_benchmark_comes_from_the_folders_above_or_the_name(
    tmp_path: Path, place: str, benchmark: str
) -> None:
    assert SequenceInfo.read(make_sequence(tmp_path / place)).benchmark == benchmark


@pytest.mark.parametrize(
    "ini, fault",
    [
        ("", r"no section \[Sequence\]"),
        ("frameRate=30\n", "seqinfo.ini"),
        (INI.replace("seqLength=20\n", ""), "seqLength is missing"),
        (INI.replace("seqLength=20", "seqLength=many"), "seqLength is 'many'; expected a number above 0"),
        (INI.replace("imWidth=640", "imWidth=-1"), "imWidth is '-1'"),
        (INI.replace("frameRate=30", "frameRate=nan"), "frameRate is 'nan'"),
    ],
)
def test_bad_description_is_named(tmp_path: Path, ini: str, fault: str) -> None:
    folder = make_sequence(tmp_path / "shop", ini)
    with pytest.raises(FileError, match=fault) as raised:
        SequenceInfo.read(folder)
    assert str(folder / "seqinfo.ini") in str(raised.value)


def test_missing_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        SequenceInfo.read(tmp_path)


@pytest.mark.parametrize(
    "patterns, found",
    [
        (["TUD-Campus"], ["TUD-Campus"]),
        (["shop"], ["shop"]),
        (["MOT17-*"], ["MOT17-01-FRCNN", "MOT17-02-FRCNN", "MOT17-10-FRCNN"]),
        (["MOT17/train/*"], ["MOT17-02-FRCNN", "MOT17-10-FRCNN"]),
        (
            ["MOT17-10-FRCNN", "MOT17-0[12]-FRCNN", "MOT17-02-*"],
            ["MOT17-01-FRCNN", "MOT17-02-FRCNN", "MOT17-10-FRCNN"],
        ),
    ],
)
def test_sequences_are_found_below_the_root(root: Path, patterns: list[str], found: list[str]) -> None:
    assert names(find_sequences(patterns, root)) == found


def test_a_path_needs_no_root(root: Path) -> None:
    folder = root / "own" / "deeply" / "nested" / "shop"
    assert find_sequences([str(folder)], root / "nowhere")[0].folder == folder.resolve()


def test_sequences_are_in_natural_order(tmp_path: Path) -> None:
    for name in ("walk-10", "walk-9", "walk-1"):
        make_sequence(tmp_path / name)
    assert names(find_sequences(["*"], tmp_path)) == ["walk-1", "walk-9", "walk-10"]


def test_a_name_may_have_brackets(tmp_path: Path) -> None:
    for name in ("yard [1080p]", "cam[1]", "cam1"):
        make_sequence(tmp_path / name)
        assert names(find_sequences([name], tmp_path)) == [name]
    assert names(find_sequences(["cam[1-9]"], tmp_path)) == ["cam1"]


def test_the_expected_place_wins_over_a_copy(root: Path) -> None:
    make_sequence(root / "backup" / "of" / "MOT17-02-FRCNN")
    assert find_sequences(["MOT17-02-FRCNN"], root)[0].folder.parent.name == "train"
    make_sequence(root / "MOT17-02-FRCNN")
    assert find_sequences(["MOT17-02-FRCNN"], root)[0].folder.parent == root.resolve()


def test_two_places_of_equal_right_are_refused(root: Path) -> None:
    make_sequence(root / "copy" / "train" / "TUD-Campus")
    with pytest.raises(FileError, match=r"TUD-Campus is at .* and at .*; expected one"):
        find_sequences(["TUD-*"], root)


def test_an_unknown_name_names_the_root_and_near_names(root: Path) -> None:
    with pytest.raises(FileError, match="MOT17-02-FRCNN") as raised:
        find_sequences(["MOT17-03-FRCNN"], root)
    assert str(root) in str(raised.value)


def test_a_missing_or_bare_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such folder"):
        find_sequences(["x"], tmp_path / "nowhere")
    with pytest.raises(FileError, match="none at all"):
        find_sequences(["x"], tmp_path)


def test_links_are_followed_but_not_in_circles(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = make_sequence(tmp_path_factory.mktemp("elsewhere") / "linked")
    (root / "linked").symlink_to(elsewhere)
    (root / "own" / "back").symlink_to(root)
    assert "linked" in names(find_sequences(["*"], root))


def sequence_with(folder: Path, *files: str) -> SequenceInfo:
    make_sequence(folder)
    (folder / "det").mkdir()
    for file in files:
        (folder / "det" / file).touch()
    return SequenceInfo.read(folder)


@pytest.mark.parametrize(
    "files, best",
    [
        (["det.txt"], "det.txt"),
        (["det.txt", "frcnn.txt", "dpm.txt", "README.md"], "frcnn.txt"),
        (["det.txt", "frcnn.txt", "yolo.txt"], "yolo.txt"),
        (["yolo.txt", "poi.txt", "sdp.txt"], "poi.txt"),
        (["poi.txt", "det.npy"], "det.npy"),
        (["frcnn.npy", "poi.npy"], "poi.npy"),
    ],
)
def test_the_best_detections_are_taken(tmp_path: Path, files: list[str], best: str) -> None:
    assert find_detections(sequence_with(tmp_path / "shop", *files)).name == best


def test_detections_are_chosen_by_name_path_or_folder(tmp_path: Path) -> None:
    sequence = sequence_with(tmp_path / "shop", "det.txt", "poi.txt", "poi.npy", "v1.2.txt")
    assert find_detections(sequence, "poi").name == "poi.npy"
    assert find_detections(sequence, "poi.txt").name == "poi.txt"
    assert find_detections(sequence, "v1.2").name == "v1.2.txt"
    elsewhere = tmp_path / "features" / "shop.npy"
    elsewhere.parent.mkdir()
    elsewhere.touch()
    assert find_detections(sequence, str(elsewhere)) == elsewhere
    assert find_detections(sequence, str(elsewhere.parent)) == elsewhere


def test_missing_detections_name_what_there_is(tmp_path: Path) -> None:
    sequence = sequence_with(tmp_path / "shop", "det.txt", "frcnn.txt")
    with pytest.raises(FileError, match=r"no detections 'poi' for shop; .* has det.txt, frcnn.txt"):
        find_detections(sequence, "poi")
    with pytest.raises(FileError, match="no detections; expected"):
        find_detections(sequence_with(tmp_path / "bare"))


def test_reading_files_needs_no_heavy_library() -> None:
    program = (
        "import sys, tracker.motchallenge, tracker.results, reid.footage.sources\n"
        "print([name for name in ('torch', 'pandas', 'cv2', 'supervision') if name in sys.modules])"
    )
    finished = run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
