"""Batches depend on the seed and the step alone, and never on a label."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.datasets.building import CropSettings, build_store
from reid.datasets.market import MarketFolder
from reid.datasets.store import CropStore
from reid.training.batches import (
    CropBatches,
    LabelledCropBatches,
    generator_of_step,
    rows_of_step,
)
from reid.training.settings import AugmentSettings, DataSettings, NeighbourSettings
from tests.reid.training.small_views import CPU, statistics_of, view


def test_an_epoch_has_every_sample_once_and_the_next_another_order() -> None:
    first = np.concatenate([rows_of_step(10, 5, step, seed=3) for step in (0, 1)])
    second = np.concatenate([rows_of_step(10, 5, step, seed=3) for step in (2, 3)])
    assert sorted(first) == sorted(second) == list(range(10))
    assert first.tolist() != second.tolist()
    assert rows_of_step(10, 5, 1, seed=3).tolist() == first[5:].tolist()


def test_too_few_samples_are_said() -> None:
    with pytest.raises(ValueError, match="3 samples are fewer than one batch of 4"):
        rows_of_step(3, 4, 0, seed=0)


def test_a_batch_that_the_settings_refuse_is_not_suggested() -> None:
    with pytest.raises(ValueError, match=r"expected more, or --set optimiser\.batch=2$"):
        rows_of_step(2, 4, 0, seed=0)
    with pytest.raises(ValueError, match=r"1 samples are fewer than one batch of 4; expected more$"):
        rows_of_step(1, 4, 0, seed=0)


def test_steps_and_processes_draw_differently_and_repeatably() -> None:
    def draw(*key: int) -> float:
        seed, step, process = key
        return float(torch.rand(1, generator=generator_of_step(seed, step, CPU, process)))

    assert draw(0, 1, 0) == draw(0, 1, 0)
    assert len({draw(0, 1, 0), draw(0, 2, 0), draw(1, 1, 0), draw(0, 1, 1)}) == 4


def test_targets_are_clean_and_input_is_varied() -> None:
    data = view([-1] * 8)
    batches = CropBatches(
        data, ["image", "statistics"], DataSettings(), AugmentSettings(brightness=0.3, erase=1)
    )
    batch = batches.batch(np.array([2, 5]), generator_of_step(0, 0, CPU))
    assert batch.targets["image"].dtype == torch.uint8
    np.testing.assert_array_equal(batch.targets["image"].permute(0, 2, 3, 1).numpy(), data.images[[2, 5]])
    torch.testing.assert_close(batch.targets["statistics"], statistics_of(data.images[[2, 5]]))
    assert not torch.allclose(batch.x, batch.targets["image"] / 255)
    assert 0 <= float(batch.x.min()) <= float(batch.x.max()) <= 1


def test_without_augmentation_the_input_is_the_crop() -> None:
    data = view([-1] * 4)
    batch = CropBatches(data, ["image"], DataSettings(), AugmentSettings()).batch(
        np.arange(4), generator_of_step(0, 0, CPU)
    )
    torch.testing.assert_close(batch.x, batch.targets["image"] / 255)


def test_a_flip_mirrors() -> None:
    data = view([-1] * 4)
    batches = CropBatches(data, ["image"], DataSettings(), AugmentSettings(flip=1))
    batch = batches.batch(np.arange(4), generator_of_step(0, 0, CPU))
    torch.testing.assert_close(batch.x, batch.targets["image"].flip(3) / 255, atol=1e-4, rtol=0)


def test_the_target_may_be_another_crop_of_the_tracklet() -> None:
    data = view([7, 7, 7, -1, 4, 4, -1])
    batches = CropBatches(data, ["image"], DataSettings(target="tracklet"), AugmentSettings())
    groups = {0: {0, 1, 2}, 1: {0, 1, 2}, 2: {0, 1, 2}, 3: {3}, 4: {4, 5}, 5: {4, 5}, 6: {6}}
    seen: dict[int, set[int]] = {row: set() for row in groups}
    for step in range(60):
        batch = batches.batch(np.arange(7), generator_of_step(0, step, CPU))
        for row, target in enumerate(batch.targets["image"].permute(0, 2, 3, 1).numpy()):
            (match,) = [other for other in range(7) if np.array_equal(target, data.images[other])]
            seen[row].add(match)
    assert seen == groups


def market(folder: Path, labels: list[int]) -> CropStore:
    """Crops in the style of Market-1501 whose names carry the given identities; two cameras in turn."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for frame, identity in enumerate(labels, start=1):
        image = rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{identity:04d}_c{1 + frame % 2}s1_{frame:06d}_00.png"), image)
    settings = CropSettings(
        height=32, width=16, min_box_height=0, min_box_width=0, min_sharpness=0, min_difference=0
    )
    return build_store([MarketFolder(folder)], settings, folder.with_name(folder.name + " store"))


