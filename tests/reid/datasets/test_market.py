from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets.market import MarketFolder, MarketName, is_market_folder


@pytest.mark.parametrize(
    "name, expected",
    [
        ("0002_c1s2_000451_03.jpg", MarketName(2, 1, 2, 451, 3)),
        ("-1_c6s3_000001_00.jpg", MarketName(-1, 6, 3, 1, 0)),
        ("0000_c2s1_123456_12.jpg.jpg", MarketName(0, 2, 1, 123456, 12)),
        ("someone.jpg", None),
        ("0002_c1s2_000451.jpg", None),
    ],
)
def test_names(name: str, expected: MarketName | None) -> None:
    assert MarketName.parse(Path(name)) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for identity in ("-1", "0000", "0001", "0005", "0007", "0012"):
        for camera in (2, 1):
            path = tmp_path / f"{identity}_c{camera}s1_{int(identity) + 10:06d}_01.png"
            cv2.imwrite(str(path), np.full((8, 4, 3), int(identity) + 1, np.uint8))
    return tmp_path


def identities(source: MarketFolder) -> set[int]:
    return {int(image.identities[0]) for image in source.images() if image.identities is not None}


def test_junk_is_never_read_and_the_order_is_that_of_capture(folder: Path) -> None:
    images = list(MarketFolder(folder).images())
    assert len(images) == 10
    assert [image.camera for image in images] == [1] * 5 + [2] * 5
    assert [image.frame % 1_000_000 for image in images[:5]] == [10, 11, 15, 17, 22]


def test_the_last_identities_can_be_held_out(folder: Path) -> None:
    assert identities(MarketFolder(folder, leave_out_last=2)) == {0, 1, 5}
    assert identities(MarketFolder(folder, only_last=2)) == {7, 12}
    fingerprints = {
        MarketFolder(folder, **part).fingerprint() for part in ({}, {"only_last": 2}, {"only_last": 1})
    }
    assert len(fingerprints) == 3


def test_more_than_there_are_cannot_be_held_out(folder: Path) -> None:
    with pytest.raises(ValueError, match="4 identities; cannot set the last 4 apart"):
        MarketFolder(folder, only_last=4)


def test_other_names_are_refused(folder: Path) -> None:
    assert is_market_folder(folder)
    (folder / "someone.png").touch()
    assert not is_market_folder(folder)
    with pytest.raises(ValueError, match=r"someone\.png: not a Market-1501 name"):
        MarketFolder(folder)
