from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets.crops import CropFolder, Footage
from reid.datasets.market import MarketFolder
from reid.datasets.opening import open_crops


def save(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((8, 4, 3), np.uint8))


def test_folders_are_told_apart_by_their_names(tmp_path: Path) -> None:
    save(tmp_path / "0001_c1s1_000001_01.png")
    assert isinstance(open_crops(tmp_path), MarketFolder)
    save(tmp_path / "somebody.png")
    assert isinstance(open_crops(tmp_path), CropFolder)


def test_a_sequence_needs_one_detection_file(tmp_path: Path) -> None:
    save(tmp_path / "img1" / "000001.jpg")
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nframeRate=30\nseqLength=1\nimWidth=4\nimHeight=8\n")
    (tmp_path / "det").mkdir()
    with pytest.raises(ValueError, match="detection files: none"):
        open_crops(tmp_path)
    (tmp_path / "det" / "a.txt").write_text("1,-1,1,1,4,8,1\n")
    source = open_crops(tmp_path)
    assert isinstance(source, Footage)
    (tmp_path / "det" / "b.txt").touch()
    with pytest.raises(ValueError, match=r"a\.txt, b\.txt; name the one"):
        open_crops(tmp_path)
    assert open_crops(tmp_path / "det" / "a.txt").fingerprint() == source.fingerprint()


def test_other_paths_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        open_crops(tmp_path / "nowhere")
    (tmp_path / "video.txt").touch()
    with pytest.raises(ValueError, match=r"video\.txt: expected a folder"):
        open_crops(tmp_path / "video.txt")


@pytest.mark.parametrize("name", ["nothing.mp4", "NOTHING.MOV", "video.avi"])
def test_videos_are_sent_to_the_option_that_is_for_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{name}: no such file; .* --source") as missing:
        open_crops(tmp_path / name)
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=rf"{name}: a video; .* --source") as present:
        open_crops(tmp_path / name)
    for caught in (missing, present):
        assert "\n" not in str(caught.value)


def test_other_files_are_sent_there_too(tmp_path: Path) -> None:
    (tmp_path / "street.y4m").touch()
    with pytest.raises(ValueError, match=r"street\.y4m: expected a folder of crops.* --source"):
        open_crops(tmp_path / "street.y4m")


def test_a_folder_may_be_called_after_a_video(tmp_path: Path) -> None:
    save(tmp_path / "street.mp4" / "somebody.png")
    assert isinstance(open_crops(tmp_path / "street.mp4"), CropFolder)
