from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reid.evaluation.flatness import _scores, channels_first, flatness_scores, load_model
from reid.geometry.metric import metric_tensors
from reid.models import VAE, VAESettings


def vector_model(latents: int = 3, size: int = 8) -> VAE:
    """A model of vectors with a linear decoder."""
    part = {"shape": [size], "decoder": {"kind": "mlp", "hidden": []}}
    settings = {
        "input": {"shape": [size]},
        "observation": {"data": part},
        "encoder": {"kind": "mlp", "hidden": []},
        "prior": {"kind": "normal"},
        "latents": latents,
    }
    torch.manual_seed(0)
    return VAE(VAESettings.model_validate(settings)).eval()


def decoder_weight(model: VAE) -> nn.Parameter:
    last = model.decoder.heads["data"].last
    assert isinstance(last, nn.Linear)
    return last.weight


def test_the_tensor_of_a_linear_decoder_is_its_gram_matrix() -> None:
    model = vector_model()
    weight = decoder_weight(model).detach().double()
    tensors = metric_tensors(model.decode, torch.randn(4, 3))
    assert tensors.dtype == torch.float64
    for tensor in tensors:
        torch.testing.assert_close(tensor, weight.T @ weight, rtol=1e-5, atol=1e-7)


def test_the_tensor_of_a_curved_decoder_agrees_with_differences() -> None:
    torch.manual_seed(1)
    decoder = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 5))
    z, step = torch.randn(3, 2), 1e-3
    ahead, behind = (
        torch.stack([decoder(z + side * axis) for axis in torch.eye(2)], dim=-1) for side in (step, -step)
    )
    slopes = ((ahead - behind) / (2 * step)).detach().double()
    expected = slopes.transpose(1, 2) @ slopes
    torch.testing.assert_close(metric_tensors(decoder, z), expected, rtol=1e-2, atol=1e-3)


def test_a_scaled_isometry_is_perfectly_flat() -> None:
    model = vector_model()
    with torch.no_grad():
        decoder_weight(model).copy_(7 * torch.linalg.qr(torch.randn(8, 3))[0])
    for scores in flatness_scores(model, torch.randn(30, 8), points=10).values():
        assert scores.points == 10
        assert scores.standing_still == 0
        assert scores.c2 == pytest.approx(49, rel=1e-4)
        assert scores.condition == pytest.approx([1, 1, 1], rel=1e-4)
        assert scores.log_magnification == pytest.approx([0, 0, 0], abs=1e-5)
        assert scores.mean_relative_deviation == pytest.approx(0, abs=1e-8)
        assert scores.effective_dimension == pytest.approx([3, 3, 3], rel=1e-4)


def test_a_decoder_that_stands_still_uses_no_direction() -> None:
    model = vector_model()
    with torch.no_grad():
        decoder_weight(model).zero_()
    for scores in flatness_scores(model, torch.randn(30, 8), points=10).values():
        assert scores.standing_still == scores.points == 10
        assert scores.condition == scores.condition_in_use == pytest.approx([1e12] * 3)
        assert scores.relative_deviation == pytest.approx([1, 1, 1])
        assert max(scores.log_magnification) < -10
        assert scores.effective_dimension == [0, 0, 0]
        assert np.isfinite(np.concatenate([np.ravel(figure) for figure in scores.as_dict().values()])).all()


def test_points_at_which_a_decoder_stands_still_are_told_and_not_flat() -> None:
    moving = torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    tensors = 4 * moving[:, None, None] * torch.eye(3, dtype=torch.float64)
    scores = _scores(tensors, torch.eye(3, dtype=torch.float64), in_use=2)
    assert scores.standing_still == 2
    assert scores.condition == pytest.approx([1, 1, 1e12])
    assert scores.condition_in_use == pytest.approx([1, 1, 1e12])
    json.dumps(scores.as_dict(), allow_nan=False)


