import colorsys

import numpy as np
import pytest
import torch

from reid.appearance import HUES, SATURATIONS, STRIPES, VALUES, appearance_statistics
from reid.models.observation import IMAGENET_MEAN, IMAGENET_STD, Signal, SignalSettings
from reid.models.stripes import (
    EDGE_ANGLES,
    EDGE_STRIPES,
    STRIPE_STATISTICS,
    StripeBranch,
    hue_saturation_value,
    stripe_statistics,
)

PIXELS = SignalSettings(shape=(3, 64, 64), mean=IMAGENET_MEAN, std=IMAGENET_STD)
COLOURS = STRIPES * (HUES * SATURATIONS + VALUES)


def middles_of_bins(seed: int) -> np.ndarray:
    """A crop of eight stripes of one colour each, which lies in the middle of a bin.

    None is dark: eight bits say too little about the hue and the saturation of dark colours.
    """
    rng = np.random.default_rng(seed)
    ranges = ((0, HUES), (0, SATURATIONS), (VALUES // 4, VALUES))
    draws = [(rng.integers(low, bins, 8) + 0.5) / bins for low, bins in ranges]
    colours = np.array([colorsys.hsv_to_rgb(*hsv) for hsv in np.stack(draws, axis=-1)])
    return np.rint(255 * colours).astype(np.uint8)[:, None].repeat(8, axis=0).repeat(64, axis=1)


def as_tensor(crops: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255


def bars(across: int, down: int) -> torch.Tensor:
    """A crop of grey waves that run in a direction: so many across the width, so many down the height."""
    y, x = torch.meshgrid(torch.arange(64.0) / 64, torch.arange(64.0) / 64, indexing="ij")
    wave = 0.5 + 0.3 * torch.sin(2 * torch.pi * (across * x + down * y))
    return wave.expand(1, 3, 64, 64)


def edges_of(images: torch.Tensor) -> torch.Tensor:
    return stripe_statistics(images)[:, COLOURS:].square().reshape(-1, EDGE_STRIPES, EDGE_ANGLES)


def test_hue_saturation_and_value_are_those_of_the_standard_library():
    colours = np.random.default_rng(0).random((500, 3)).astype(np.float32)
    colours[:3] = [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.25]]
    found = torch.stack(hue_saturation_value(torch.from_numpy(colours)), dim=1).numpy()
    expected = np.array([colorsys.rgb_to_hsv(*map(float, colour)) for colour in colours])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_colours_in_the_middle_of_a_bin_are_counted_as_the_plain_histograms_count_them():
    crops = np.stack([middles_of_bins(seed) for seed in range(4)])
    found = stripe_statistics(as_tensor(crops))[:, :COLOURS].square().numpy()
    expected = np.square(appearance_statistics(crops))
    # Colours of eight bits miss the middle by a little.
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), atol=2e-3)


def test_the_mean_square_is_one_whatever_is_seen():
    images = torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    statistics = stripe_statistics(images)
    assert statistics.shape == (3, STRIPE_STATISTICS)
    torch.testing.assert_close(statistics.square().mean(1), torch.ones(3))


def test_a_crop_without_edges_has_none():
    statistics = stripe_statistics(torch.full((1, 3, 64, 64), 0.4))
    assert torch.isfinite(statistics).all()
    assert not statistics[:, COLOURS:].any()


def test_a_little_more_light_moves_them_less_than_the_plain_histograms():
    crops = np.stack([middles_of_bins(seed) for seed in range(4)]).astype(np.float64)
    # Right at the border of two bins of brightness a plain histogram jumps from one to the other.
    dark, light = ((crops * factor).clip(0, 255).astype(np.uint8) for factor in (0.93, 0.97))

    def moved(describe):
        before, after = describe(dark), describe(light)
        return np.linalg.norm(after - before) / np.linalg.norm(before)

    assert moved(lambda crop: stripe_statistics(as_tensor(crop)).numpy()) < 0.6 * moved(appearance_statistics)


def test_the_middle_counts_more_than_the_rim():
    grey = torch.full((1, 3, 64, 64), 0.4)
    before = stripe_statistics(grey)

    def moved(columns: slice) -> float:
        changed = grey.clone()
        changed[:, 0, :, columns] = 0.9
        return float((stripe_statistics(changed) - before)[:, :COLOURS].norm())

    assert moved(slice(28, 36)) > 3 * moved(slice(0, 8)) > 0


def test_edges_are_told_apart_by_their_slope_and_by_where_they_are():
    upright, lying = edges_of(bars(8, 0)).sum(1)[0], edges_of(bars(0, 8)).sum(1)[0]
    assert upright.argmax() == 0
    assert lying.argmax() == EDGE_ANGLES - 1
    top_only = bars(8, 0).clone()
    top_only[:, :, 32:] = 0.5
    in_stripes = edges_of(top_only)[0].sum(1)
    assert in_stripes[: EDGE_STRIPES // 2].sum() > 0.95 * in_stripes.sum()


def test_a_mirror_image_has_the_same_statistics():
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(stripe_statistics(images.flip(-1)), stripe_statistics(images))


def test_the_branch_sees_the_colours_behind_the_standardisation():
    branch = StripeBranch(PIXELS, (16,))
    crops = torch.from_numpy(np.stack([middles_of_bins(0)])).permute(0, 3, 1, 2)
    expected = stripe_statistics(crops.float() / 255)
    found = branch(Signal(PIXELS)(crops))
    assert found.shape == (1, branch.features)
    torch.testing.assert_close(found[:, 16:], expected, atol=1e-3, rtol=1e-3)


def test_images_that_cannot_be_cut_into_stripes_are_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        StripeBranch(SignalSettings(shape=(3, 60, 64)), (16,))
    with pytest.raises(ValueError, match="even width"):
        StripeBranch(SignalSettings(shape=(3, 64, 63)), (16,))
    with pytest.raises(ValueError, match="3 channels"):
        StripeBranch(SignalSettings(shape=(1, 64, 64)), (16,))
    with pytest.raises(ValueError, match="multiple of 16"):
        stripe_statistics(torch.zeros(1, 3, 60, 64))
