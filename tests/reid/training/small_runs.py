"""A training of seconds, and how many crops it has."""

from __future__ import annotations

from pathlib import Path

import yaml

from reid.training.settings import TrainingSettings, load_training

# Enough that each of the two cameras counts as one.
FRAMES = 96


def settings(tmp_path: Path, **optimiser: float) -> TrainingSettings:
    signal = {"shape": [3, 16, 16]}
    tree = {
        "method": {
            "kind": "vae",
            "model": {
                "input": signal,
                "observation": {
                    "image": {**signal, "decoder": {"kind": "mlp", "hidden": [16]}, "weight": 0.5},
                    "statistics": {"shape": [384], "decoder": {"kind": "mlp", "hidden": [16]}, "weight": 0.2},
                    "common_statistics": {
                        "shape": [384],
                        "decoder": {"kind": "mlp", "hidden": [16]},
                        "weight": 0.3,
                    },
                },
                "encoder": {"kind": "mlp", "hidden": [16]},
                "prior": {"kind": "hierarchical", "hidden": [8]},
                "latents": 4,
            },
            "objective": {"constraint": {"kappa": 0.1}, "flatness": {"eta": 1.0, "directions": 2}},
        },
        "data": {"height": 16, "width": 16, "level_cameras": True},
        "augment": {"flip": 0.5, "erase": 0.2},
        "optimiser": {"learning_rate": 1.0e-3, "batch": 8, "steps": 60, **optimiser},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load_training(path)