def test_known_eigenvalues_give_known_figures() -> None:
    model = vector_model()
    with torch.no_grad():
        frame = torch.linalg.qr(torch.randn(8, 3))[0]
        decoder_weight(model).copy_(frame * torch.tensor([4.0, 2.0, 1.0]))
    scores = flatness_scores(model, torch.randn(30, 8), points=5)["data"]
    values = np.array([16.0, 4.0, 1.0])
    c2 = values.mean()
    assert scores.condition[1] == pytest.approx(16, rel=1e-4)
    assert scores.log_magnification[1] == pytest.approx(0.5 * np.log(values / c2).mean(), abs=1e-4)
    assert scores.mean_relative_deviation == pytest.approx(((values / c2 - 1) ** 2).mean(), rel=1e-4)
    assert scores.effective_dimension[1] == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-4)
    assert scores.effective_dimension[1] == pytest.approx(3 / (1 + scores.mean_relative_deviation), rel=1e-4)


@pytest.mark.parametrize("rotated", [False, True])
def test_directions_that_the_data_do_not_use_are_left_out_of_the_condition(*, rotated: bool) -> None:
    model = vector_model()
    head = model.encoder.head.linear
    rotation = torch.linalg.qr(torch.randn(3, 3))[0] if rotated else torch.eye(3)
    with torch.no_grad():
        # The third direction is always at 0, and hardly moves the decoder.
        head.weight.zero_()
        head.weight[0, 0] = head.weight[1, 1] = 3.0
        head.weight[:3] = rotation @ head.weight[:3]
        head.bias.zero_()
        frame = torch.linalg.qr(torch.randn(8, 3))[0]
        decoder_weight(model).copy_(frame * torch.tensor([2.0, 2.0, 0.01]) @ rotation.T)
    scores = flatness_scores(model, torch.randn(200, 8), points=5)["data"]
    assert (scores.latents, scores.in_use) == (3, 2)
    assert scores.condition[1] == pytest.approx(40_000, rel=1e-2)
    assert scores.condition_in_use[1] == pytest.approx(1, rel=1e-3)


def test_the_leading_directions_are_those_of_the_largest_spread() -> None:
    model = vector_model(latents=8)
    head = model.encoder.head.linear
    slopes = torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 4.0, 4.0])
    with torch.no_grad():
        # Each direction spreads less than the one before it.
        head.weight.zero_()
        head.weight[:8] = torch.diag(0.5 ** torch.arange(8.0))
        head.bias.zero_()
        decoder_weight(model).copy_(torch.diag(slopes))
    scores = flatness_scores(model, torch.randn(400, 8), points=5)["data"]
    # Numbers of directions that there are not are left out.
    assert list(scores.condition_of_leading) == [5]
    assert scores.condition_of_leading[5][1] == pytest.approx(4, rel=0.1)
    assert scores.condition[1] == pytest.approx(16, rel=1e-3)
    assert scores.as_dict()["condition_of_leading_5"] == scores.condition_of_leading[5]


def test_mixup_points_lie_elsewhere_and_the_seed_decides_which() -> None:
    model = VAE(
        VAESettings.model_validate(
            {
                "input": {"shape": [8]},
                "observation": {"data": {"shape": [8], "decoder": {"kind": "mlp", "hidden": [16]}}},
                "encoder": {"kind": "mlp", "hidden": [16]},
                "latents": 3,
            }
        )
    ).eval()
    x = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    first, again, other = (flatness_scores(model, x, points=8, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert first["data"] != first["mixup"]


def test_a_stored_model_is_the_same_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    model, path = vector_model(), tmp_path / "model.safetensors"
    save_file(model.state_dict(), path)
    loaded = load_model(model.settings, path)
    x = torch.randn(5, 8)
    torch.testing.assert_close(loaded.encode(x).mean, model.encode(x).mean)
    with pytest.raises(ValueError, match=r"model\.safetensors: cannot be read, or belongs to other settings"):
        load_model(vector_model(latents=4).settings, path)


def test_crops_are_turned_as_models_read_them() -> None:
    crops = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    assert channels_first(crops).shape == (2, 3, 4, 5)
    assert channels_first(crops)[1, 2, 3, 4] == crops[1, 3, 4, 2]
