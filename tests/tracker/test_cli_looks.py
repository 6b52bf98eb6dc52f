"""``track --descriptor``: where it comes from what people look like."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from reid.settings import find_settings
from tests.tracker.commands import fails, track
from tests.tracker.sequences import SequenceMaker
from tracker.config import CONFIG_FOLDERS

pytestmark = pytest.mark.usefixtures("here")


def test_vectors_from_a_file(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_vectors(root / "hall")
    for arguments, words in (
        ((), "detections walkers.npy, appearance from walkers.npy"),
        (("--descriptor", "file"), "appearance from walkers.npy"),
        (("--descriptor", "none"), "detections walkers.npy, no appearance"),
        (("--detections", "det"), "detections det.txt, no appearance"),
        (("--detections", root / "hall" / "det" / "walkers.npy"), "appearance from walkers.npy"),
    ):
        result = track("--seq", "hall", "--data-root", root, *arguments)
        assert result.exit_code == 0
        assert words in result.stdout


def test_images_tell_what_people_look_like_if_nothing_else_does(
    root: Path, make_sequence: SequenceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one that ships takes a while to load; which one it is makes no difference here.
    monkeypatch.setattr("tracker.looks.default_descriptor", lambda: "histogram")
    make_sequence.add_images(root / "hall")
    arguments = ("--seq", "hall", "--seq", "Night Shop-01", "--data-root", root)
    result = track(*arguments, "--no-cache")
    assert result.exit_code == 0
    without, with_images = sorted(result.stdout.splitlines())
    assert "detections det.txt, appearance from histogram" in with_images
    assert "detections det.txt, no appearance" in without
    assert "appearance from histogram" not in track(*arguments, "--tracker", "sort").stdout
    # Nothing is kept where there is nothing to keep.
    cache = Path(os.environ["VHP_CACHE"])
    assert not list(cache.glob("*"))
    first = Path("results/deepsort/hall.txt").read_text()
    for _ in range(2):
        assert track(*arguments).exit_code == 0
        assert Path("results/deepsort/hall.txt").read_text() == first
    assert [path.name for path in cache.iterdir()] == ["vectors.sqlite"]


def test_a_tracker_without_appearance_and_a_threshold_of_ones_own_are_told(
    root: Path, make_sequence: SequenceMaker
) -> None:
    make_sequence.add_images(root / "hall")
    arguments = ("--seq", "hall", "--data-root", root, "--descriptor", "histogram", "--no-cache")
    told = track(*arguments, "--tracker", "sort").stderr
    assert "note: sort compares no appearance: histogram does not change its tracks" in told
    Path("mine.yaml").write_text(find_settings("deepsort", CONFIG_FOLDERS, "tracker").read_text())
    told = track(*arguments, "--tracker", "mine.yaml").stderr
    assert "note: histogram brings its own threshold, 2.8, in place of 0.2 in mine.yaml" in told
    told = track(*arguments, "--tracker", "mine.yaml", "--set", "stages.appearance.threshold=0.1").stderr
    assert "brings its own" not in told
    assert "brings its own" not in track(*arguments).stderr


def test_a_damaged_cache_is_told(root: Path, make_sequence: SequenceMaker) -> None:
    make_sequence.add_images(root / "hall")
    Path(os.environ["VHP_CACHE"], "vectors.sqlite").write_text("nonsense " * 100)
    result = track("--seq", "hall", "--data-root", root, "--descriptor", "histogram")
    assert result.exit_code == 0
    assert "the cache of vectors is damaged and was removed" in result.stderr
    assert "appearance from histogram" in result.stdout


def test_a_pickle_is_no_descriptor(root: Path) -> None:
    Path("weights.safetensors").write_bytes(pickle.dumps({"a": 1}))
    complaint = fails("--seq", "hall", "--data-root", root, "--descriptor", "weights.safetensors")
    assert "weights.safetensors: a pickle, which could run anything" in complaint
    assert len(complaint.splitlines()) == 1


def test_vectors_asked_for_and_not_there(root: Path) -> None:
    complaint = fails("--seq", "hall", "--data-root", root, "--descriptor", "file")
    assert "det.txt: no appearance vectors" in complaint
    assert not Path("results/deepsort/hall.txt").exists()


def test_vectors_of_all_sorts_are_noted(root: Path, make_sequence: SequenceMaker) -> None:
    path = make_sequence.add_vectors(root / "hall")
    table = np.load(path)
    table[4, 10:] = 0
    table[7, 12] = np.nan
    np.save(path, table)
    result = track("--seq", "hall", "--data-root", root)
    assert result.exit_code == 0
    assert "2 of 90 rows without a usable appearance vector" in result.stderr
    assert "3 identities" in result.stdout
