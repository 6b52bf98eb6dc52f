from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets import building
from reid.datasets.building import CropSettings, build_store
from reid.datasets.crops import BoxedImage, CropFolder, Footage, image_files
from reid.datasets.market import MarketFolder
from reid.datasets.store import CropStore, StoreError

SMALL = CropSettings(height=32, width=16)


def noise(seed: int, height: int = 64, width: int = 32) -> np.ndarray:
    """A sharp image like no other."""
    coarse = np.random.default_rng(seed).integers(0, 255, (16, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[:, :, ::-1])


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    for number in range(12):
        save(folder / f"{number // 6}" / f"{number}.png", noise(number))
    return folder


def walking(people: int = 3, frames: int = 8) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """People who change their clothes in every frame, so that no two crops are alike."""
    for number in range(1, frames + 1):
        image = np.zeros((120, 300, 3), np.uint8)
        boxes = []
        for person in range(people):
            left = 80 * person + 2 * number
            image[20:84, left : left + 32] = noise(1000 * person + number)
            boxes.append([left, 20, left + 32, 84])
        yield number, image, np.array(boxes, dtype=float), np.linspace(0.5, 0.9, people)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_of_crops_is_stored_as_it_is(crops: Path, tmp_path: Path) -> None:
    store = build_store([CropFolder(crops)], CropSettings(height=64, width=32), tmp_path / "store")
    assert len(store) == store.seen == 12
    assert isinstance(store.images, np.memmap)
    assert not store.images.flags.writeable
    # In natural order: 2 before 10.
    for number, crop in enumerate(store.images):
        np.testing.assert_array_equal(crop, noise(number))
    assert store.labels.name[10] == "1/10.png"
    assert (store.labels.identity == -1).all()
    assert (store.index.tracklet == -1).all()
    np.testing.assert_array_equal(store.index.box[0], [0, 0, 32, 64])


def test_what_teaches_nothing_is_dropped_and_counted(crops: Path, tmp_path: Path) -> None:
    save(crops / "2" / "a copy.png", noise(3))
    save(crops / "2" / "blurred.png", cv2.GaussianBlur(noise(50), (0, 0), 4))
    save(crops / "2" / "small.png", noise(51, 20, 10))
    (crops / "2" / "broken.jpg").write_bytes(b"not an image")
    (crops / "2" / "empty.jpg").touch()
    (crops / "2" / "._hidden.jpg").write_bytes(b"resource fork")
    store = build_store([CropFolder(crops)], CropSettings(), tmp_path / "store")
    assert {reason: count for reason, count in store.dropped.items() if count} == {
        "duplicate": 1,
        "blurred": 1,
        "small": 1,
        "unreadable": 2,
    }
    assert store.seen == 17
    assert "12 crops of 64×64 from 17 boxes" in str(store)
    assert "1 blurred" in str(store)


def test_footage_is_cut_and_linked(tmp_path: Path) -> None:
    store = build_store([Footage("street", walking(), "v1", camera=4)], SMALL, tmp_path / "store")
    assert len(store) == 24
    assert store.sources == ("street",)
    assert (store.index.camera == 4).all()
    np.testing.assert_array_equal(store.index.tracklet.reshape(8, 3), np.tile([0, 1, 2], (8, 1)))
    np.testing.assert_array_equal(store.index.frame, np.repeat(np.arange(1, 9), 3))
    np.testing.assert_allclose(store.index.score[:3], [0.5, 0.7, 0.9])
    expected = cv2.resize(noise(2008), (16, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(store.images[-1], expected)


def test_every_nth_frame_is_stored_but_tracklets_use_all(tmp_path: Path) -> None:
    settings = CropSettings(height=32, width=16, every=3, min_score=0.6)
    store = build_store([Footage("street", walking(), "v1")], settings, tmp_path / "store")
    assert store.index.frame.tolist() == [1, 1, 4, 4, 7, 7]
    assert store.index.tracklet.tolist() == [1, 2] * 3
    assert store.dropped["low score"] == 3
    assert store.seen == 9


def test_a_missing_frame_ends_the_tracklets_only(tmp_path: Path) -> None:
    frames = list(walking())
    del frames[4]
    number, _, boxes, scores = frames[1]
    broken = [frames[0], (number, None, boxes, scores), *frames[2:]]
    store = build_store([Footage("street", broken, "v1")], SMALL, tmp_path / "store")
    assert store.dropped["unreadable"] == 3
    assert len(np.unique(store.index.tracklet)) == 6


def test_tracklets_of_different_sources_differ(tmp_path: Path, crops: Path) -> None:
    sources = [Footage("a", walking(), "a"), CropFolder(crops), Footage("b", walking(), "b")]
    store = build_store(sources, SMALL, tmp_path / "store")
    assert np.bincount(store.index.source).tolist() == [24, 12, 24]
    by_source = [set(store.index.tracklet[store.index.source == number].tolist()) for number in range(3)]
    assert by_source == [{0, 1, 2}, {-1}, {3, 4, 5}]
    np.testing.assert_array_equal(store.images[:24], store.images[36:])


def test_a_finished_store_is_opened_and_not_built_again(tmp_path: Path) -> None:
    def used_up() -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        raise AssertionError("frames were read again")
        yield

    build_store([Footage("street", walking(), "v1")], SMALL, tmp_path / "store")
    again = build_store([Footage("street", used_up(), "v1")], SMALL, tmp_path / "store")
    assert len(again) == 24


def test_an_interrupted_build_leaves_no_store_and_goes_on(tmp_path: Path) -> None:
    def killed() -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        frames = walking()
        yield next(frames)
        raise KeyboardInterrupt

    def finished() -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        raise AssertionError("a finished source was read again")
        yield

    folder = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        build_store([Footage("a", walking(), "a"), Footage("b", killed(), "b")], SMALL, folder)
    assert not folder.exists()
    resumed = build_store([Footage("a", finished(), "a"), Footage("b", walking(), "b")], SMALL, folder)
    at_once = [Footage("a", walking(), "a"), Footage("b", walking(), "b")]
    build_store(at_once, SMALL, tmp_path / "other")
    assert files(resumed.folder) == files(tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"store", "other"}


def test_a_kill_while_joining_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building.CropLabels, "concatenate", killed)
        with pytest.raises(KeyboardInterrupt):
            build_store([Footage("a", walking(), "a")], SMALL, tmp_path / "store")
    with pytest.raises(StoreError, match="not a crop store"):
        CropStore.open(tmp_path / "store")
    assert len(build_store([Footage("a", walking(), "a")], SMALL, tmp_path / "store")) == 24


def test_the_cache_finds_a_store_by_its_content(
    crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VHP_CACHE", str(tmp_path / "cache"))
    first = build_store([CropFolder(crops)], SMALL)
    assert first.folder.is_relative_to(tmp_path / "cache")
    assert build_store([CropFolder(crops)], SMALL).folder == first.folder
    other = build_store([CropFolder(crops)], CropSettings(height=16, width=16))
    assert other.folder != first.folder
    save(crops / "new.png", noise(99))
    assert len(build_store([CropFolder(crops)], SMALL)) == 13


def test_another_store_is_never_overwritten(crops: Path, tmp_path: Path) -> None:
    build_store([CropFolder(crops)], SMALL, tmp_path / "store")
    with pytest.raises(StoreError, match="other data or settings"):
        build_store([CropFolder(crops)], CropSettings(height=16, width=16), tmp_path / "store")
    with pytest.raises(StoreError, match="other files"):
        build_store([CropFolder(crops)], SMALL, crops)


def test_damaged_stores_are_named(crops: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    build_store([CropFolder(crops)], SMALL, folder)
    whole = (folder / "crops.npy").read_bytes()
    (folder / "crops.npy").write_bytes(whole[:-100])
    with pytest.raises(StoreError, match=r"crops\.npy"):
        CropStore.open(folder)
    (folder / "crops.npy").write_bytes(whole)
    for damaged in (b"PK", b"", b"PK\x03\x04 half a file"):
        (folder / "index.npz").write_bytes(damaged)
        with pytest.raises(StoreError, match=r"index\.npz"):
            CropStore.open(folder)
    (folder / "store.json").write_text("{")
    with pytest.raises(StoreError, match=r"store\.json: line 1"):
        CropStore.open(folder)


def test_nothing_left_says_why(tmp_path: Path) -> None:
    save(tmp_path / "crops" / "a.png", noise(1, 20, 10))
    with pytest.raises(StoreError, match="no crops left of 1 boxes \\(1 small\\)"):
        build_store([CropFolder(tmp_path / "crops")], SMALL, tmp_path / "store")


def test_links_to_folders_are_followed_but_not_in_circles(crops: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "day 1").symlink_to(crops, target_is_directory=True)
    (crops / "round").symlink_to(links, target_is_directory=True)
    found = image_files(links)
    assert len(found) == len({path.resolve() for path in found}) == len(image_files(crops))


def test_folders_without_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no images"):
        image_files(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        image_files(tmp_path / "nowhere")


def test_shuffled_labels_change_nothing_that_training_sees(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # Also several people in one frame, whose order could only come from the identity in the name.
    shots = [(1 + n % 3, 1, 100 * (n % 4), 0) for n in range(40)]
    identities = rng.integers(1, 9, 40)
    views = []
    for name, labels in (("true", identities), ("shuffled", rng.permutation(identities))):
        for n, ((camera, sequence, frame, box), identity) in enumerate(zip(shots, labels, strict=True)):
            # The number behind keeps names apart that would otherwise be equal; it is not looked at.
            path = tmp_path / name / f"{n}" / f"{identity:04d}_c{camera}s{sequence}_{frame:06d}_{box:02d}.png"
            save(path, noise(n))
        store = build_store([MarketFolder(tmp_path / name)], SMALL, tmp_path / f"store of {name}")
        views.append((store, store.training_view()))
    (store, view), (other_store, other) = views
    assert sorted(store.labels.identity) == sorted(other_store.labels.identity)
    assert (store.labels.identity != other_store.labels.identity).any()
    np.testing.assert_array_equal(view.images, other.images)
    for column, values in view.index.columns().items():
        np.testing.assert_array_equal(values, other.index.columns()[column])
    # And the identities are in a file that training does not need at all.
    (store.folder / "labels.npz").unlink()
    assert len(CropStore.open(store.folder).training_view()) == 40
    seen = {*vars(type(view)), *view.index.columns(), *json.loads((store.folder / "store.json").read_text())}
    assert not {name for name in seen if "ident" in name or "label" in name}


def test_two_who_build_the_same_store_at_once_do_the_work_once(crops: Path, tmp_path: Path) -> None:
    started = []

    class Slow(CropFolder):
        def images(self) -> Iterator[BoxedImage]:
            started.append(self)
            time.sleep(0.3)
            yield from super().images()

    with ThreadPoolExecutor(2) as threads:
        stores = list(threads.map(lambda _: build_store([Slow(crops)], SMALL, tmp_path / "store"), range(2)))
    assert len(started) == 1
    assert [len(store) for store in stores] == [12, 12]
    np.testing.assert_array_equal(stores[0].images, stores[1].images)
