"""A run may begin with the weights of another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reid.models import VAE, VAESettings
from reid.training.starting import StartError, read_start, start_from

SIGNAL = {"shape": [3, 32, 32]}
VGG16 = {"kind": "vgg16", "width": 0.05, "stripes": [6]}
SMALL = {"kind": "small", "widths": [4, 8], "blocks": [0, 1], "stripes": [6]}


def network(encoder: dict[str, object], latents: int = 4, seed: int = 0, weight: float = 1.0) -> VAE:
    torch.manual_seed(seed)
    decoder = {"kind": "mlp", "hidden": [8], "shortcut": True}
    observation = {
        "common_statistics": {"shape": [384], "decoder": decoder, "weight": 1.0},
        "statistics": {"shape": [384], "decoder": decoder, "weight": weight},
    }
    tree = {"input": SIGNAL, "observation": observation, "encoder": encoder, "latents": latents}
    return VAE(VAESettings.model_validate(tree)).eval()


@pytest.fixture
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8, generator=generator)


def test_a_network_of_the_same_kind_begins_as_the_other_one(images: torch.Tensor) -> None:
    there, own = network(SMALL), network(SMALL, seed=1)
    assert not torch.equal(own.encode(images).mean, there.encode(images).mean)
    start_from(there.state_dict(), own)
    assert torch.equal(own.encode(images).mean, there.encode(images).mean)
    assert torch.equal(own.decode(torch.ones(1, 4)), there.decode(torch.ones(1, 4)))


def test_what_the_settings_say_stays() -> None:
    there, own = network(SMALL), network(SMALL, weight=3.0)
    before = own.observation.scale.clone()
    start_from(there.state_dict(), own)
    assert torch.equal(own.observation.scale, before)
    assert not torch.equal(own.observation.scale, there.observation.scale)


def test_another_encoder_begins_as_the_stripes_of_the_other_one(images: torch.Tensor) -> None:
    there, own = network(SMALL), network(VGG16, seed=1)
    convolutions = own.encoder.features[0].weight.clone()
    start_from(there.state_dict(), own)
    assert torch.equal(own.encoder.features[0].weight, convolutions)
    assert torch.equal(own.decode(torch.ones(1, 4)), there.decode(torch.ones(1, 4)))
    with torch.no_grad():
        # What the other's convolutions say is left out.
        there.encoder.head.linear.weight[:, : -there.encoder.stripes.features] = 0.0
    assert torch.allclose(own.encode(images).mean, there.encode(images).mean, atol=1e-6)
    assert own.encode(images).mean.std() > 0


@pytest.mark.parametrize(
    "larger",
    [{"blocks": [0, 2]}, {"blocks": [1, 1]}, {"widths": [6, 8]}, {"widths": [4, 4, 8], "blocks": [0, 1, 0]}],
    ids=lambda change: " ".join(change),
)
def test_convolutions_that_fit_by_chance_say_nothing_at_first(
    larger: dict[str, object], images: torch.Tensor
) -> None:
    there, own = network(SMALL), network(SMALL | larger, seed=1)
    before = {name: value.clone() for name, value in own.encoder.layers.state_dict().items()}
    start_from(there.state_dict(), own)
    assert all(torch.equal(value, before[name]) for name, value in own.encoder.layers.state_dict().items())
    features = own.encoder.stripes.features
    assert not own.encoder.head.linear.weight[:, :-features].any()
    assert torch.equal(
        own.encoder.head.linear.weight[:, -features:], there.encoder.head.linear.weight[:, -features:]
    )
    assert own.encode(images).mean.std() > 0


@pytest.mark.parametrize(
    "own, reason",
    [
        (network({**SMALL, "blocks": [0, 2], "stripes": []}), "its encoder"),
        (network(SMALL, latents=5), "of another model"),
        (network({**VGG16, "stripes": [7]}), "its encoder"),
        (network({"kind": "vgg16", "width": 0.05}), "its encoder"),
        (network({"kind": "mlp", "hidden": [4]}), "its encoder"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(own: VAE, reason: str) -> None:
    before = {name: value.clone() for name, value in own.state_dict().items()}
    with pytest.raises(StartError, match=reason):
        start_from(network(SMALL).state_dict(), own)
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"model\.safetensors: no such file"):
        read_start(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(StartError, match="cannot be read"):
        read_start(tmp_path)


def test_an_encoder_without_stripes_is_refused() -> None:
    own = network(SMALL)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    with pytest.raises(StartError, match="of another model"):
        start_from(network({"kind": "mlp", "hidden": [5]}).state_dict(), own)
    assert all(torch.equal(before[name], value) for name, value in own.state_dict().items())
