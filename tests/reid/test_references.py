from __future__ import annotations

import numpy as np
import pytest

from reid.references import REFERENCES, fit_principal_components, fit_random_projection, pixels


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Crops that differ in three ways only: their pixels have three principal components and little more."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(0, 1, (3, 64 * 64 * 3))
    strengths = rng.normal(0, 1, (60, 3)) * [30, 15, 7]
    return np.clip(128 + strengths @ patterns, 0, 255).reshape(60, 64, 64, 3).astype(np.uint8)


@pytest.mark.parametrize("name", REFERENCES)
def test_all_keep_the_contract(name: str, crops: np.ndarray) -> None:
    descriptor = REFERENCES[name](crops)
    vectors = descriptor(crops)
    assert vectors.dtype == np.float32
    assert vectors.ndim == 2
    assert len(vectors) == len(crops)
    # Centred on what they were fitted on.
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(descriptor(crops[7:9]), vectors[7:9], atol=1e-3)
    assert descriptor(np.zeros((2, 128, 64, 3), np.uint8)).shape == (2, vectors.shape[1])


def test_principal_components_are_those_of_the_full_decomposition(crops: np.ndarray) -> None:
    descriptor = fit_principal_components(crops, dimensions=5)
    centred = pixels(crops) - pixels(crops).mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(np.einsum("dk,kd->k", descriptor.axes, axes[:5])), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(descriptor(crops), axis=0), singular[:5], rtol=1e-3)


def test_crops_that_are_there_several_times_add_no_components(crops: np.ndarray) -> None:
    few = np.concatenate([crops[:20]] * 5)
    descriptor = fit_principal_components(few)
    assert np.isfinite(descriptor.axes).all()
    assert descriptor.axes.shape[1] <= 19
    flat = pixels(few)
    expected = np.linalg.norm(flat - flat.mean(axis=0), axis=1)
    np.testing.assert_allclose(np.linalg.norm(descriptor(few), axis=1), expected, rtol=1e-3)


def test_a_random_projection_keeps_distances_roughly_and_is_seeded(crops: np.ndarray) -> None:
    vectors = fit_random_projection(crops, dimensions=256, seed=1)(crops)
    flat = pixels(crops)
    true, seen = (np.linalg.norm(x[1:] - x[:-1], axis=1) for x in (flat, vectors))
    np.testing.assert_allclose(seen / true, 1, atol=0.25)
    np.testing.assert_array_equal(vectors, fit_random_projection(crops, dimensions=256, seed=1)(crops))


def test_one_crop_is_too_few(crops: np.ndarray) -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_principal_components(crops[:1])
