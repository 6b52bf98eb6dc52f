"""Which statistics of a crop, and of those it is among, are to be reconstructed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reid.models.stripes import stripe_statistics
from reid.training.batches import (
    Batch,
    CropBatches,
    generator_of_step,
)
from reid.training.levelling import OwnStatistics
from reid.training.settings import AugmentSettings, DataSettings, NeighbourSettings
from tests.reid.training.small_views import CPU, statistics_of, view


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
    expected = own(stripe_statistics(shown, "hue"), np.zeros(6, np.intp))
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


@pytest.mark.parametrize("own", ["clean", "seen"])
def test_colours_are_counted_as_the_settings_say(own: str) -> None:
    settings = DataSettings.model_validate({"colours": "opponent", "own_statistics": own})
    batches = CropBatches(view([-1] * 4), ["statistics"], settings, AugmentSettings())
    drawn = batches.batch(np.arange(4), generator_of_step(0, 0, CPU))
    expected = stripe_statistics(drawn.x, "opponent")
    torch.testing.assert_close(drawn.targets["statistics"], expected, atol=1e-4, rtol=0)


def test_own_and_common_statistics_are_of_one_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    data = view([5, 5, -1, -1])
    own = statistics_of(data.images)
    computed: list[int] = []

    def statistics(images: torch.Tensor, colours: str) -> torch.Tensor:
        computed.append(len(images))
        return own

    monkeypatch.setattr("reid.models.stripes.stripe_statistics", statistics)
    batches = CropBatches(data, ["common_statistics", "statistics"], DataSettings(), AugmentSettings())
    targets = batches.batch(np.arange(4), generator_of_step(0, 0, CPU)).targets
    assert computed == [4]
    assert list(targets) == ["common_statistics", "statistics"]
    assert torch.equal(targets["statistics"], own)
    assert torch.equal(targets["common_statistics"][0], targets["common_statistics"][1])
    assert not torch.equal(targets["statistics"][0], targets["statistics"][1])
