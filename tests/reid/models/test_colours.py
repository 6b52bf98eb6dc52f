import colorsys

import numpy as np
import pytest
import torch

from reid.appearance import HUES, SATURATIONS, STATISTICS, VALUES, appearance_statistics
from reid.models.colours import ColourBranch, hue_saturation_value, soft_statistics
from reid.models.observation import IMAGENET_MEAN, IMAGENET_STD, Signal, SignalSettings

PIXELS = SignalSettings(shape=(3, 64, 64), mean=IMAGENET_MEAN, std=IMAGENET_STD)


def middles_of_bins(seed: int) -> np.ndarray:
    """A crop whose stripes are filled with colours that lie in the middle of a bin each.

    None is dark: eight bits say too little about the hue and the saturation of dark colours.
    """
    rng = np.random.default_rng(seed)
    ranges = ((0, HUES), (0, SATURATIONS), (VALUES // 4, VALUES))
    draws = [(rng.integers(low, bins, (8, 8)) + 0.5) / bins for low, bins in ranges]
    colours = np.array([colorsys.hsv_to_rgb(*hsv) for hsv in np.stack(draws, axis=-1).reshape(-1, 3)])
    return np.rint(255 * colours).astype(np.uint8).reshape(8, 8, 3).repeat(8, axis=0).repeat(8, axis=1)


def as_tensor(crops: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255


def test_hue_saturation_and_value_are_those_of_the_standard_library():
    colours = np.random.default_rng(0).random((500, 3)).astype(np.float32)
    colours[:3] = [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.25]]
    found = torch.stack(hue_saturation_value(torch.from_numpy(colours)), dim=1).numpy()
    expected = np.array([colorsys.rgb_to_hsv(*map(float, colour)) for colour in colours])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_colours_in_the_middle_of_a_bin_are_counted_as_the_plain_histograms_count_them():
    crops = np.stack([middles_of_bins(seed) for seed in range(4)])
    found = soft_statistics(as_tensor(crops[:, :, 16:48])).square().numpy()
    expected = np.square(appearance_statistics(crops))
    # Colours of eight bits miss the middle by a little.
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), atol=5e-4)


def test_the_mean_square_is_one_whatever_is_seen():
    images = torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    statistics = soft_statistics(images)
    assert statistics.shape == (3, STATISTICS)
    torch.testing.assert_close(statistics.square().mean(1), torch.ones(3))


def test_a_little_more_light_moves_them_less_than_the_plain_histograms():
    crops = np.stack([middles_of_bins(seed) for seed in range(4)]).astype(np.float64)
    # Right at the border of two bins of brightness a plain histogram jumps from one to the other.
    dark, light = ((crops * factor).clip(0, 255).astype(np.uint8) for factor in (0.93, 0.97))

    def moved(describe):
        before, after = describe(dark), describe(light)
        return np.linalg.norm(after - before) / np.linalg.norm(before)

    assert moved(lambda crop: soft_statistics(as_tensor(crop[:, :, 16:48])).numpy()) < 0.6 * moved(
        appearance_statistics
    )


def test_the_branch_sees_the_colours_behind_the_standardisation():
    branch = ColourBranch(PIXELS, (), "silu")
    crops = torch.from_numpy(np.stack([middles_of_bins(0)])).permute(0, 3, 1, 2)
    expected = soft_statistics(crops[..., 16:48].float() / 255)
    torch.testing.assert_close(branch(Signal(PIXELS)(crops)), expected, atol=1e-3, rtol=1e-3)


def test_images_that_cannot_be_cut_into_stripes_are_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        ColourBranch(SignalSettings(shape=(3, 60, 64)), (16,), "silu")
    with pytest.raises(ValueError, match="3 channels"):
        ColourBranch(SignalSettings(shape=(1, 64, 64)), (16,), "silu")
