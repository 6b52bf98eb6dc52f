import pytest
import torch

from reid.models import VAE, VAESettings
from reid.settings import SettingsError, check_settings

PEOPLE = {
    "latents": 8,
    "input": {"shape": [3, 32, 32], "mean": [0.5], "std": [0.25]},
    "observation": {
        "image": {
            "shape": [3, 32, 32],
            "mean": [0.5],
            "std": [0.25],
            "decoder": {"kind": "deconv", "width": 0.1},
        },
        "appearance": {"shape": [12], "weight": 2.0, "decoder": {"kind": "mlp", "hidden": [16]}},
    },
    "encoder": {"kind": "small", "widths": [8, 16], "blocks": [0, 1]},
    "prior": {"kind": "hierarchical", "hidden": [16]},
}
DIGITS = {
    "latents": 2,
    "likelihood": "bernoulli",
    "input": {"shape": [1, 8, 8]},
    "observation": {"image": {"shape": [1, 8, 8], "decoder": {"kind": "mlp", "hidden": [16]}}},
    "encoder": {"kind": "mlp", "hidden": [16]},
    "prior": {"kind": "normal"},
}


def build(tree):
    torch.manual_seed(0)
    return VAE(check_settings(VAESettings, tree, "model.yaml"))


def test_an_image_and_its_statistics_are_one_observation():
    model = build(PEOPLE)
    crops = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    mean, log_variance = model.encode(crops)
    assert mean.shape == log_variance.shape == (5, 8)
    assert model.decode(mean).shape == (5, 3 * 32 * 32 + 12)
    parts = model.reconstruct(crops)
    assert parts["image"].shape == (5, 3, 32, 32)
    assert parts["appearance"].shape == (5, 12)


def test_every_part_reaches_the_metric_tensor_by_its_weight():
    model = build(PEOPLE)
    z = torch.randn(1, 8)
    J = torch.func.jacfwd(lambda point: model.decode(point[None])[0])(z[0])
    heads = model.decoder.heads
    size, shares = 3 * 32 * 32 + 12, {"image": 1 / 3, "appearance": 2 / 3}
    G = torch.zeros(8, 8)
    for name, head in heads.items():
        part = torch.func.jacfwd(lambda point, head=head: head(point[None])[0])(z[0])
        G += shares[name] * size / len(part) * part.T @ part
    torch.testing.assert_close(J.T @ J, G, atol=1e-3, rtol=1e-3)


def test_bernoulli_means_are_probabilities_and_the_loss_is_their_cross_entropy():
    model = build(DIGITS)
    target = torch.randint(0, 2, (6, 1, 8, 8)).float()
    z = model.encode(target).mean
    mean, packed = model.decode(z), model.observation.pack({"image": target})
    errors = model.reconstruction_error(z, packed)
    torch.testing.assert_close(errors.squared, (mean - packed).square().mean())
    torch.testing.assert_close(errors.loss, torch.nn.functional.binary_cross_entropy(mean, packed))


def test_gaussian_loss_is_the_constrained_error_itself():
    model = build(PEOPLE)
    target = torch.randn(3, 3 * 32 * 32 + 12)
    errors = model.reconstruction_error(torch.zeros(3, 8), target)
    assert errors.loss is errors.squared


def test_the_two_groups_of_parameters_are_all_and_do_not_overlap():
    model = build(PEOPLE)
    groups = [list(model.autoencoder_parameters()), list(model.prior_parameters())]
    ids = [id(parameter) for group in groups for parameter in group]
    assert len(set(ids)) == len(ids) == len(list(model.parameters()))
    assert all(groups)
    assert list(build(DIGITS).prior_parameters()) == []


def test_bernoulli_needs_data_in_its_own_range():
    tree = {**PEOPLE, "likelihood": "bernoulli"}
    with pytest.raises(SettingsError, match="one part in"):
        check_settings(VAESettings, tree, "model.yaml")


def test_settings_say_which_key_is_unknown():
    with pytest.raises(SettingsError, match=r"latent: unknown key; did you mean 'latents'"):
        check_settings(VAESettings, {**PEOPLE, "latent": 3}, "model.yaml")


def test_weights_travel_through_a_state_dict_with_their_standardisation():
    source, target = build(PEOPLE), build({**PEOPLE, "input": {"shape": [3, 32, 32]}})
    target.load_state_dict(source.state_dict())
    crops = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(target.encode(crops).mean, source.encode(crops).mean)