def test_shuffled_labels_change_nothing_in_unsupervised_batches(tmp_path: Path) -> None:
    labels = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    shuffled = np.random.default_rng(1).permutation(labels).tolist()
    assert shuffled != labels
    right, wrong = market(tmp_path / "right", labels), market(tmp_path / "wrong", shuffled)
    assert right.labels.identity.tolist() != wrong.labels.identity.tolist()
    one, other = (
        CropBatches(
            store.training_view(),
            ["image", "statistics"],
            DataSettings(),
            AugmentSettings(flip=0.5, erase=0.5),
        )
        for store in (right, wrong)
    )
    for step in range(5):
        rows = rows_of_step(12, 4, step, seed=0)
        assert rows.tolist() == rows_of_step(len(other), 4, step, seed=0).tolist()
        a, b = (batches.batch(rows, generator_of_step(0, step, CPU)) for batches in (one, other))
        assert torch.equal(a.x, b.x)
        assert all(torch.equal(a.targets[part], b.targets[part]) for part in a.targets)


def test_supervised_batches_have_several_crops_of_each_identity() -> None:
    images = view([-1] * 20).images
    identities = np.repeat([5, 9, 2, -1], 5)
    batches = LabelledCropBatches(images, identities, 2, AugmentSettings())
    assert batches.names.tolist() == [2, 5, 9]
    batch = batches.batch(np.arange(4), generator_of_step(0, 0, CPU))
    _, counts = np.unique(batch.targets["identity"], return_counts=True)
    assert counts.tolist() == [2, 2]


def test_neighbours_come_first_from_a_descriptor_that_is_there(tmp_path: Path) -> None:
    store = market(tmp_path / "crops", 4 * [*range(1, 12)])
    view = store.training_view()
    # As an all-knowing descriptor would have it: everybody looks in all cameras as they are.
    vectors = np.eye(11, dtype=np.float32)[store.labels.identity - 1]
    own, common = (
        CropBatches(
            view,
            ["common_statistics"],
            DataSettings(neighbours=NeighbourSettings(nearest=1)),
            AugmentSettings(),
            known,
        )
        for known in (None, vectors)
    )
    rows, generator = np.arange(12), generator_of_step(0, 0, CPU)
    alone, shared = (batches.batch(rows, generator).targets["common_statistics"] for batches in (own, common))
    assert not len(own.state()["neighbours"])
    pairs = common.state()["neighbours"].numpy()
    assert len(pairs)
    assert (store.labels.identity[pairs[:, 0]] == store.labels.identity[pairs[:, 1]]).all()
    assert not torch.equal(alone, shared)


def test_crops_in_a_file_are_read_when_they_are_looked_at(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "crops.npy"
    np.save(path, rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8))
    crops = np.load(path, mmap_mode="r")
    batches = CropBatches(view([-1] * 12, crops), ["image"], DataSettings(), AugmentSettings())
    # They are not in memory: what becomes of the file becomes of them.
    others = np.load(path, mmap_mode="r+")
    others[:] = rng.integers(0, 256, others.shape, dtype=np.uint8)
    rows = np.array([3, 1, 11])
    batch = batches.batch(rows, generator_of_step(0, 0, CPU))
    for images in ((255 * batch.x).round(), batch.targets["image"]):
        np.testing.assert_array_equal(images.permute(0, 2, 3, 1).numpy(), others[rows])
    # Nor does anybody write into them.
    batch.x.zero_()
    batch.targets["image"].zero_()
    assert others[rows].any()
