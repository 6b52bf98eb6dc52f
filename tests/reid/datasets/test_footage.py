"""Crops out of videos and images, with boxes from a file or a detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets.building import CropSettings, build_store
from reid.datasets.footage import choose_footage, open_footage
from reid.datasets.motchallenge import detected_footage
from reid.datasets.store import CropStore
from reid.detectors import Detector, Found
from reid.footage.sources import open_source

SETTINGS = CropSettings(height=40, width=20, min_difference=0.5)


@pytest.fixture
def video(street: Path, tmp_path: Path) -> Path:
    """The frames of the street, and a file with its boxes beside it."""
    path = tmp_path / "my street.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 10, (160, 200))
    for image in sorted((street / "img1").iterdir()):
        writer.write(cv2.imread(str(image)))
    writer.release()
    path.with_suffix(".txt").write_text((street / "det" / "det.txt").read_text())
    return path


class Lanes(Detector):
    """Finds the four people of the street where they are, and counts how often it is asked."""

    fingerprint = "lanes"

    def __init__(self) -> None:
        super().__init__("lanes", {0: "person"}, None, 0.5)
        self.asked: list[int] = []
        self._frame = 0

    def _detect(self, images: list[np.ndarray]) -> list[Found]:
        self.asked.append(len(images))
        found = []
        for _ in images:
            self._frame += 1
            left, top = 10.0 + 2 * self._frame, 5.0 + 48 * np.arange(4)
            boxes = np.stack([np.full(4, left), top, np.full(4, left + 20), top + 40], axis=1)
            found.append(Found(boxes, np.full(4, 0.9), np.zeros(4, np.int64)))
        return found


def same_crops(a: CropStore, b: CropStore) -> bool:
    return len(a) == len(b) > 50 and np.abs(a.images.astype(int) - b.images.astype(int)).max() <= 2


def test_a_video_gives_the_crops_of_its_images(video: Path, street: Path, tmp_path: Path) -> None:
    stored = build_store([open_footage(str(video), video.with_suffix(".txt"))], SETTINGS, tmp_path / "a")
    assert stored.sources == ("my street",)
    assert stored.seen == 160
    # Everybody walks alone in a lane: four tracklets.
    assert np.unique(stored.index.tracklet).tolist() == [0, 1, 2, 3]
    images = build_store([detected_footage(street, street / "det" / "det.txt")], SETTINGS, tmp_path / "b")
    assert same_crops(stored, images)
    pattern = str(street / "img1" / "*.png")
    shots = build_store([open_footage(pattern, video.with_suffix(".txt"))], SETTINGS, tmp_path / "c")
    assert same_crops(shots, images)


def test_a_detector_is_asked_for_several_frames_at_once(video: Path, tmp_path: Path) -> None:
    stored = build_store([open_footage(str(video), video.with_suffix(".txt"))], SETTINGS, tmp_path / "a")
    lanes = Lanes()
    detected = build_store([open_footage(str(video), lanes)], SETTINGS, tmp_path / "b")
    assert lanes.asked == [8] * 5
    assert same_crops(detected, stored)
    # A finished store is not built again.
    build_store([open_footage(str(video), lanes)], SETTINGS, tmp_path / "b")
    assert lanes.asked == [8] * 5


def test_a_missing_image_has_no_crops(street: Path, tmp_path: Path) -> None:
    (street / "img1" / "000007.png").write_bytes(b"damaged")
    lanes = Lanes()
    build_store([open_footage(str(street / "img1"), lanes)], SETTINGS, tmp_path / "a")
    assert lanes.asked == [7, 8, 8, 8, 8]


def test_the_fingerprint_follows_the_footage_and_its_boxes(video: Path, street: Path) -> None:
    boxes = video.with_suffix(".txt")

    def fingerprint() -> str:
        return open_footage(str(video), boxes).fingerprint()

    first = fingerprint()
    assert fingerprint() == first
    boxes.write_text(boxes.read_text() + "40,-1,1,1,40,60,0.9\n")
    second = fingerprint()
    video.write_bytes(video.read_bytes() + b" ")
    assert len({first, second, fingerprint(), open_footage(str(video), Lanes()).fingerprint()}) == 4
    other = open_footage(str(street / "img1"), boxes).fingerprint()
    (street / "img1" / "000003.png").unlink()
    assert open_footage(str(street / "img1"), boxes).fingerprint() != other


def test_boxes_beyond_the_end_are_told(video: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    boxes = video.with_suffix(".txt")
    boxes.write_text(boxes.read_text() + "41,-1,1,1,40,60,0.9\n99,-1,1,1,40,60,0.9\n")
    build_store([open_footage(str(video), boxes)], SETTINGS, tmp_path / "a")
    assert "my street.txt: 2 boxes beyond the last frame, 40, are not used" in caplog.text


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sources": ["a.mp4"]}, "1 × --source and 0 × --detections; expected a file with boxes for each"),
        ({"sources": ["a.mp4", "b.mp4"], "detections": [Path("a.txt")]}, "2 × --source and 1 × --detections"),
        ({"sources": [], "detections": [Path("a.txt")]}, "0 × --source and 1 × --detections"),
        ({"sources": [], "detector": "a.onnx"}, "a.onnx: nothing to look at; expected --source"),
        ({"sources": ["a"], "detector": "a.onnx", "detections": [Path("b")]}, "expected one of them"),
        ({"sources": ["a"], "classes": "car", "detections": [Path("b")]}, "--classes car: is for a detector"),
        ({"sources": ["a"], "detector": "fastercnn"}, "unknown detector 'fastercnn'; did you mean"),
        ({"sources": ["none.mp4"], "detections": [Path("b")]}, "none.mp4: no such file or folder"),
    ],
)
def test_what_does_not_fit_together_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_footage(**arguments)  # type: ignore[arg-type]
    assert choose_footage([]) == []


def test_footage_on_a_server_is_to_be_downloaded_first(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(str(video))
    source.files = ()
    monkeypatch.setattr("reid.datasets.footage.open_source", lambda spec: source)
    with pytest.raises(ValueError, match=r"on a server, where it may change unnoticed.* download it first"):
        open_footage("http://127.0.0.1/street.avi", video.with_suffix(".txt"))


def test_missing_boxes_are_named_before_any_work(video: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.txt: No such file"):
        open_footage(str(video), tmp_path / "none.txt")
