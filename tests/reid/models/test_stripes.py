import colorsys

import numpy as np
import pytest
import torch

from reid.appearance import HUES, SATURATIONS, VALUES, appearance_statistics
from reid.models.observation import IMAGENET_MEAN, IMAGENET_STD, Signal, SignalSettings
from reid.models.stripes import (
    EDGE_STRIPES,
    LIGHTS,
    OPPONENTS,
    SLOPES,
    Colours,
    StripeBranch,
    colours_size,
    hue_saturation_value,
    opponent_colours,
    statistics_size,
    stripe_statistics,
)

PIXELS = SignalSettings(shape=(3, 64, 64), mean=IMAGENET_MEAN, std=IMAGENET_STD)

EVERY_WAY = pytest.mark.parametrize("colours", ["hue", "opponent"])


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
    edges = stripe_statistics(images, "hue")[:, colours_size("hue") :]
    return edges.square().reshape(-1, EDGE_STRIPES, SLOPES)


def test_hue_saturation_and_value_are_those_of_the_standard_library():
    colours = np.random.default_rng(0).random((500, 3)).astype(np.float32)
    colours[:3] = [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.25]]
    found = torch.stack(hue_saturation_value(torch.from_numpy(colours)), dim=1).numpy()
    expected = np.array([colorsys.rgb_to_hsv(*map(float, colour)) for colour in colours])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_colours_in_the_middle_of_a_bin_are_counted_as_the_plain_histograms_count_them():
    crops = np.stack([middles_of_bins(seed) for seed in range(4)])
    found = stripe_statistics(as_tensor(crops), "hue")[:, : colours_size("hue")].square().numpy()
    expected = np.square(appearance_statistics(crops))
    # Colours of eight bits miss the middle by a little.
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), atol=2e-3)


