"""Images of a folder, a pattern or a sequence."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.footage.frames import SourceError
from reid.footage.sequence import SequenceInfo
from reid.footage.sources import open_source
from tests.reid.footage.numbered import HEIGHT, WIDTH, make_images, read_all


@pytest.fixture
def sequence(tmp_path: Path) -> SequenceInfo:
    folder = make_images(tmp_path / "MOT16-99" / "img1", [1, 2, 4]).parent
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nimDir=img1\nframeRate=14\nseqLength=5\nimWidth=64\nimHeight=48\nimExt=.png\n"
    )
    return SequenceInfo.read(folder)


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
    caplog.set_level(logging.DEBUG)
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
    caplog.set_level(logging.DEBUG)
    folder = make_images(tmp_path / "shop", [1, 2, 3, 4])
    damaged = folder / "000002.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    (folder / "000003.png").write_bytes(b"")
    source = open_source(folder)
    assert read_all(source) == [(1, 1), (2, None), (3, None), (4, 4)]
    assert source.notes[0].endswith("2 of 4 images missing or damaged (frames 2, 3)")
    assert str(damaged) in caplog.text


def test_many_missing_images_make_one_note_and_no_flood(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = open_source(make_images(tmp_path / "shop", list(range(1, 31, 3))))
    (tmp_path / "shop" / "000028.png").write_bytes(b"no image")
    read_all(source)
    assert len(source.notes) == 1
    assert not caplog.records


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


def test_a_sequence_has_all_its_frames(sequence: SequenceInfo) -> None:
    for spec in (sequence, sequence.folder, str(sequence.folder)):
        source = open_source(spec)
        assert (source.name, source.length, source.frame_rate, source.size) == ("MOT16-99", 5, 14.0, (64, 48))
        assert read_all(source) == [(1, 1), (2, 2), (3, None), (4, 4), (5, None)]
        assert source.notes[0].endswith("(frames 3, 5)")


@pytest.mark.parametrize("pattern", ["{:08d}.png", "{:04d}.png", "{}.png"])
@pytest.mark.parametrize("extension", [".png", "png"])
def test_images_of_a_sequence_may_have_any_number_of_digits(
    pattern: str, extension: str, tmp_path: Path
) -> None:
    folder = make_images(tmp_path / "dance" / "img1", [2, 3, 9, 10, 12], pattern).parent
    (folder / "img1" / "000003.jpg").touch()  # of another kind
    (folder / "img1" / "cover.png").touch()
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nimDir=img1\nframeRate=14\nseqLength=12\nimWidth=64\nimHeight=48\nimExt={extension}\n"
    )
    source = open_source(folder)
    there = {2, 3, 9, 10, 12}
    assert read_all(source) == [(n, n if n in there else None) for n in range(1, 13)]
    assert "7 of 12 images missing or damaged" in source.notes[0]
    assert source.fingerprint(2) is not None


def test_a_name_with_six_digits_comes_before_others_of_the_same_frame(sequence: SequenceInfo) -> None:
    (sequence.image_folder / "000003.png").write_bytes((sequence.image_folder / "000004.png").read_bytes())
    for name in ("3.png", "00000003.png"):
        (sequence.image_folder / name).write_bytes(b"a thumbnail")
    assert read_all(open_source(sequence))[2] == (3, 4)


@pytest.mark.parametrize("pattern", ["dance_{:04d}.png", "{:06d}.png"])
def test_a_sequence_whose_images_are_of_no_frame_is_refused(pattern: str, sequence: SequenceInfo) -> None:
    for number, path in enumerate(sorted(sequence.image_folder.iterdir()), start=7):
        path.rename(path.with_name(pattern.format(number)))
    with pytest.raises(SourceError) as raised:
        open_source(sequence)
    assert str(raised.value) == (
        f"{sequence.image_folder}: no image has the number of a frame from 1 to 5 "
        f"(the first is {pattern.format(7)}); expected names such as 000001.png"
    )


def test_a_sequence_whose_images_are_all_damaged_is_refused(sequence: SequenceInfo) -> None:
    for path in sequence.image_folder.iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(SourceError, match="MOT16-99: no image can be read; expected at least one"):
        open_source(sequence)


def test_a_sequence_without_images_is_refused(sequence: SequenceInfo) -> None:
    for path in sequence.image_folder.iterdir():
        path.unlink()
    with pytest.raises(SourceError, match=r"no \.png images; expected MOT16-99's"):
        open_source(sequence)


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
