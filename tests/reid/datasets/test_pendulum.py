from __future__ import annotations

import numpy as np
import pytest

from reid.datasets.pendulum import pendulum, pendulum_images


def test_shapes_ranges_and_noise() -> None:
    data = pendulum(2000)
    assert len(data) == 2000
    assert data.images.shape == data.noisy.shape == (2000, 1, 16, 16)
    assert data.images.dtype == data.noisy.dtype == np.float32
    assert data.images.min() >= 0
    assert data.images.max() <= 1
    assert 0 <= data.angles.min() < data.angles.max() < 2 * np.pi
    noise = data.noisy - data.images
    assert noise.std() == pytest.approx(0.05, rel=0.01)
    assert abs(noise.mean()) < 1e-3


def test_angles_cover_the_circle_evenly() -> None:
    counts = np.histogram(pendulum(8000).angles, bins=8, range=(0, 2 * np.pi))[0]
    assert counts.min() > 850


def test_the_seed_decides() -> None:
    one, same, other = pendulum(10), pendulum(10), pendulum(10, seed=1)
    np.testing.assert_array_equal(one.noisy, same.noisy)
    assert not np.array_equal(one.angles, other.angles)


@pytest.mark.parametrize(
    "angle, row, column", [(0.0, 14, 7.5), (0.5 * np.pi, 7.5, 14), (np.pi, 1, 7.5), (1.5 * np.pi, 7.5, 1)]
)
def test_the_rod_points_where_its_angle_says(angle: float, row: float, column: float) -> None:
    (image,) = pendulum_images(np.array([angle]))[:, 0]
    rows, columns = np.mgrid[:16, :16]
    middle = 7.5
    # Half-way between the pivot and the tip is the rod's centre of mass.
    assert (rows * image).sum() / image.sum() == pytest.approx((row + middle) / 2, abs=0.2)
    assert (columns * image).sum() / image.sum() == pytest.approx((column + middle) / 2, abs=0.2)


def test_equal_turns_change_the_image_equally() -> None:
    circle = pendulum_images(np.linspace(0, 2 * np.pi, 721)).reshape(721, -1)
    steps = np.linalg.norm(np.diff(circle, axis=0), axis=1)
    assert steps.min() > 0.95 * steps.max()
    np.testing.assert_allclose(circle[0], circle[-1], atol=1e-6)