def test_opponent_colours_of_grey_are_nothing_and_of_paints_what_they_look_like():
    grey, red, green, blue, yellow = torch.tensor(
        [[0.4, 0.4, 0.4], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    )
    found = {
        name: [float(x) for x in opponent_colours(colour[None])]
        for name, colour in {"grey": grey, "red": red, "green": green, "blue": blue, "yellow": yellow}.items()
    }
    assert found == {
        "grey": [0.0, 0.0],
        "red": [1.0, 0.5],
        "green": [-1.0, 0.5],
        "blue": [0.0, -1.0],
        "yellow": [0.0, 1.0],
    }


def test_a_colour_in_the_middle_of_its_bins_is_counted_there_alone():
    for red, yellow, light in np.ndindex(OPPONENTS, OPPONENTS, LIGHTS):
        opponent = [(red + 0.5) / OPPONENTS - 0.5, (yellow + 0.5) / OPPONENTS - 0.5]
        # Green and blue beside red of 0; then all are lifted until the strongest is as light as asked.
        colour = np.array([0.0, -opponent[0], -opponent[0] / 2 - opponent[1]])
        colour += (light + 0.5) / LIGHTS - colour.max()
        if colour.min() < 0:
            continue
        image = torch.tensor(colour, dtype=torch.float32)[None, :, None, None].expand(1, 3, 64, 64)
        counted = stripe_statistics(image, "opponent")[0, : colours_size("opponent")].square().reshape(16, -1)
        expected = torch.zeros(OPPONENTS**2 + LIGHTS)
        expected[[red * OPPONENTS + yellow, OPPONENTS**2 + light]] = counted.max()
        torch.testing.assert_close(counted, expected.expand(16, -1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("colours, stripes", [("hue", 8), ("opponent", 16)])
def test_each_stripe_is_counted_by_itself(colours: Colours, stripes: int):
    image = torch.full((1, 3, 64, 64), 0.1)
    before = stripe_statistics(image, colours)
    image[:, :, 2 * 64 // stripes : 3 * 64 // stripes] = 0.9
    change = (stripe_statistics(image, colours) - before)[0, : colours_size(colours)]
    assert change.reshape(stripes, -1).any(1).nonzero().flatten().tolist() == [2]


@EVERY_WAY
def test_the_mean_square_is_one_whatever_is_seen(colours: Colours):
    images = torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    statistics = stripe_statistics(images, colours)
    assert statistics.shape == (3, statistics_size(colours))
    torch.testing.assert_close(statistics.square().mean(1), torch.ones(3))


@EVERY_WAY
def test_a_crop_without_edges_has_none(colours: Colours):
    statistics = stripe_statistics(torch.full((1, 3, 64, 64), 0.4), colours)
    assert torch.isfinite(statistics).all()
    assert not statistics[:, colours_size(colours) :].any()


@EVERY_WAY
def test_a_little_more_light_moves_them_less_than_the_plain_histograms(colours: Colours):
    crops = np.stack([middles_of_bins(seed) for seed in range(4)]).astype(np.float64)
    # Right at the border of two bins of brightness a plain histogram jumps from one to the other.
    dark, light = ((crops * factor).clip(0, 255).astype(np.uint8) for factor in (0.93, 0.97))

    def moved(describe):
        before, after = describe(dark), describe(light)
        return np.linalg.norm(after - before) / np.linalg.norm(before)

    ours = moved(lambda crops: stripe_statistics(as_tensor(crops), colours).numpy())
    assert ours < 0.6 * moved(appearance_statistics)


@EVERY_WAY
def test_the_middle_counts_more_than_the_rim(colours: Colours):
    grey = torch.full((1, 3, 64, 64), 0.4)
    before = stripe_statistics(grey, colours)

    def moved(columns: slice) -> float:
        changed = grey.clone()
        changed[:, 0, :, columns] = 0.9
        return float((stripe_statistics(changed, colours) - before)[:, : colours_size(colours)].norm())

    assert moved(slice(28, 36)) > 3 * moved(slice(0, 8)) > 0


def test_edges_are_told_apart_by_their_slope_and_by_where_they_are():
    upright, lying = edges_of(bars(8, 0)).sum(1)[0], edges_of(bars(0, 8)).sum(1)[0]
    assert upright.argmax() == 0
    assert lying.argmax() == SLOPES - 1
    top_only = bars(8, 0).clone()
    top_only[:, :, 32:] = 0.5
    in_stripes = edges_of(top_only)[0].sum(1)
    assert in_stripes[: EDGE_STRIPES // 2].sum() > 0.95 * in_stripes.sum()


@EVERY_WAY
def test_a_mirror_image_has_the_same_statistics(colours: Colours):
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mirrored, plain = (stripe_statistics(each, colours) for each in (images.flip(-1), images))
    torch.testing.assert_close(mirrored, plain)


@EVERY_WAY
def test_the_branch_sees_the_colours_behind_the_standardisation(colours: Colours):
    branch = StripeBranch(PIXELS, (16,), colours)
    crops = torch.from_numpy(np.stack([middles_of_bins(0)])).permute(0, 3, 1, 2)
    expected = stripe_statistics(crops.float() / 255, colours)
    found = branch(Signal(PIXELS)(crops))
    assert found.shape == (1, branch.features)
    torch.testing.assert_close(found[:, 16:], expected, atol=1e-3, rtol=1e-3)


def test_images_that_cannot_be_cut_into_stripes_are_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        StripeBranch(SignalSettings(shape=(3, 60, 64)), (16,), "hue")
    with pytest.raises(ValueError, match="even width"):
        StripeBranch(SignalSettings(shape=(3, 64, 63)), (16,), "hue")
    with pytest.raises(ValueError, match="3 channels"):
        StripeBranch(SignalSettings(shape=(1, 64, 64)), (16,), "hue")
    with pytest.raises(ValueError, match="multiple of 16"):
        stripe_statistics(torch.zeros(1, 3, 60, 64), "hue")
