"""Crops find each other across cameras, and share what they have in common."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from reid.training.neighbours import common_values, neighbours_across_cameras, tracklet_values


def people_in_cameras(noise: float) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Vectors of 12 people, 3 crops each in every one of 3 cameras that shift all of theirs."""
    source = Generator().manual_seed(0)
    person, camera = np.divmod(np.arange(12 * 9), 9)
    camera = camera % 3
    people = torch.randn(12, 16, generator=source)
    shifts = 5 * torch.randn(3, 16, generator=source)
    vectors = people[person] + shifts[camera] + noise * torch.randn(108, 16, generator=source)
    return vectors, person, camera


def test_neighbours_are_the_same_person_in_another_camera() -> None:
    vectors, person, camera = people_in_cameras(0.2)
    pairs = neighbours_across_cameras(vectors, camera, nearest=3).numpy()
    assert (camera[pairs[:, 0]] != camera[pairs[:, 1]]).all()
    assert (person[pairs[:, 0]] == person[pairs[:, 1]]).mean() > 0.9
    assert len(np.unique(pairs[:, 0])) > 100
    both_ways = {tuple(pair) for pair in pairs.tolist()}
    assert both_ways == {(b, a) for a, b in both_ways}
    assert len(both_ways) == len(pairs)


def test_one_camera_has_no_neighbours() -> None:
    vectors, _, camera = people_in_cameras(0.2)
    assert neighbours_across_cameras(vectors, np.zeros_like(camera), nearest=3).shape == (0, 2)


def test_a_camera_with_few_crops_is_no_obstacle() -> None:
    vectors, _, camera = people_in_cameras(0.2)
    camera = np.where(np.arange(len(camera)) == 0, 3, camera)
    pairs = neighbours_across_cameras(vectors, camera, nearest=5)
    assert int((pairs == 0).any(dim=1).sum()) > 0


def test_values_are_averaged_with_the_neighbours_and_keep_their_deviation() -> None:
    values = torch.tensor([[0.0, 4.0], [2.0, 0.0], [10.0, 10.0]])
    common = common_values(values, torch.tensor([[0, 1], [1, 0]]))
    assert torch.equal(common[0], common[1])
    assert common.std(correction=0).item() == pytest.approx(values.std(correction=0).item())
    mean = torch.tensor([[1.0, 2.0], [1.0, 2.0], [10.0, 10.0]])
    ratio = common / mean
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio))


def test_crops_of_a_tracklet_share_their_mean_and_others_keep_their_own() -> None:
    values = torch.tensor([[0.0, 4.0], [2.0, 0.0], [10.0, 10.0], [5.0, 1.0]])
    common = tracklet_values(values, np.array([7, 7, -1, -1]))
    mean = torch.tensor([[1.0, 2.0], [1.0, 2.0], [10.0, 10.0], [5.0, 1.0]])
    ratio = common / mean
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio))
    assert common.std(correction=0).item() == pytest.approx(values.std(correction=0).item())
    alone = tracklet_values(values, np.full(4, -1))
    assert torch.allclose(alone, values)


def test_noise_that_neighbours_do_not_share_is_averaged_out() -> None:
    clean, _, camera = people_in_cameras(0.0)
    noisy = people_in_cameras(0.6)[0]
    shift = torch.stack([clean[camera == number].mean(0) for number in range(3)])[camera]
    pairs = neighbours_across_cameras(noisy, camera, nearest=3)

    def likeness(values: Tensor) -> float:
        return torch.nn.functional.cosine_similarity(values - shift, clean - shift).mean().item()

    assert likeness(common_values(noisy - shift, pairs) + shift) > likeness(noisy) + 0.02
