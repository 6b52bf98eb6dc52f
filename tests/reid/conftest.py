"""Small models, crops and footage that several tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from reid.models import VAE, VAESettings
from reid.network_descriptor import save_descriptor

IMAGE = {"shape": [3, 32, 16], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
TINY_MODEL = {
    "input": IMAGE,
    "observation": {"image": {**IMAGE, "decoder": {"kind": "mlp", "hidden": [16]}}},
    "encoder": {"kind": "small", "widths": [8, 16], "blocks": [0, 1], "stripes": [8]},
    "prior": {"kind": "normal"},
    "latents": 6,
}


def people(count: int, size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Crops that look a little like people: noise, a shirt and trousers, each of one colour."""
    rng = np.random.default_rng(seed)
    height, width = size
    crops = rng.integers(90, 166, (count, height, width, 3))
    for crop, (shirt, trousers) in zip(crops, rng.integers(0, 256, (count, 2, 3)), strict=True):
        crop[height // 5 : height // 2, width // 4 : -width // 4] = shirt
        crop[height // 2 :, width // 4 : -width // 4] = trousers
    return crops.astype(np.uint8)


@pytest.fixture(scope="session")
def make_people() -> Callable[..., np.ndarray]:
    return people


@pytest.fixture(scope="session")
def tiny_model() -> VAE:
    torch.manual_seed(0)
    return VAE(VAESettings.model_validate(TINY_MODEL)).eval()


@pytest.fixture(scope="session")
def drawn_street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sequence: four people in clothes of their own walk past each other, each in a lane."""
    folder, frames, (height, width) = tmp_path_factory.mktemp("drawn") / "STREET", 40, (40, 20)
    (folder / "img1").mkdir(parents=True)
    (folder / "det").mkdir()
    (folder / "gt").mkdir()
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname=STREET\nimDir=img1\nframeRate=10\nseqLength={frames}\nimWidth=160\nimHeight=200\n"
        "imExt=.png\n"
    )
    crops, rng = people(4, (height, width), seed=3), np.random.default_rng(0)
    detections, truth = [], []
    for frame in range(1, frames + 1):
        image = rng.integers(100, 140, (200, 160, 3)).astype(np.uint8)
        for lane, crop in enumerate(crops):
            left, top = (10 + 2 * frame, 5 + 48 * lane)
            noisy = np.clip(crop + rng.normal(0, 6, crop.shape), 0, 255)
            image[top : top + height, left : left + width] = noisy
            box = f"{left + 1},{top + 1},{width},{height}"
            detections.append(f"{frame},-1,{box},0.9")
            truth.append(f"{frame},{lane + 1},{box},1,1,1")
        cv2.imwrite(str(folder / "img1" / f"{frame:06d}.png"), image[..., ::-1])
    (folder / "det" / "det.txt").write_text("\n".join(detections) + "\n")
    (folder / "gt" / "gt.txt").write_text("\n".join(truth) + "\n")
    return folder


@pytest.fixture
def street(drawn_street: Path, tmp_path: Path) -> Path:
    """The same for one test, which may change it."""
    return shutil.copytree(drawn_street, tmp_path / drawn_street.name)


@pytest.fixture
def run(tmp_path: Path, tiny_model: VAE, make_people: Callable[..., np.ndarray]) -> Path:
    """A finished training's folder, as far as these commands look at it."""
    folder = tmp_path / "tiny-run"
    settings = {
        "method": {
            "kind": "vae",
            "model": tiny_model.settings.model_dump(mode="json"),
            "objective": {"constraint": {"kappa": 0.8}},
        },
        "data": {"height": 32, "width": 16},
        "optimiser": {"learning_rate": 0.001, "batch": 8, "steps": 5},
    }
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    save_file(tiny_model.state_dict(), folder / "model.safetensors")
    save_descriptor(
        folder / "descriptor.safetensors",
        tiny_model,
        make_people(60, (32, 16)),
        metric="cosine",
        policy="squash",
        name="tiny",
    )
    return folder
