"""Batches depend on the seed and the step alone, and never on a label."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.datasets.building import CropSettings, build_store
from reid.datasets.market import MarketFolder
from reid.datasets.store import CropIndex, CropStore, TrainingView
from reid.models.stripes import stripe_statistics
from reid.training.batches import (
    Batch,
    CropBatches,
    LabelledCropBatches,
    generator_of_step,
    rows_of_step,
)
from reid.training.levelling import OwnStatistics
from reid.training.settings import AugmentSettings, DataSettings, NeighbourSettings

CPU = torch.device("cpu")


def statistics_of(images: np.ndarray) -> torch.Tensor:
    return stripe_statistics(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)


def view(
    tracklets: list[int], images: np.ndarray | None = None, cameras: np.ndarray | None = None
) -> TrainingView:
    count = len(tracklets)
    if images is None:
        images = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    zeros = np.zeros(count, dtype=np.int32)
    index = CropIndex(
        source=zeros,
        frame=np.arange(count),
        box=np.zeros((count, 4)),
        score=np.ones(count, dtype=np.float32),
        camera=zeros if cameras is None else cameras,
        tracklet=np.array(tracklets, dtype=np.int64),
    )
    return TrainingView(images, index)


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


def test_own_statistics_of_levelled_cameras_keep_the_bins_proportions_and_common_ones_do_not() -> None:
    data = view([-1] * 8)
    parts = ["statistics", "common_statistics"]
    batches = CropBatches(data, parts, DataSettings(level_cameras=True), AugmentSettings())
    targets = batches.batch(np.arange(8), generator_of_step(0, 0, CPU)).targets
    plain = statistics_of(data.images)
    own, common = targets["statistics"], targets["common_statistics"]
    torch.testing.assert_close(own / own.std(), (plain - plain.mean(0)) / (plain - plain.mean(0)).std())
    torch.testing.assert_close(own.std(correction=0), common.std(correction=0))
    assert common.std(0).std() < 0.7 * own.std(0).std()


def test_own_statistics_can_be_evened_out_and_common_ones_stay() -> None:
    data = view([-1] * 40)
    parts = ["statistics", "common_statistics"]
    before, after = (
        CropBatches(data, parts, DataSettings(level_cameras=True, even_statistics=power), AugmentSettings())
        .batch(np.arange(40), generator_of_step(0, 0, CPU))
        .targets
        for power in (0.0, 0.5)
    )
    spread = [torch.linalg.svdvals(targets["statistics"])[:20] for targets in (before, after)]
    assert spread[1][0] / spread[1][-1] < 0.9 * spread[0][0] / spread[0][-1]
    torch.testing.assert_close(after["statistics"].std(), before["statistics"].std())
    torch.testing.assert_close(after["common_statistics"], before["common_statistics"])


def flickering_people(people: int, crops: int) -> np.ndarray:
    """Crops of evenly dressed people, one after the other, in a light that changes from crop to crop."""
    rng = np.random.default_rng(0)
    clothes = rng.uniform(60, 160, (people, 1, 4, 1, 3)).repeat(crops, axis=1).repeat(4, axis=2)
    light = rng.uniform(0.4, 1.6, (people, crops, 1, 1, 1))
    images = np.broadcast_to(clothes * light, (people, crops, 16, 16, 3)) + rng.normal(0, 4, (16, 16, 3))
    return images.reshape(-1, 16, 16, 3).clip(0, 255).astype(np.uint8)


def share_within(values: torch.Tensor, people: int) -> float:
    """How much of the variation of values, one person's after the other's, is within a person."""
    within = values.unflatten(0, (people, -1)).var(1, correction=0).sum(1).mean()
    return float(within / values.var(0, correction=0).sum())


@pytest.mark.parametrize("kind", ["clean", "moved"])
def test_what_varies_within_a_tracklet_counts_less_in_steady_statistics(kind: str) -> None:
    people, crops = 80, 6
    data = view(np.repeat(np.arange(people), crops).tolist(), flickering_people(people, crops))
    rows, generator = np.arange(people * crops), generator_of_step(0, 0, CPU)
    even, steady = (
        CropBatches(
            data,
            ["statistics"],
            DataSettings(even_statistics=0.25, steady_statistics=power, own_statistics=kind),
            AugmentSettings(),
        )
        .batch(rows, generator)
        .targets["statistics"]
        for power in (0.0, 0.75)
    )
    assert share_within(steady, people) < 0.8 * share_within(even, people)
    torch.testing.assert_close(steady.std(), even.std(), rtol=1e-3, atol=0)


def test_steady_statistics_follow_the_neighbours_and_come_back_with_them() -> None:
    people, crops = 120, 2
    cameras = np.tile(np.arange(crops, dtype=np.int32), people)
    data = view([-1] * (people * crops), flickering_people(people, crops), cameras)
    rows = np.arange(people * crops)
    # As an all-knowing descriptor would have it.
    vectors = np.repeat(np.random.default_rng(1).normal(size=(people, 16)), crops, axis=0).astype(np.float32)
    neighbours = NeighbourSettings(nearest=4)
    settings = DataSettings(steady_statistics=0.75, neighbours=neighbours)

    def batches(known: np.ndarray | None) -> CropBatches:
        return CropBatches(data, ["statistics"], settings, AugmentSettings(), known)

    def targets(of: CropBatches) -> torch.Tensor:
        return of.batch(rows, generator_of_step(0, 0, CPU)).targets["statistics"]

    found, without = batches(vectors), batches(None)
    assert share_within(targets(found), people) < 0.8 * share_within(targets(without), people)
    without.restore(found.state())
    assert torch.equal(targets(without), targets(found))
    # To a model that takes all for one hardly any two are each other's nearest: nothing is known any more.
    fresh = targets(batches(None))
    found.look_again(neighbours.start, lambda images: torch.zeros(len(images), 16))
    assert torch.equal(targets(found), fresh)
    resumed = batches(None)
    resumed.restore(found.state())
    assert torch.equal(targets(resumed), targets(found))


@pytest.mark.parametrize("kind", ["moved", "seen"])
def test_own_statistics_may_be_those_of_the_crop_that_is_seen(kind: str) -> None:
    data = view([-1] * 20)
    parts = ["statistics", "common_statistics"]
    settings = DataSettings(level_cameras=True, even_statistics=0.5)
    rows = np.arange(3, 9)

    def batch(kind: str, augmentation: AugmentSettings) -> Batch:
        chosen = settings.model_copy(update={"own_statistics": kind})
        batches = CropBatches(data, parts, chosen, augmentation)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return batches.batch(rows, generator_of_step(0, 0, CPU))

    clean = batch("clean", AugmentSettings()).targets
    # Without augmentation the two are one.
    torch.testing.assert_close(batch(kind, AugmentSettings()).targets, clean, atol=1e-4, rtol=0)
    varied = AugmentSettings(brightness=0.3, shift=0.1)
    torch.testing.assert_close(batch("clean", varied).targets, clean)
    seen = batch(kind, varied)
    torch.testing.assert_close(seen.targets["common_statistics"], clean["common_statistics"])
    away = (seen.targets["statistics"] - clean["statistics"]).norm(dim=1)
    assert (away > 0.05 * clean["statistics"].norm(dim=1)).all()
    # They follow from what the encoder gets; or would get, but for the colours.
    shown = seen.x if kind == "seen" else batch(kind, AugmentSettings(shift=0.1)).x
    own = OwnStatistics(statistics_of(data.images), np.zeros(20, np.intp), 0.5, torch.tensor(1.0))
    expected = own(stripe_statistics(shown), np.zeros(6, np.intp))
    alike = torch.cosine_similarity(seen.targets["statistics"].flatten(), expected.flatten(), dim=0)
    assert alike > 0.9999


@pytest.mark.parametrize(
    "parts, settings, message",
    [
        (["image"], DataSettings(own_statistics="seen"), "'statistics', which is not observed"),
        (["statistics"], DataSettings(own_statistics="moved", target="tracklet"), "another crop"),
        (["image"], DataSettings(steady_statistics=1), "'statistics', which is not observed"),
        (["image"], DataSettings(even_statistics=1), "'statistics', which is not observed"),
        (["image"], DataSettings(level_cameras=True), "'common_statistics'; neither is observed"),
    ],
)
def test_settings_of_own_statistics_need_some(parts: list[str], settings: DataSettings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CropBatches(view([-1] * 4), parts, settings, AugmentSettings())


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


def test_what_sets_a_person_apart_is_not_taken_for_what_a_camera_does() -> None:
    """Thirty clips of one person each: levelled clip by clip, nothing would be left between people."""
    clips, crops = 30, 3
    person = np.repeat(np.arange(clips), crops)
    looks = np.random.default_rng(0).integers(0, 256, (clips, 16, 16, 3), dtype=np.uint8)
    batches = CropBatches(
        view(person.tolist(), looks[person], cameras=person.astype(np.int32)),
        ["statistics", "common_statistics"],
        DataSettings(level_cameras=True, neighbours=NeighbourSettings(nearest=2)),
        AugmentSettings(),
        np.eye(clips, dtype=np.float32)[person],
    )
    assert not len(batches.state()["neighbours"])
    targets = batches.batch(np.arange(len(person)), generator_of_step(0, 0, CPU)).targets
    for values in targets.values():
        between = values.reshape(clips, crops, -1).mean(dim=1).std(dim=0)
        assert float(between.mean()) > 0.05


def test_own_and_common_statistics_are_of_one_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    data = view([5, 5, -1, -1])
    own = statistics_of(data.images)
    computed: list[int] = []

    def statistics(images: torch.Tensor) -> torch.Tensor:
        computed.append(len(images))
        return own

    monkeypatch.setattr("reid.training.batches.stripe_statistics", statistics)
    batches = CropBatches(data, ["common_statistics", "statistics"], DataSettings(), AugmentSettings())
    targets = batches.batch(np.arange(4), generator_of_step(0, 0, CPU)).targets
    assert computed == [4]
    assert list(targets) == ["common_statistics", "statistics"]
    assert torch.equal(targets["statistics"], own)
    assert torch.equal(targets["common_statistics"][0], targets["common_statistics"][1])
    assert not torch.equal(targets["statistics"][0], targets["statistics"][1])
