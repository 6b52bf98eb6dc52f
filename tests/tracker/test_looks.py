"""What --descriptor auto means, and what a descriptor does to a tracker's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from reid.descriptor import DescriptorError, default_descriptor, find_descriptor, shipped_descriptors
from reid.footage.sources import open_source
from tests.tracker.sequences import SequenceMaker
from tracker import SettingsError, calibrated_config, load_config
from tracker.boxsource import open_boxes
from tracker.looks import Looks
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import Stored

SORT, DEEPSORT = load_config("sort"), load_config("deepsort")


@pytest.fixture(autouse=True)
def light_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """The descriptor that ships takes a while to load; which one it is makes no difference here."""
    monkeypatch.setattr("tracker.looks.default_descriptor", lambda: "histogram")


def chosen(folder: Path, choice: str = "auto", *, sorting: bool = False) -> str:
    sequence = SequenceInfo.read(folder)
    look = Looks(choice).choose(sequence, open_boxes(sequence, None), SORT if sorting else DEEPSORT)
    return look if isinstance(look, str) else look.name


def test_auto_takes_stored_vectors_then_images_then_nothing(make_sequence: SequenceMaker) -> None:
    folder = make_sequence("shop", length=3)
    assert chosen(folder) == "none"
    make_sequence.add_images(folder)
    assert chosen(folder) == "histogram"
    assert chosen(folder, sorting=True) == "none"
    make_sequence.add_vectors(folder)
    assert chosen(folder) == "auto"


@pytest.mark.parametrize("choice", ["none", "file", "histogram"])
def test_a_choice_is_a_choice(choice: Stored, make_sequence: SequenceMaker) -> None:
    folder = make_sequence("shop", length=3)
    make_sequence.add_images(folder)
    assert chosen(folder, choice) == choice


def test_frames_from_anywhere_have_images(make_sequence: SequenceMaker) -> None:
    folder = make_sequence("shop", length=3)
    make_sequence.add_images(folder)
    looks, frames = Looks("auto"), open_source(folder / "img1")
    boxes = open_boxes(frames, str(folder / "det" / "det.txt"))
    look = looks.choose(frames, boxes, DEEPSORT)
    assert not isinstance(look, str)
    # Loaded once, for all.
    assert looks.choose(frames, boxes, DEEPSORT) is look


def test_a_descriptor_brings_its_metric_and_threshold_and_the_user_has_the_last_word() -> None:
    look = Looks("histogram")._choice
    config = calibrated_config("deepsort", look)
    assert (config.memory.metric, config.stages[0].threshold) == ("euclidean", 2.8)
    assert config.stages[1] == DEEPSORT.stages[1]
    assert calibrated_config("deepsort", look, ["stages.appearance.threshold=1.5"]).stages[0].threshold == 1.5
    assert calibrated_config("deepsort", "none") == DEEPSORT


@pytest.mark.parametrize("word", ["auto", "file", "none"])
def test_words_that_are_no_descriptor_change_nothing(word: Stored) -> None:
    assert calibrated_config("deepsort", word) == DEEPSORT


@pytest.mark.parametrize("name", ["fmvae-small", "runs/mine", ""])
def test_the_name_of_a_descriptor_is_no_descriptor(name: str) -> None:
    """Its threshold is known only once it is loaded; the uncalibrated one would be far off."""
    with pytest.raises(SettingsError, match=r"expected a loaded one, Descriptor\.load\(") as raised:
        calibrated_config("deepsort", name)  # type: ignore[arg-type]
    assert repr(name) in str(raised.value)
    assert "auto, file, none" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_an_unknown_descriptor_is_told_with_all_that_are_known() -> None:
    with pytest.raises(DescriptorError, match=r"unknown descriptor .fmvea.; known: .*; without a network"):
        Looks("fmvea")


def test_what_ships_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(shipped_descriptors()) == {"fmvae", "fmvae-small"}
    assert sum(path.stat().st_size for path in shipped_descriptors().values()) < 40e6
    assert default_descriptor() == "fmvae-small"
    monkeypatch.setattr("reid.descriptor.WEIGHTS_FOLDER", tmp_path)
    (tmp_path / "other.safetensors").touch()
    assert find_descriptor("other") == tmp_path / "other.safetensors"
    assert default_descriptor() == "histogram"
