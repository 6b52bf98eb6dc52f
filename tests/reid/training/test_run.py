"""A whole run leaves a folder that can be used, gone on with, and repeated."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reid.descriptor import Descriptor
from reid.models import VAE
from reid.models.weights import WeightsError
from reid.settings import SettingsError
from reid.training.data import RunError, open_store
from reid.training.loop import Progress, read_log
from reid.training.run import _method_and_batches, _people, train
from reid.training.settings import NeighbourSettings, TrainingSettings, load_training
from tests.reid.training.small_runs import FRAMES, settings


def test_a_run_leaves_a_usable_folder(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "runs" / "mine"
    seen: list[Progress] = []
    outcome = train(settings(tmp_path), [market], output, device="cpu", held_out=2, report=seen.append)
    assert outcome.finished
    # Two of the six people are held out, and some crops are near-duplicates of others.
    assert 16 <= outcome.crops <= FRAMES * 4 // 6
    assert seen[-1].step == 60
    assert "κ" in seen[-1].words
    expected = ("config.yaml", "data.json", "log.jsonl", "checkpoint.pt", "model.safetensors")
    for name in (*expected, "descriptor.safetensors", "MODEL_CARD.md", "curves.png"):
        assert (output / name).stat().st_size > 0, name
    assert len(list((output / "reconstructions").glob("*.png"))) == 1
    descriptor = Descriptor.load(output)
    # What is passed on does not tell where the data lay.
    assert str(tmp_path).encode() not in (output / "descriptor.safetensors").read_bytes()
    crops = np.zeros((3, 16, 16, 3), dtype=np.uint8)
    assert descriptor(crops).shape == (3, 4)
    card = (output / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "No identity label was read" in card
    assert f"{outcome.crops} crops" in card


def test_the_same_seed_gives_the_same_weights_and_another_one_others(tmp_path: Path, market: Path) -> None:
    weights = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        chosen = settings(tmp_path, steps=5).model_copy(update={"seed": seed})
        train(chosen, [market], tmp_path / name, device="cpu")
        weights.append(load_file(tmp_path / name / "model.safetensors"))
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert not all(torch.equal(weights[0][key], weights[2][key]) for key in weights[0])


def test_shuffled_labels_change_nothing(tmp_path: Path, market: Path) -> None:
    shuffled = tmp_path / "my crops, shuffled"
    shuffled.mkdir()
    order = np.random.default_rng(1).permutation([1 + frame % 6 for frame in range(FRAMES)])
    for frame, path in enumerate(sorted(market.iterdir(), key=lambda path: path.name.split("_")[2])):
        (shuffled / f"{order[frame]:04d}_{path.name.split('_', 1)[1]}").write_bytes(path.read_bytes())
    for name, folder in (("right", market), ("wrong", shuffled)):
        train(settings(tmp_path, steps=10), [folder], tmp_path / name, device="cpu")
    assert read_log(tmp_path / "right") == read_log(tmp_path / "wrong")
    right, wrong = (load_file(tmp_path / name / "model.safetensors") for name in ("right", "wrong"))
    assert all(torch.equal(right[key], wrong[key]) for key in right)


@pytest.mark.parametrize(
    "neighbours",
    [
        None,
        # They are looked for before the run is stopped and after it,
        NeighbourSettings(nearest=2, start=7, every=8),
        # or before its first step only.
        NeighbourSettings(nearest=2, first_by="histogram", start=100),
    ],
)
def test_a_run_goes_on_with_more_steps(
    tmp_path: Path, market: Path, neighbours: NeighbourSettings | None
) -> None:
    def chosen(steps: int) -> TrainingSettings:
        own = settings(tmp_path, steps=steps)
        return own.model_copy(update={"data": own.data.model_copy(update={"neighbours": neighbours})})

    train(chosen(10), [market], tmp_path / "parts", device="cpu")
    outcome = train(chosen(20), [market], tmp_path / "parts", device="cpu", resume=True)
    train(chosen(20), [market], tmp_path / "whole", device="cpu")
    assert outcome.step == 20
    parts, whole = (load_file(tmp_path / name / "model.safetensors") for name in ("parts", "whole"))
    assert all(torch.equal(parts[key], whole[key]) for key in whole)


def test_neighbours_change_what_is_reconstructed(tmp_path: Path, market: Path) -> None:
    own = settings(tmp_path, steps=20)
    data = own.data.model_copy(update={"neighbours": NeighbourSettings(nearest=2, start=10, every=5)})
    train(own, [market], tmp_path / "own", device="cpu")
    train(own.model_copy(update={"data": data}), [market], tmp_path / "shared", device="cpu")
    alone, shared = (load_file(tmp_path / name / "model.safetensors") for name in ("own", "shared"))
    assert not all(torch.equal(alone[key], shared[key]) for key in alone)


def test_a_descriptor_that_is_there_finds_the_first_neighbours(tmp_path: Path, market: Path) -> None:
    own = settings(tmp_path, steps=5)
    for first_by in (None, "histogram"):
        found = NeighbourSettings(nearest=2, first_by=first_by, start=100)
        chosen = own.model_copy(update={"data": own.data.model_copy(update={"neighbours": found})})
        train(chosen, [market], tmp_path / str(first_by), device="cpu")
        card = (tmp_path / str(first_by) / "MODEL_CARD.md").read_text(encoding="utf-8")
        assert ("| first neighbours by | histogram |" in card) == (first_by is not None)
    alone, shared = (load_file(tmp_path / name / "model.safetensors") for name in ("None", "histogram"))
    assert not all(torch.equal(alone[key], shared[key]) for key in alone)


def test_a_run_goes_on_from_where_another_one_ended(tmp_path: Path, market: Path) -> None:
    train(settings(tmp_path, steps=60, learning_rate=0.01), [market], tmp_path / "first", device="cpu")
    for name, start in (("alone", None), ("after", tmp_path / "first")):
        train(settings(tmp_path, steps=50), [market], tmp_path / name, start=start, device="cpu")
    alone, after = (read_log(tmp_path / name)[0]["rmse"] for name in ("alone", "after"))
    assert after < 0.9 * alone
    assert "began with | the weights of first" in (tmp_path / "after" / "MODEL_CARD.md").read_text()
    assert "began with" not in (tmp_path / "alone" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_run_that_began_with_another_goes_on_by_the_same_command(tmp_path: Path, market: Path) -> None:
    train(settings(tmp_path, steps=2), [market], tmp_path / "first", device="cpu")
    train(settings(tmp_path, steps=2), [market], tmp_path / "after", start=tmp_path / "first", device="cpu")

    def go_on(steps: int, start: Path | None) -> None:
        chosen = settings(tmp_path, steps=steps)
        train(chosen, [market], tmp_path / "after", start=start, resume=True, device="cpu")
        # Where it began is still known.
        assert "the weights of first" in (tmp_path / "after" / "MODEL_CARD.md").read_text(encoding="utf-8")

    go_on(3, None)
    go_on(4, tmp_path / "first")
    with pytest.raises(RunError, match=r"did not begin with .*second; leave --start-from away"):
        go_on(5, tmp_path / "second")


def test_a_run_goes_on_without_what_it_started_from(tmp_path: Path, market: Path) -> None:
    tree = settings(tmp_path).model_dump(mode="json")
    tree["data"] |= {"height": 32, "width": 32}
    tree["method"]["model"]["input"]["shape"] = [3, 32, 32]
    tree["method"]["model"]["observation"].pop("image")
    tree["method"]["model"]["encoder"] = {"kind": "vgg16", "weights": str(tmp_path / "gone.pth")}
    chosen = TrainingSettings.model_validate(tree)
    store = open_store([market], chosen.data)
    with pytest.raises(WeightsError, match=r"gone\.pth: no such file"):
        _method_and_batches(chosen, store, torch.device("cpu"), finder=None, resume=False)
    method, _ = _method_and_batches(chosen, store, torch.device("cpu"), finder=None, resume=True)
    assert isinstance(method.network, VAE)


def test_each_source_has_people_of_its_own_and_distractors_are_nobody(tmp_path: Path, market: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in market.iterdir():
        image = 255 - cv2.imread(str(path))
        cv2.imwrite(str(other / path.name.replace("0006_", "0000_")), image)
    store = open_store([market, other], settings(tmp_path).data)
    people = _people(store)
    assert len(set(people[people >= 0].tolist())) == 6 + 5
    assert ((people < 0) == (store.labels.identity == 0)).all()


def test_settings_that_would_do_nothing_are_refused() -> None:
    for setting in ("level_cameras=true", "even_statistics=0.5", "target=tracklet", "neighbours.nearest=2"):
        name = setting.partition("=")[0].partition(".")[0]
        with pytest.raises(SettingsError, match=f"data.{name} does nothing with the method 'supervised'"):
            load_training("supervised", [f"data.{setting}"])


@pytest.mark.parametrize(
    "name", ["fmvae", "fmvae-small", "fmvae-paper", "fmvae-paper-eta300", "vhpvae", "supervised"]
)
def test_shipped_settings_load(name: str) -> None:
    assert load_training(name).description
