"""Building crop stores: cut, leave out what teaches nothing, write once.

A store is built beside its final place, one source after the other, and takes its name when it is complete.
What was interrupted goes on with the source it was at; what is there already is not built again. A store
knows its sources and settings by a key, so that the same ones always lead to the same store.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from reid.caching import cache_folder, lock_of
from reid.crops import DuplicateFilter, Images, Policy, cut_crops, sharpness
from reid.datasets.crops import BoxedImage, CropSource
from reid.datasets.store import (
    ABOUT,
    CROPS,
    FORMAT,
    INDEX,
    LABELS,
    CropIndex,
    CropLabels,
    CropStore,
    StoreError,
    read_about,
)
from reid.datasets.tracklets import TrackletLinker
from reid.files import write_text
from reid.settings import Settings

LOG = logging.getLogger(__name__)

_RAW = "crops.raw"
_REASONS = ("unreadable", "low score", "outside the image", "small", "blurred", "duplicate")
# Tables need at least one piece to be put together from.
_NOTHING = BoxedImage(None, np.empty((0, 4)), np.empty(0), frame=0)


class CropSettings(Settings):
    """How crops are cut, and which are left out."""

    height: int = Field(64, ge=8, description="of the stored crops, pixels")
    width: int = Field(64, ge=8, description="of the stored crops, pixels")
    policy: Policy = Field("squash", description="what happens to a box's aspect ratio")
    every: int = Field(1, ge=1, description="take only every n-th frame of a video")
    min_score: float | None = Field(None, description="drop boxes that the detector trusts less")
    min_box_height: float = Field(32.0, ge=0, description="drop smaller boxes, pixels")
    min_box_width: float = Field(12.0, ge=0, description="drop narrower boxes, pixels")
    min_sharpness: float = Field(0.02, ge=0, description="drop blurrier crops, see reid.crops.sharpness")
    min_difference: float = Field(6.0, ge=0, description="drop crops nearer to an earlier one, grey levels")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width


def build_store(
    sources: Sequence[CropSource],
    settings: CropSettings | None = None,
    folder: Path | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> CropStore:
    """Store the crops of some sources, or open the store if it is there already.

    Args:
        sources: where the crops come from.
        settings: how to cut them.
        folder: where to store them; by default a folder in the cache, named by the store's key.
        progress: called after each image with the source's name and the number of crops kept from it.

    Raises:
        StoreError: if the folder holds something else, or no crop is left.
    """
    if not sources:
        raise StoreError("no sources to take crops from")
    settings = settings or CropSettings()
    keys = [
        _digest(FORMAT, settings.model_dump_json(), source.name, source.fingerprint()) for source in sources
    ]
    key = _digest(*keys)
    folder = folder or cache_folder() / "crops" / key
    # Of two trainings that are started together on new data, one builds and the other waits for it.
    with lock_of(folder):
        return _open_or_build(sources, settings, keys, key, folder, progress)


def _open_or_build(
    sources: Sequence[CropSource],
    settings: CropSettings,
    keys: list[str],
    key: str,
    folder: Path,
    progress: Callable[[str, int], None] | None,
) -> CropStore:
    if folder.exists():
        about = read_about(folder)
        if about is not None and about.get("key") == key:
            return CropStore.open(folder)
        if about is not None or any(folder.iterdir()):
            what = "a crop store of other data or settings" if about is not None else "other files"
            raise StoreError(f"{folder}: holds {what}; expected a new folder, or delete it first")
    workshop = folder.with_name(f"{folder.name}.partial")
    workshop.mkdir(parents=True, exist_ok=True)
    for source, part in zip(sources, keys, strict=True):
        if not (workshop / part / ABOUT).is_file():
            _build_part(source, settings, workshop / part, progress)
    _join(sources, [workshop / part for part in keys], key, settings, workshop / "joined")
    if folder.exists():
        folder.rmdir()
    (workshop / "joined").replace(folder)
    shutil.rmtree(workshop)
    store = CropStore.open(folder)
    LOG.info("%s: %s", folder, store)
    return store


def _digest(*texts: object) -> str:
    return hashlib.sha256("\0".join(map(str, texts)).encode()).hexdigest()[:32]


def _build_part(
    source: CropSource,
    settings: CropSettings,
    folder: Path,
    progress: Callable[[str, int], None] | None,
) -> None:
    """Store one source's crops in ``folder``; its ``store.json`` is written last and says it is complete."""
    folder.mkdir(exist_ok=True)
    linker, sieve = TrackletLinker(), _Sieve(settings)
    tables = [_rows(_NOTHING, np.arange(0), None)]
    seen = kept = 0
    with (folder / _RAW).open("wb") as raw:
        for position, image in enumerate(source.images()):
            # Tracklets need every frame and every box, also those that are not stored.
            tracklets = linker.step(image.frame, image.boxes) if source.is_video else None
            if source.is_video and position % settings.every:
                continue
            kept_boxes, crops = sieve(image)
            crops.tofile(raw)
            tables.append(_rows(image, kept_boxes, tracklets))
            seen, kept = seen + len(image.boxes), kept + len(crops)
            if progress is not None:
                progress(source.name, kept)
    indices, labels = zip(*tables, strict=True)
    CropIndex.concatenate(indices).write(folder / INDEX)
    CropLabels.concatenate(labels).write(folder / LABELS)
    _write_about(folder, {"count": kept, "seen": seen, "dropped": sieve.dropped})


