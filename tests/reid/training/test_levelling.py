"""Values are levelled and evened out without losing what they mean."""

from __future__ import annotations

import numpy as np
import torch

from reid.training.levelling import centre_cameras, even, level_cameras


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


def test_centred_cameras_are_alike_in_mean_and_keep_their_proportions() -> None:
    camera = np.repeat([1, 0, 1], 50)
    values = torch.randn(150, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.5, 1.0, 2.0])
    centred = centre_cameras(values + 5.0 * torch.from_numpy(camera)[:, None], camera)
    for number in (0, 1):
        torch.testing.assert_close(centred[camera == number].mean(0), torch.zeros(3), atol=1e-4, rtol=0)
        torch.testing.assert_close(centred[camera == number].std(0), values[camera == number].std(0))


def uneven_values() -> torch.Tensor:
    values = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    return values * torch.tensor([0.1, 8.0, 16.0]) + 5.0


def test_evened_components_keep_a_power_of_their_deviations() -> None:
    values = uneven_values()
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))
    evened = even(values @ turn, 0.5) @ turn.T
    deviations = evened.std(0)
    torch.testing.assert_close(deviations[2] / deviations[1], torch.tensor(2.0**0.5), atol=0.1, rtol=0)
    # The least is noise, and is not raised like that: that would be the ninth part.
    assert deviations[1] / deviations[0] > 20.0
    correlation = torch.corrcoef(torch.cat([evened, values], dim=1).T)
    assert (correlation.diagonal(3) > 0.95).all()


def test_evening_out_by_no_power_centres_only() -> None:
    values = uneven_values()
    torch.testing.assert_close(even(values, 0.0), values - values.mean(0))


def test_values_without_any_variation_stay_finite() -> None:
    assert not even(torch.ones(4, 3), 1.0).any()
