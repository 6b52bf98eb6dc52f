"""What all sources have in common."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reid.footage.frames import SourceError
from reid.footage.sources import open_source
from tests.reid.footage.numbered import make_images, make_video


def test_titles_are_fit_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_images(tmp_path / "my shop", [1, 2, 3])
    assert open_source(folder).title == "my shop"
    assert open_source(folder / "0*.png").title == "my shop"
    assert open_source(tmp_path / "my*" / "0*.png").title == tmp_path.name
    assert open_source(make_video(tmp_path / "my shop.avi")).title == "my shop"
    monkeypatch.chdir(folder)
    assert open_source(".").title == "my shop"
    assert open_source("*.png").title == "my shop"


def test_files_are_what_is_read(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "shop", [1, 2, 4])
    names = [path.name for path in open_source(folder).files]
    assert names == ["000001.png", "000002.png", "000004.png"]
    path = make_video(tmp_path / "shop.avi")
    assert open_source(path).files == (path,)


@pytest.mark.skipif(sys.platform == "win32", reason="cameras are files on Unix only")
def test_the_device_of_a_camera_is_the_camera(tmp_path: Path) -> None:
    by_place = tmp_path / "front door"
    by_place.symlink_to("/dev/video97")
    # There is none: the complaint tells what was looked for.
    for spec in (97, "97", "/dev/video97", Path("/dev/video97"), by_place):
        with pytest.raises(SourceError, match=r"^camera 97: cannot be opened; expected the number"):
            open_source(spec)
    with pytest.raises(SourceError, match=r"^/dev/videos: no such file"):
        open_source("/dev/videos")
