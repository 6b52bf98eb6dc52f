"""A whole scene as a MOTChallenge sequence on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.files import folder_written_atomically
from reid.footage.sequence import write_description

from .camera import Camera
from .config import SceneConfig
from .detector import Detector
from .furniture import furnish
from .motion import Crowd
from .paint import Array, Picture
from .render import Painter
from .silhouette import outlines
from .visibility import VisibilityMeter

_LEAST_INSIDE = 0.05  # share of a person's box inside the picture from which on they are annotated


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame: who is in the picture, what a detector finds, and the picture.

    Attributes:
        number: From 1.
        ids: (N,) identities.
        boxes: (N, 4) left, top, right, bottom in the picture, in pixels, 0-based; they may reach beyond it.
        visibility: (N,) share of each person that can be seen.
        detected: (M, 4) boxes of the detector.
        scores: (M,) its confidences.
        picture: (H, W, 3) BGR, or None when no pictures were asked for.
    """

    number: int
    ids: NDArray[np.int64]
    boxes: Array
    visibility: Array
    detected: Array
    scores: Array
    picture: Picture | None


def play(config: SceneConfig, *, images: bool = True) -> Iterator[Moment]:
    """Play the scene, frame by frame. Without images it is many times faster, and otherwise the same."""
    camera = Camera.of(config)
    furniture = furnish(config.random("furniture"), camera)
    crowd = Crowd(config, camera, furniture)
    meter = VisibilityMeter(camera, furniture)
    detector = Detector(config.detector, camera.window, config.random("detector"))
    painter = Painter(config, camera, furniture) if images else None
    for frame in range(config.frames):
        people, stance = crowd.present(), crowd.stance()
        corner = camera.path[frame]
        seen = outlines(people, stance, camera)
        visibility = meter.measure(seen, corner)
        boxes = seen.boxes - np.tile(corner, 2)
        inside = _share_inside(boxes, camera.window) >= _LEAST_INSIDE
        ids = np.array([person.identity for person in people], dtype=np.int64)[inside]
        order = np.argsort(ids)
        ids, boxes, visibility = ids[order], boxes[inside][order], visibility[inside][order]
        detected, scores = detector.detect(ids, boxes, visibility)
        picture = None
        if painter is not None:
            picture = painter.paint(frame, people, seen, crowd.sideways() * seen.scale / config.frame_rate)
        yield Moment(frame + 1, ids, boxes, visibility, detected, scores, picture)
        crowd.advance()


def make_sequence(
    folder: Path,
    config: SceneConfig,
    *,
    images: bool = True,
    force: bool = False,
    progress: Callable[[int], None] = lambda frame: None,
) -> Path:
    """Write the scene as a MOTChallenge sequence: ``seqinfo.ini``, ``gt``, ``det`` and, if wanted, ``img1``.

    It is written into a folder beside and renamed when it is complete.

    Args:
        folder: Where to; its name is the sequence's name.
        config: What the scene is like.
        images: Whether to paint the pictures.
        force: Whether to replace a folder that is there already.
        progress: Called with the number of each frame that is done.

    Returns:
        The folder.

    Raises:
        FileExistsError: The folder is there and ``force`` was not given, or it is not a sequence.
    """
    if folder.exists():
        _check_replaceable(folder, force=force)
    with folder_written_atomically(folder) as work:
        _write(work, folder.name, config, images, progress)
    return folder


def _write(work: Path, name: str, config: SceneConfig, images: bool, progress: Callable[[int], None]) -> None:
    for part in ("gt", "det", *(["img1"] if images else [])):
        (work / part).mkdir()
    with (
        (work / "gt" / "gt.txt").open("w", newline="\n") as gt,
        (work / "det" / "det.txt").open("w", newline="\n") as det,
    ):
        for moment in play(config, images=images):
            for identity, box, visible in zip(moment.ids, moment.boxes, moment.visibility, strict=True):
                gt.write(f"{moment.number},{identity},{_ltwh(box)},1,1,{visible:.3f}\n")
            for box, score in zip(moment.detected, moment.scores, strict=True):
                det.write(f"{moment.number},-1,{_ltwh(box)},{score:.3f},-1,-1,-1\n")
            if moment.picture is not None:
                _write_picture(
                    work / "img1" / f"{moment.number:06d}.jpg", moment.picture, config.image_quality
                )
            progress(moment.number)
    write_description(work, name, config.frames, config.frame_rate, (config.width, config.height))


def _ltwh(box: Array) -> str:
    """A box as MOTChallenge writes it: left, top (from 1), width, height."""
    left, top, right, bottom = box
    return f"{left + 1:.2f},{top + 1:.2f},{right - left:.2f},{bottom - top:.2f}"


def _write_picture(path: Path, picture: Picture, quality: int) -> None:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise OSError(f"{path}: the picture could not be encoded as JPEG")
    path.write_bytes(data.tobytes())


def _share_inside(boxes: Array, window: tuple[int, int]) -> Array:
    size = np.clip(boxes[:, 2:], 0, window) - np.clip(boxes[:, :2], 0, window)
    return np.asarray(size.prod(axis=1) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def _check_replaceable(folder: Path, *, force: bool) -> None:
    if not force:
        raise FileExistsError(f"{folder}: exists already; choose another folder or force it to be replaced")
    if folder.is_symlink() or not (folder / "seqinfo.ini").is_file():
        raise FileExistsError(f"{folder}: is not a sequence (it has no seqinfo.ini), so it is not replaced")