def _rows(
    image: BoxedImage, boxes: NDArray[np.intp], tracklets: NDArray[np.int64] | None
) -> tuple[CropIndex, CropLabels]:
    """The rows of the index and of the labels for some of an image's boxes."""
    count = len(boxes)
    unknown = np.full(count, -1, dtype=np.int64)
    index = CropIndex(
        source=np.zeros(count, dtype=np.int32),
        frame=np.full(count, image.frame, dtype=np.int64),
        box=image.boxes[boxes],
        score=image.scores[boxes].astype(np.float32),
        camera=np.full(count, image.camera, dtype=np.int32),
        tracklet=unknown if tracklets is None else tracklets[boxes],
    )
    identities = unknown if image.identities is None else image.identities[boxes]
    return index, CropLabels(identities, np.full(count, image.name))


class _Sieve:
    """Cuts an image's crops and keeps those that are worth it, counting the others."""

    def __init__(self, settings: CropSettings) -> None:
        self.settings = settings
        self.dropped = dict.fromkeys(_REASONS, 0)
        self._duplicates = DuplicateFilter(settings.min_difference)

    def __call__(self, image: BoxedImage) -> tuple[NDArray[np.intp], Images]:
        """Rows of the boxes that are kept, and their crops."""
        settings = self.settings
        rows = np.arange(len(image.boxes))
        if image.image is None:
            self.dropped["unreadable"] += len(rows)
            return rows[:0], np.empty((0, *settings.size, 3), dtype=np.uint8)
        if settings.min_score is not None:
            rows = rows[self._good("low score", image.scores >= settings.min_score)]
        height, width = image.image.shape[:2]
        visible = np.clip(image.boxes[rows], 0.0, [width, height, width, height])
        wide = visible[:, 2] - visible[:, 0] >= settings.min_box_width
        high = visible[:, 3] - visible[:, 1] >= settings.min_box_height
        rows = rows[self._good("small", wide & high)]
        crops, inside = cut_crops(image.image, image.boxes[rows], settings.size, settings.policy)
        for reason, check in (
            ("outside the image", lambda _: inside),
            ("blurred", lambda left: sharpness(left) >= settings.min_sharpness),
            ("duplicate", self._duplicates.passes),
        ):
            good = self._good(reason, check(crops))
            rows, crops = rows[good], crops[good]
        return rows, crops

    def _good(self, reason: str, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
        self.dropped[reason] += int(len(good) - good.sum())
        return good


def _join(
    sources: Sequence[CropSource], parts: Sequence[Path], key: str, settings: CropSettings, folder: Path
) -> None:
    """Make one store out of the sources' parts."""
    abouts = [json.loads((part / ABOUT).read_text(encoding="utf-8")) for part in parts]
    total = sum(about["count"] for about in abouts)
    dropped = {reason: sum(about["dropped"][reason] for about in abouts) for reason in _REASONS}
    seen = sum(about["seen"] for about in abouts)
    if total == 0:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
        raise StoreError(f"no crops left of {seen} boxes ({reasons or 'no boxes at all'})")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shape = (total, settings.height, settings.width, 3)
    crops = np.lib.format.open_memmap(folder / CROPS, mode="w+", dtype=np.uint8, shape=shape)
    indices, start, tracklets = [], 0, 0
    for number, (part, about) in enumerate(zip(parts, abouts, strict=True)):
        stop = start + about["count"]
        if stop > start:
            crops[start:stop] = np.memmap(
                part / _RAW, dtype=np.uint8, mode="r", shape=(stop - start, *shape[1:])
            )
        index = CropIndex.read(part / INDEX)
        index.source[:] = number
        # Every source counts its tracklets from 0.
        index.tracklet[index.tracklet >= 0] += tracklets
        tracklets = max(tracklets, int(index.tracklet.max(initial=-1)) + 1)
        indices.append(index)
        start = stop
    crops.flush()
    CropIndex.concatenate(indices).write(folder / INDEX)
    CropLabels.concatenate([CropLabels.read(part / LABELS) for part in parts]).write(folder / LABELS)
    about = {
        "format": FORMAT,
        "key": key,
        "sources": [source.name for source in sources],
        "settings": settings.model_dump(),
        "seen": seen,
        "dropped": dropped,
    }
    _write_about(folder, about)


def _write_about(folder: Path, about: dict[str, Any]) -> None:
    write_text(folder / ABOUT, json.dumps(about, indent=2))
