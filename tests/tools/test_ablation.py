"""The ablation trains each variant once, and scores all of them in one table."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from ablation import VARIANTS, applicable, main, variant

from reid.training.settings import load_training
from tests.tools.commands import run


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Twelve people in clothes of several colours, two cameras, in Market-1501's style."""
    folder = tmp_path / "crops of people"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for frame in range(96):
        person = frame % 12
        image = rng.integers(0, 60, (64, 32, 3), dtype=np.uint8)
        image[10:55, 8:24, person % 3] += np.uint8(60 + 30 * (person // 3))
        cv2.imwrite(str(folder / f"{person + 1:04d}_c{1 + frame // 12 % 2}s1_{frame + 1:06d}_00.png"), image)
    return folder


@pytest.mark.parametrize("config", ["fmvae", "fmvae-small"])
@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "complete"])
def test_every_variant_differs_from_the_complete_model_in_its_settings(config: str, name: str) -> None:
    base = load_training(config)
    whole, part = variant(base, "complete", 100), variant(base, name, 100)
    assert part != whole
    assert part.optimiser == whole.optimiser
    assert part.optimiser.steps == 100


def test_neighbours_are_looked_for_as_long_as_something_needs_them() -> None:
    own, unsteady, pixels = (
        variant(load_training("fmvae-small", changes), name, 100).data.neighbours
        for name, changes in (
            ("own statistics only", []),
            ("own statistics only", ["data.steady_statistics=0"]),
            ("pixels only", []),
        )
    )
    assert own is not None
    assert unsteady is None
    assert pixels is None


def test_only_what_is_there_is_taken_away() -> None:
    assert applicable(load_training("fmvae-small")) == list(VARIANTS)
    of_the_paper = applicable(load_training("fmvae-paper"))
    assert of_the_paper == ["complete", "no flatness", "standard normal prior"]


def test_variants_are_trained_once_and_scored_together(tmp_path: Path, market: Path) -> None:
    tree = load_training("fmvae-small").model_dump(mode="json")
    network = {"kind": "mlp", "hidden": [16]}
    tree["method"]["start"] = "random"
    tree["method"]["model"] |= {"encoder": network, "latents": 4}
    for part in tree["method"]["model"]["observation"].values():
        part["decoder"] = network
    tree["optimiser"] |= {"batch": 8, "steps": 50, "warmup": 5}
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(tree), encoding="utf-8")
    arguments = ["--market", market, "--held-out", 4, "--config", config]
    arguments += ["--folder", tmp_path / "runs", "--only", "complete", "--only", "no flatness"]
    tables, figures = tmp_path / "tables.md", tmp_path / "figures.json"
    measured = ["--flatness-points", 2, "--device", "cpu", "--output", tables]
    first = run(main, *arguments, *measured)
    assert first.exit_code == 0, first.output
    for name in ("complete", "no flatness", "HSV histogram", "Reconstruction", "Flatness"):
        assert name in first.output or name.replace(" ", "-") in first.output
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/**/model.safetensors")}
    assert len(trained) == 2
    assert tables.read_text(encoding="utf-8").strip() == first.stdout.strip()
    # As many steps as the configuration has were taken.
    again = run(main, *arguments, "--steps", 50, "--flatness-points", 0, "--output", figures)
    assert again.exit_code == 0, again.output
    stored = json.loads(figures.read_text(encoding="utf-8"))
    assert set(stored) == {"rows", "flatness", "reconstruction"}
    assert set(stored["reconstruction"]) == {"complete", "no flatness"}
    assert all(last["average_rmse"] > 0 for last in stored["reconstruction"].values())
    assert all(path.stat().st_mtime_ns == before for path, before in trained.items())
    # Whoever is held out now was trained on before.
    leaking = run(main, *arguments, "--held-out", 5)
    assert leaking.exit_code == 1
    assert "was begun with other crops" in " ".join(leaking.output.split())
    other = run(main, *arguments, "--set", "method.objective.constraint.kappa=0.5")
    assert other.exit_code == 1
    assert "was trained with other settings (method); choose another --folder" in " ".join(
        other.output.split()
    )


def test_a_variant_that_cannot_be_is_refused(market: Path) -> None:
    outcome = run(main, "--market", market, "--only", "no luck")
    assert outcome.exit_code == 1
    assert "no variant 'no luck'" in outcome.output
    outcome = run(main, "--market", market, "--config", "fmvae-paper", "--only", "no image")
    assert outcome.exit_code == 1
    assert "'no image' takes nothing away here; possible: complete; no flatness" in outcome.output


@pytest.mark.parametrize("config", ["supervised", "robot-arm"])
def test_only_a_flat_manifold_vae_can_be_taken_apart(config: str, market: Path) -> None:
    outcome = run(main, "--market", market, "--config", config)
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(f"error: {config}: ")


def test_a_table_that_cannot_be_written_is_refused_before_the_trainings(market: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    trainings, table = tmp_path / "runs", tmp_path / "file" / "table.md"
    outcome = run(main, "--market", market, "--folder", trainings, "--output", table)
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(f"error: {table}: cannot be written")
    assert not trainings.exists()
