"""Values are levelled and evened out without losing what they mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reid.training.levelling import OwnStatistics, level_cameras


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
    torch.testing.assert_close(deviations[2] / deviations[1], torch.tensor(2.0**0.5), atol=0.1, rtol=0)
    # The least is noise, and is not raised like that: that would be the ninth part.
    assert deviations[1] / deviations[0] > 20.0
    correlation = torch.corrcoef(torch.cat([found, values], dim=1).T)
    assert (correlation.diagonal(3) > 0.95).all()


def test_without_cameras_and_power_only_the_scale_changes() -> None:
    values = uneven_values()
    torch.testing.assert_close(evened(values, 0.0), values / values.std(correction=0))


def test_values_without_any_variation_stay_finite() -> None:
    assert not evened(torch.ones(4, 3), 1.0).any()
