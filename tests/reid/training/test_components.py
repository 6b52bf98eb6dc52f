"""Training may begin as a linear model: principal components of what is to be reconstructed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from reid.models import VAE, VAESettings
from reid.settings import SettingsError
from reid.training.batches import CropBatches, generator_of_step
from reid.training.components import start_at
from reid.training.loop import read_log
from reid.training.run import train
from reid.training.settings import (
    AugmentSettings,
    DataSettings,
    NeighbourSettings,
    TrainingSettings,
    load_training,
)
from tests.reid.training.small_views import CPU, view

SIGNAL = {"shape": [3, 16, 16]}
PART = {"shape": [544], "decoder": {"kind": "mlp", "hidden": [8], "shortcut": True}}
MODEL = {
    "input": SIGNAL,
    "observation": {
        "common_statistics": {**PART, "weight": 0.3},
        "statistics": {**PART, "weight": 0.7},
    },
    "encoder": {
        "kind": "small",
        "widths": [4, 8],
        "blocks": [0, 1],
        "stripes": [6],
        "colours": "opponent",
    },
    "prior": {"kind": "hierarchical", "hidden": [8]},
    "latents": 5,
}


def dressed(people: int, crops: int, noise: float = 20.0) -> np.ndarray:
    """Crops of people in clothes of one colour each, which noise makes differ a little."""
    rng = np.random.default_rng(0)
    clothes = rng.uniform(0, 255, (people, 1, 4, 1, 3)).repeat(crops, axis=1).repeat(4, axis=2)
    images = np.broadcast_to(clothes, (people, crops, 16, 16, 3)) + rng.normal(
        0, noise, (people, crops, 16, 16, 3)
    )
    return images.reshape(-1, 16, 16, 3).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("even", [0.0, 0.5])
def test_the_first_encoder_reads_the_components_off_and_the_first_decoders_put_them_together(
    even: float, level: bool
) -> None:
    images = dressed(20, 2)
    cameras = np.arange(40, dtype=np.int32) % 2
    data = DataSettings(colours="opponent", level_cameras=level, even_statistics=even)
    batches = CropBatches(
        view([-1] * 40, images, cameras), list(MODEL["observation"]), data, AugmentSettings()
    )
    network = VAE(VAESettings.model_validate(MODEL))
    start_at(batches.components(5), network)
    targets = batches.batch(np.arange(40), generator_of_step(0, 0, CPU)).targets
    own = targets["statistics"]
    with torch.no_grad():
        latents = network.encode(torch.from_numpy(images).permute(0, 3, 1, 2)).mean
        shortcuts = {part: head.shortcut.weight for part, head in network.decoder.heads.items()}
    # As good as five components of these can be, which is nearly right, and flat.
    best = torch.linalg.svdvals(own)[5:].square().sum() / own.square().sum()
    left = (own - own.mean(0)) - (latents - latents.mean(0)) @ shortcuts["statistics"].T
    if level:
        # Cameras that show other people have other means, which the encoder does not know.
        left = torch.cat([some - some.mean(0) for some in (left[0::2], left[1::2])])
    torch.testing.assert_close(left.square().sum() / own.square().sum(), best, atol=0.02, rtol=0.05)
    for weight in shortcuts.values():
        torch.testing.assert_close(weight.T @ weight, torch.eye(5), atol=1e-5, rtol=0)


def test_what_is_shared_is_put_together_from_the_same_components() -> None:
    data = DataSettings(colours="opponent")
    batches = CropBatches(
        view([-1] * 40, dressed(20, 2)), list(MODEL["observation"]), data, AugmentSettings()
    )
    own, common = (batches.components(5).decoders[part][0] for part in ("statistics", "common_statistics"))
    # Nobody has neighbours: the shared statistics are the crop's own.
    torch.testing.assert_close(own, common, atol=1e-4, rtol=0)


def settings(tmp_path: Path, start: str, steps: int) -> TrainingSettings:
    tree = {
        "method": {
            "kind": "vae",
            "start": start,
            "model": MODEL,
            "objective": {"constraint": {"kappa": 0.1}, "flatness": {"eta": 1.0, "directions": 2}},
        },
        "data": {"height": 16, "width": 16, "colours": "opponent", "even_statistics": 0.25},
        "optimiser": {"learning_rate": 1.0e-3, "batch": 8, "steps": steps},
    }
    path = tmp_path / "tiny.yaml"
    # By way of JSON, or YAML would write what two parts share only once.
    path.write_text(yaml.safe_dump(json.loads(json.dumps(tree))), encoding="utf-8")
    return load_training(path)


def test_a_training_that_begins_there_is_ahead_and_goes_on_as_it_was(tmp_path: Path, market: Path) -> None:
    errors = {}
    for name, start, steps in (
        ("random", "random", 50),
        ("parts", "components", 30),
        ("whole", "components", 50),
    ):
        train(settings(tmp_path, start, steps), [market], tmp_path / name, device="cpu")
        errors[name] = [entry["rmse"] for entry in read_log(tmp_path / name)]
    train(settings(tmp_path, "components", 50), [market], tmp_path / "parts", device="cpu", resume=True)
    assert errors["whole"][0] < 0.9 * errors["random"][0]
    parts, whole = (load_file(tmp_path / name / "model.safetensors") for name in ("parts", "whole"))
    assert all(torch.equal(parts[key], whole[key]) for key in whole)


@pytest.mark.parametrize(
    "change, said",
    [
        ("method.model.encoder.stripes=[]", "encoder with stripes that counts colours as data.colours"),
        ("method.model.encoder.colours=hue", "does, 'opponent'"),
        ("method.model.latents=600", "at least as many numbers as there are latents, 600"),
        (
            "method.model.observation.common_statistics.decoder.shortcut=false",
            "shortcut: true of 'common_statistics'",
        ),
    ],
)
def test_a_model_without_linear_parts_cannot_begin_there(tmp_path: Path, change: str, said: str) -> None:
    settings(tmp_path, "components", 1)
    with pytest.raises(SettingsError, match=said):
        load_training(tmp_path / "tiny.yaml", [change])


def test_first_neighbours_may_be_found_by_colours_counted_in_another_way() -> None:
    images = dressed(60, 2, noise=100.0)
    cameras = np.arange(120, dtype=np.int32) % 2
    people = np.arange(120) // 2

    def pairs(**found: object) -> torch.Tensor:
        data = DataSettings(
            colours="opponent", level_cameras=True, neighbours=NeighbourSettings(nearest=2, **found)
        )
        parts = ["common_statistics"]
        return CropBatches(view([-1] * 120, images, cameras), parts, data, AugmentSettings()).state()[
            "neighbours"
        ]

    assert len(pairs(start=1)) == 0
    by_hue, by_opponents = pairs(first_by="hue"), pairs(first_by="opponent")
    for found in (by_hue, by_opponents):
        assert (people[found[:, 0]] == people[found[:, 1]]).mean() > 0.3
    assert not torch.equal(by_hue, by_opponents)


def test_neighbours_that_nobody_looks_for_again_stay() -> None:
    assert not any(NeighbourSettings(first_by="hue", start=None).due(step) for step in range(5000))
    with pytest.raises(ValueError, match="nobody looks for neighbours"):
        NeighbourSettings(start=None)
