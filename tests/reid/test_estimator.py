from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from reid import FlatVAE

TINY: dict[str, Any] = {"hidden": (8,), "steps": 2, "kappa": 1.0, "random_state": 0}


@parametrize_with_checks([FlatVAE(**TINY)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_is_an_estimator(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def sheet(count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Points of a flat rectangle, and the same in a ten-dimensional space, in units of 7."""
    plane = 7.0 * np.random.default_rng(0).uniform(-1.0, 1.0, (count, 2)) * [2.0, 1.0]
    directions, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 2)))
    return plane, plane @ directions.T + 100.0


@pytest.fixture(scope="module")
def flat() -> FlatVAE:
    small = {"hidden": (32,), "steps": 500, "batch_size": 64, "learning_rate": 2e-3}
    vae = FlatVAE(**small, kappa=0.1, random_state=0)
    return vae.fit(sheet()[1])


def pairs(count: int, among: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(1).choice(among, (2, count), replace=False)
    return drawn[0], drawn[1]


def test_a_flat_sheet_is_recovered_up_to_a_similarity(flat: FlatVAE) -> None:
    plane, x = sheet()
    z = flat.transform(x)
    one, other = pairs(200, len(x))
    true = np.linalg.norm(plane[one] - plane[other], axis=1)
    ours = flat.distance(z[one], z[other])
    assert np.corrcoef(true, ours)[0, 1] > 0.98
    # Not only in proportion: in the units of the data.
    assert np.median(ours / true) == pytest.approx(1.0, abs=0.1)


def test_it_reconstructs_what_it_has_not_seen_and_says_how_well(flat: FlatVAE) -> None:
    _, x = sheet(900)
    unseen = x[600:]
    assert flat.rmse_ < 1.1 * flat.kappa_
    assert flat.score(unseen) > 0.97
    np.testing.assert_allclose(flat.inverse_transform(flat.transform(unseen)), unseen, atol=5.0)


def test_the_metric_tensor_is_how_far_the_decoded_sample_moves(flat: FlatVAE) -> None:
    z, step = np.array([[0.1, -0.2]]), np.array([[0.01, 0.02]])
    moved = np.linalg.norm(flat.inverse_transform(z + step) - flat.inverse_transform(z - step)) / 2.0
    tensor = flat.metric_tensor(z)[0]
    assert np.sqrt(step[0] @ tensor @ step[0]) == pytest.approx(moved, rel=0.02)


def test_a_geodesic_joins_its_ends_and_is_no_longer_than_the_straight_line(flat: FlatVAE) -> None:
    start, end = flat.transform(sheet()[1][:2])
    curve = flat.geodesic(start, end, n_nodes=500, n_neighbors=12)
    np.testing.assert_allclose(curve.path[[0, -1]], [start, end])
    assert curve.length <= curve.straight_length
    (alone,) = flat.geodesic_distance([start], [end], n_nodes=500, n_neighbors=12)
    assert alone == pytest.approx(curve.length, rel=0.02)
    assert curve.length == pytest.approx(flat.distance([start], [end])[0], rel=0.1)


def test_between_equal_latents_there_is_nothing(flat: FlatVAE) -> None:
    latents = flat.transform(sheet()[1][:3])
    assert flat.geodesic(latents[0], latents[0], n_nodes=200, n_neighbors=8).length == 0.0
    found = flat.geodesic_distance(latents, latents[:1], n_nodes=200, n_neighbors=8)
    assert found[0] == 0.0
    assert (found[1:] > 0.0).all()


def test_pairs_that_are_none_are_named(flat: FlatVAE) -> None:
    latents = flat.transform(sheet()[1][:5])
    with pytest.raises(ValueError, match="two latents; for many pairs there is geodesic_distance"):
        flat.geodesic(latents[:2], latents[2:4])
    for method in (flat.distance, flat.geodesic_distance):
        with pytest.raises(ValueError, match="Z1 has 2 rows and Z2 has 3"):
            method(latents[:2], latents[:3])
    for nodes, neighbours in ((5, 30), (-5, 3), (100, 0)):
        with pytest.raises(ValueError, match=f"n_neighbors is {neighbours} and n_nodes {nodes}"):
            flat.geodesic(latents[0], latents[1], n_nodes=nodes, n_neighbors=neighbours)


@pytest.mark.parametrize("sizes", [{"n_nodes": "100"}, {"n_nodes": 100.5}, {"n_neighbors": None}])
def test_a_graph_has_a_whole_number_of_nodes(flat: FlatVAE, sizes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^n_neighbors is .* and n_nodes .*; expected whole numbers"):
        flat.geodesic([0.0, 0.0], [1.0, 1.0], **sizes)


def test_the_same_seed_gives_the_same_model_and_the_global_one_is_left_alone() -> None:
    import torch

    _, x = sheet(100)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one = FlatVAE(**TINY)
    first = one.fit_transform(x)
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(clone(one).fit_transform(x), first)
    assert not np.array_equal(clone(one).set_params(random_state=1).fit_transform(x), first)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_unit_of_distance_is_that_of_all_data_if_they_are_sorted() -> None:
    t = np.sort(np.random.default_rng(0).exponential(size=1500))
    x = np.stack([t**2, t], axis=1)
    settings = {**TINY, "kappa": 0.05, "hidden": (16,), "steps": 60, "learning_rate": 1e-2}
    uneven = FlatVAE(1, regulariser="none", **settings).fit(x)
    eigenvalues = uneven.metric_tensor(uneven.transform(x))[:, 0, 0]
    # What comes first in them is not like the rest.
    assert np.sqrt(eigenvalues[:500].mean() / eigenvalues.mean()) < 0.8
    assert uneven.distance_unit_ == pytest.approx(np.sqrt(eigenvalues.mean()), rel=0.05)


def test_kappa_comes_from_the_auto_encoder_if_it_is_not_given() -> None:
    _, x = sheet(200)
    some = FlatVAE(**{**TINY, "kappa": "auto", "steps": 10})
    with pytest.warns(ConvergenceWarning, match="not to kappa"):
        some.set_params(eta=0.0, steps=2, learning_rate=1e-8, kappa=0.01).fit(x)
    some.set_params(kappa="auto", steps=10, learning_rate=1e-3).fit(x)
    assert some.kappa_ >= 0.0499
    assert some.n_iter_ == 15


def test_the_least_kappa_goes_with_the_scale_of_the_data() -> None:
    _, x = sheet(200)
    settings = {**TINY, "kappa": "auto", "steps": 300, "learning_rate": 1e-2, "standardise": False}
    large = FlatVAE(**settings).fit(x - 100.0)
    deviation = float(np.sqrt(x.var(axis=0).mean()))
    assert 0.049 * deviation <= large.kappa_ < 0.5 * deviation
    # What is small beside the prior's weight cannot be learnt as it is, and that is said.
    with pytest.warns(ConvergenceWarning, match="explains nothing; .* data of unit deviation"):
        FlatVAE(**settings | {"steps": 20}).fit(0.001 * (x - 100.0))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"n_components": 0}, "latents"),
        ({"steps": 0}, "steps"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"regulariser": "flat"}, "regulariser"),
        ({"prior": "cauchy"}, "prior"),
        ({"likelihood": "bernoulli"}, "needs values in \\[0, 1\\]"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_a_wrong_parameter_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FlatVAE(**{**TINY, **change}).fit(sheet(20)[1])


@pytest.mark.parametrize("hidden", [5, 8.0, None, "relu", (8.0,), (8, 0), (True,), np.array(5)])
def test_widths_that_are_none_are_told_in_one_line(hidden: Any) -> None:
    with pytest.raises(
        ValueError, match=r"FlatVAE: hidden: found .*, expected a sequence of widths"
    ) as caught:
        FlatVAE(**{**TINY, "hidden": hidden}).fit(sheet(20)[1])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"batch_size": "a"}, "batch_size: found 'a', expected a whole number of at least 2"),
        ({"batch_size": None}, "batch_size: found None, expected a whole number of at least 2"),
        ({"batch_size": 1}, "batch_size: found 1, expected a whole number of at least 2"),
        ({"steps": "a"}, "steps: found 'a', expected a whole number of at least 1"),
        ({"steps": 20.0, "kappa": "auto"}, "steps: found 20.0, expected a whole number of at least 1"),
        ({"activation": "gelu"}, "activation: found 'gelu', expected 'relu', 'silu', 'elu' or 'tanh'"),
        ({"activation": ["relu"]}, "activation: found ['relu'], expected 'relu', 'silu', 'elu' or 'tanh'"),
    ],
)
def test_a_parameter_that_several_settings_come_from_is_told_once(
    change: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'FlatVAE: {expected}')}$"):
        FlatVAE(**{**TINY, **change}).fit(sheet(20)[1])


@pytest.mark.filterwarnings("error:The given NumPy array is not writable")
@pytest.mark.parametrize(
    "view", [lambda z: z[::-1], lambda z: z[:, ::-1], lambda z: np.broadcast_to(z[0], (4, 2))]
)
def test_latents_may_be_a_view(flat: FlatVAE, view: Callable[[np.ndarray], np.ndarray]) -> None:
    latents = view(np.random.default_rng(0).normal(size=(5, 2)))
    np.testing.assert_array_equal(flat.inverse_transform(latents), flat.inverse_transform(latents.copy()))
    np.testing.assert_array_equal(flat.metric_tensor(latents), flat.metric_tensor(latents.copy()))


@pytest.mark.parametrize("hidden", [[8], range(8, 10), np.array([8, 4]), ()])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_widths_may_be_any_sequence(hidden: Any) -> None:
    FlatVAE(**{**TINY, "hidden": hidden}).fit(sheet(20)[1])


def test_a_wrong_parameter_s_key_is_one_of_the_settings() -> None:
    with pytest.raises(ValueError, match=r"^FlatVAE: method\.objective\.flatness\.eta: found -1"):
        FlatVAE(**TINY, eta=-1).fit(sheet(20)[1])


def test_wrong_data_are_named(flat: FlatVAE) -> None:
    with pytest.raises(ValueError, match="NaN"):
        FlatVAE(**TINY).fit([[0.0, np.nan], [1.0, 2.0]])
    with pytest.raises(ValueError, match="minimum of 2"):
        FlatVAE(**TINY).fit([[0.0, 1.0]])
    with pytest.raises(ValueError, match="3 columns, expected 2 latents"):
        flat.inverse_transform([[1.0, 2.0, 3.0]])
    with pytest.raises(NotFittedError):
        FlatVAE().metric_tensor([[0.0, 0.0]])


def test_values_between_0_and_1_may_be_probabilities() -> None:
    bits = (np.random.default_rng(0).random((50, 6)) < 0.5).astype(np.float64)
    some = FlatVAE(**{**TINY, "likelihood": "bernoulli"}).fit(bits)
    decoded = some.inverse_transform(some.transform(bits))
    assert decoded.min() > 0
    assert decoded.max() < 1


def test_the_columns_have_names() -> None:
    some = FlatVAE(**TINY).set_output(transform="pandas")
    assert list(some.fit_transform(sheet(20)[1]).columns) == ["flatvae0", "flatvae1"]


def test_it_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    FlatVAE(**{**TINY, "steps": 20, "verbose": True}).fit(sheet(20)[1])
    assert "[FlatVAE] 20/20 RMSE" in capsys.readouterr().out


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    code = "import sys, reid; assert not {'torch', 'sklearn', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_in_the_documentation_runs() -> None:
    page = Path(__file__).parents[2] / "docs" / "estimator.md"
    if not page.is_file():
        pytest.skip("the documentation is part of a checkout only")
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(code, str(page), "exec"), names)
    assert names["Z"].shape == (1000, 2)
    assert names["curve"].length <= names["curve"].straight_length


@pytest.mark.slow
def test_a_curled_sheet_is_unrolled() -> None:
    rng = np.random.default_rng(0)
    plane = rng.uniform(0.0, [1.5 * np.pi, 3.0], (800, 2))
    x = np.stack([np.cos(plane[:, 0]), np.sin(plane[:, 0]), plane[:, 1]], axis=1)
    vae = FlatVAE(steps=1000, random_state=0).fit(x)
    z = vae.transform(x)
    one, other = pairs(60, len(x))
    true = np.linalg.norm(plane[one] - plane[other], axis=1)
    found = vae.geodesic_distance(z[one], z[other], n_nodes=2000)
    assert np.quantile(np.abs(found / true - 1.0), 0.9) < 0.03
    assert np.median(np.linalg.cond(vae.metric_tensor(z))) < 1.1
