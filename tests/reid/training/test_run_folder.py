"""A run's folder is its own: what was there is not lost, and what does not fit it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from reid.descriptor import DescriptorError
from reid.files import FileError
from reid.training.data import RunError
from reid.training.loop import Progress, read_log
from reid.training.run import train
from reid.training.settings import NeighbourSettings
from tests.reid.training.small_runs import settings


def test_a_run_goes_on_where_its_data_lie_now(tmp_path: Path, market: Path) -> None:
    train(settings(tmp_path, steps=2), [market], tmp_path / "run", device="cpu")
    moved = market.rename(tmp_path / "moved away")
    outcome = train(settings(tmp_path, steps=4), [moved], tmp_path / "run", resume=True, device="cpu")
    assert outcome.step == 4


def test_nobody_is_held_out_silently(tmp_path: Path, market: Path) -> None:
    def begin() -> None:
        train(settings(tmp_path, steps=1), [market], tmp_path / "run", held_out=2, device="cpu")

    (market / "overview.png").write_bytes(next(market.iterdir()).read_bytes())
    with pytest.raises(ValueError, match=r"overview\.png: not a Market-1501 name"):
        begin()
    for number, path in enumerate(sorted(market.iterdir())):
        path.rename(market / f"crop {number}.png")
    with pytest.raises(RunError, match="--held-out 2: is for Market-1501 style folders"):
        begin()


def test_a_run_that_died_early_leaves_nothing_to_the_next(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "run"
    (output / "reconstructions").mkdir(parents=True)
    (output / "log.jsonl").write_text('{"step": 50}\n')
    (output / "reconstructions" / "step_0000050.png").touch()
    (output / "notes.txt").write_text("mine")
    train(settings(tmp_path, steps=2), [market], output, device="cpu")
    assert read_log(output) == []
    assert [path.name for path in (output / "reconstructions").iterdir()] == ["step_0000002.png"]
    assert (output / "notes.txt").read_text() == "mine"


def test_a_run_of_before_a_setting_was_known_goes_on(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "run"
    train(settings(tmp_path, steps=2), [market], output, device="cpu")
    tree = yaml.safe_load((output / "config.yaml").read_text(encoding="utf-8"))
    del tree["data"]["own_statistics"]
    (output / "config.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    note = json.loads((output / "data.json").read_text(encoding="utf-8"))
    del note["digest"], note["start"]
    (output / "data.json").write_text(json.dumps(note), encoding="utf-8")
    assert train(settings(tmp_path, steps=4), [market], output, resume=True, device="cpu").step == 4
    tree["metric"] = "cosine of old"
    (output / "config.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.raises(RunError, match="other settings"):
        train(settings(tmp_path, steps=4), [market], output, resume=True, device="cpu")


def test_nothing_is_lost_where_a_run_is_not_begun(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "run"
    (output / "tensorboard").mkdir(parents=True)
    left = [output / "log.jsonl", output / "tensorboard" / "events.out"]
    for path in left:
        path.write_text("{}")
    with pytest.raises(ValueError, match="no such folder"):
        train(settings(tmp_path), [tmp_path / "typo"], output, device="cpu")
    assert all(path.is_file() for path in left)


def test_a_finished_run_without_its_checkpoint_is_not_written_over(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "run"
    train(settings(tmp_path, steps=2), [market], output, device="cpu")
    (output / "checkpoint.pt").unlink()
    for name in ("model.safetensors", "descriptor.safetensors"):
        with pytest.raises(RunError, match=f"holds the {name} of a finished run; choose another folder"):
            train(settings(tmp_path, steps=2), [market], output, device="cpu")
        (output / name).unlink()
    assert train(settings(tmp_path, steps=2), [market], output, device="cpu").finished


def test_two_runs_do_not_share_a_folder(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "run"
    refused = []

    def begin_another(progress: Progress) -> None:
        for resume in (False, True):
            with pytest.raises(RunError, match="a run is under way there") as error:
                train(settings(tmp_path, steps=2), [market], output, resume=resume, device="cpu")
            refused.append(error)

    assert train(settings(tmp_path, steps=2), [market], output, device="cpu", report=begin_another).finished
    assert len(refused) == 4
    assert train(settings(tmp_path, steps=3), [market], output, resume=True, device="cpu").finished


def test_a_descriptor_that_is_not_there_is_missed_before_anything_is_cut(
    tmp_path: Path, market: Path
) -> None:
    own = settings(tmp_path)
    lost = NeighbourSettings(first_by="nobody")
    chosen = own.model_copy(update={"data": own.data.model_copy(update={"neighbours": lost})})
    cut: list[str] = []
    with pytest.raises(DescriptorError, match="unknown descriptor 'nobody'"):
        train(chosen, [market], tmp_path / "run", device="cpu", cut=lambda name, crops: cut.append(name))
    assert not cut


def test_mistakes_are_named(tmp_path: Path, market: Path) -> None:
    output = tmp_path / "run"
    with pytest.raises(RunError, match="no run to go on with"):
        train(settings(tmp_path), [market], output, resume=True, device="cpu")
    train(settings(tmp_path, steps=2), [market], output, device="cpu")
    with pytest.raises(RunError, match="holds a run already"):
        train(settings(tmp_path), [market], output, device="cpu")
    other = settings(tmp_path).model_copy(update={"metric": "euclidean"})
    with pytest.raises(RunError, match=r"other settings \(optimiser, metric\)|other settings \(metric"):
        train(other, [market], output, resume=True, device="cpu")
    with pytest.raises(
        RunError, match=r"was begun with other crops: \d+ of .*my crops with --held-out 0, not \d+ with 2"
    ):
        train(settings(tmp_path, steps=4), [market], output, resume=True, held_out=2, device="cpu")
    with pytest.raises(RunError, match="has 2 steps already"):
        train(settings(tmp_path, steps=1), [market], output, resume=True, device="cpu")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be written"):
        train(settings(tmp_path), [market], tmp_path / "file" / "run", device="cpu")
    unknown = NeighbourSettings(first_by="nobody")
    lost = other.model_copy(update={"data": other.data.model_copy(update={"neighbours": unknown})})
    with pytest.raises(DescriptorError, match="unknown descriptor 'nobody'"):
        train(lost, [market], tmp_path / "lost", device="cpu")
    with pytest.raises(RunError, match="no data"):
        train(settings(tmp_path), [], tmp_path / "none", device="cpu")
    larger = other.model_copy(update={"data": other.data.model_copy(update={"height": 32})})
    with pytest.raises(RunError, match=r"found 32 and 16, expected those of .*input\.shape, \[3, 16, 16\]"):
        train(larger, [market], tmp_path / "larger", device="cpu")
    counted = other.model_copy(update={"data": other.data.model_copy(update={"colours": "opponent"})})
    with pytest.raises(RunError, match=r"statistics\.shape: found \[384\], expected \[544\]"):
        train(counted, [market], tmp_path / "counted", device="cpu")
    with pytest.raises(DescriptorError, match="device 'tpu'"):
        train(settings(tmp_path), [market], tmp_path / "tpu", device="tpu")
