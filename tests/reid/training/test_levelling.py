"""Values are levelled and evened out without losing what they mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reid.training.levelling import LEAST_VARIANCE, OwnStatistics, level_cameras


def test_levelled_cameras_are_alike_in_mean_and_deviation() -> None:
    source = torch.Generator().manual_seed(0)
    camera = np.repeat([0, 1], 200)
    values = torch.randn(400, 2, generator=source) * torch.tensor([2.0, 8.0])
    shifted = values * torch.tensor([[1.0], [3.0]])[camera] + 3.0 * torch.from_numpy(camera)[:, None]
    before = shifted.clone()
    levelled = level_cameras(shifted, camera)
    torch.testing.assert_close(shifted, before)
    for number in (0, 1):
        torch.testing.assert_close(levelled[camera == number].mean(0), torch.zeros(2), atol=1e-4, rtol=0)
        torch.testing.assert_close(levelled[camera == number].std(0), torch.ones(2), atol=0.1, rtol=0)


def test_own_statistics_of_all_cameras_are_alike_in_mean_and_keep_their_proportions() -> None:
    camera = np.repeat([1, 0, 1], 50)
    values = torch.randn(150, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.5, 1.0, 2.0])
    shifted = values + 5.0 * torch.from_numpy(camera)[:, None]
    own = OwnStatistics(shifted, camera, 0.0, torch.tensor(1.0))
    ready = own(shifted, camera)
    assert float(ready.std(correction=0)) == pytest.approx(1.0)
    for number in (0, 1):
        torch.testing.assert_close(ready[camera == number].mean(0), torch.zeros(3), atol=1e-4, rtol=0)
        ratio = ready[camera == number].std(0) / values[camera == number].std(0)
        torch.testing.assert_close(ratio, ratio[:1].expand(3))
    # A crop that comes later is treated the same.
    torch.testing.assert_close(own(shifted[60:62], camera[60:62]), ready[60:62])


def uneven_values() -> torch.Tensor:
    values = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    return values * torch.tensor([0.1, 8.0, 16.0]) + 5.0


def evened(values: torch.Tensor, power: float) -> torch.Tensor:
    return OwnStatistics(values, None, power, torch.tensor(1.0))(values, np.zeros(len(values), np.intp))


def test_evened_components_keep_a_power_of_their_deviations() -> None:
    values = uneven_values()
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))
    found = evened(values @ turn, 0.5) @ turn.T
    deviations = found.std(0)
    variances = values.var(0, correction=0) + LEAST_VARIANCE * values.var(0, correction=0).mean()
    expected = 2.0 / (variances[2] / variances[1]) ** 0.25
    torch.testing.assert_close(deviations[2] / deviations[1], expected, atol=0.05, rtol=0)
    # The least is noise, and is not raised like that: that would be the ninth part.
    assert deviations[1] / deviations[0] > 20.0
    correlation = torch.corrcoef(torch.cat([found, values], dim=1).T)
    assert (correlation.diagonal(3) > 0.95).all()


def test_without_cameras_and_power_only_the_scale_changes() -> None:
    values = uneven_values()
    torch.testing.assert_close(evened(values, 0.0), values / values.std(correction=0))


def test_values_without_any_variation_stay_finite() -> None:
    assert not evened(torch.ones(4, 3), 1.0).any()


def people_in_changing_light() -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of 300 people, two each, and their pairs: light differs from crop to crop, clothes do not."""
    source = torch.Generator().manual_seed(0)
    clothes = torch.randn(300, 2, generator=source).repeat(2, 1)
    light = 3.0 * torch.randn(600, 1, generator=source)
    changing = 0.5 * torch.randn(600, 2, generator=source)
    values = torch.cat([light, clothes + changing], dim=1)
    return values, torch.stack([torch.arange(300), torch.arange(300, 600)], dim=1)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_what_differs_between_crops_of_one_person_counts_less_once_they_are_known(power: float) -> None:
    values, pairs = people_in_changing_light()
    nobody = np.zeros(len(values), np.intp)
    own = OwnStatistics(values, None, 0.0, torch.tensor(2.0))
    own.steady(pairs, power)
    ready = own(values, nobody)
    assert float(ready.std(correction=0)) == pytest.approx(2.0)
    torch.testing.assert_close(own.of_all(), ready)
    within = (values[pairs[:, 0]] - values[pairs[:, 1]]).std(0)
    left = (ready[pairs[:, 0]] - ready[pairs[:, 1]]).std(0)
    divisors = (within.square() + LEAST_VARIANCE * within.square().mean()).sqrt() ** power
    expected = within / divisors
    torch.testing.assert_close(left[0] / left[1], expected[0] / expected[1], rtol=0.1, atol=0)
    # Clothes count more beside light than they did.
    before, after = values.std(0), ready.std(0)
    assert after[1] / after[0] > 1.5 * before[1] / before[0]


def test_it_is_the_deviation_between_crops_of_one_person_then_and_no_other_one() -> None:
    values, pairs = people_in_changing_light()
    plain, evened_out = (OwnStatistics(values, None, power, torch.tensor(1.0)) for power in (0.0, 0.5))
    for own in (plain, evened_out):
        own.steady(pairs, 0.75)
    ready = plain.of_all()
    torch.testing.assert_close(evened_out.of_all(), ready - ready.mean(0), atol=1e-4, rtol=1e-3)


def test_too_few_pairs_change_nothing() -> None:
    values, pairs = people_in_changing_light()
    own = OwnStatistics(values, None, 0.5, torch.tensor(1.0))
    before = own.of_all()
    for few in (pairs[:0], pairs[:2]):
        own.steady(few, 1.0)
        assert torch.equal(own.of_all(), before)


def test_pairs_that_are_found_no_more_count_no_more() -> None:
    values, pairs = people_in_changing_light()
    own = OwnStatistics(values, None, 0.5, torch.tensor(1.0))
    before = own.of_all()
    own.steady(pairs, 1.0)
    assert not torch.equal(own.of_all(), before)
    own.steady(pairs[:2], 1.0)
    assert torch.equal(own.of_all(), before)
