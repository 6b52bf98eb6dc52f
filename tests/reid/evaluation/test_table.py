from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.datasets.building import CropSettings, build_store
from reid.datasets.crops import Footage
from reid.datasets.market import MarketFolder
from reid.datasets.store import CropStore
from reid.evaluation.table import TestSet, evaluate, format_table, reference_table

SETTINGS = CropSettings(height=64, width=32, min_difference=0)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> CropStore:
    """Eight people, each in clothes of their own, in two cameras of different brightness."""
    folder = tmp_path_factory.mktemp("market")
    rng = np.random.default_rng(0)
    for identity in range(1, 9):
        clothes = rng.integers(40, 200, (8, 1, 3))
        for camera in (1, 2):
            for shot in range(3):
                image = np.repeat(clothes, 8, axis=0) + rng.normal(0, 10, (64, 32, 3)) + 5 * camera
                name = f"{identity:04d}_c{camera}s1_{100 * identity + shot:06d}_01.png"
                cv2.imwrite(str(folder / name), np.clip(image, 0, 255).astype(np.uint8))
    return build_store([MarketFolder(folder)], SETTINGS, folder.with_name("market store"))


def test_references_are_scored_on_every_set_under_both_metrics(market: CropStore) -> None:
    sets = [TestSet("market", market), TestSet("with queries", market, queries=market)]
    rows = reference_table(market.images, sets, {"mean colour": mean_colour})
    assert [row.descriptor for row in rows[::2]] == [
        "random projection of pixels",
        "PCA-128 of pixels",
        "HSV histogram",
        "stripe statistics",
        "mean colour",
    ]
    assert [row.metric for row in rows[:2]] == ["euclidean", "cosine"]
    for row in rows:
        # Clothes are easily told apart here; all crops as queries rank like one of each camera.
        assert row.scores["market"]["rank-1"] > 0.9
        assert row.scores["market"]["mAP"] > 0.8
        assert row.scores["with queries"]["mAP"] == pytest.approx(row.scores["market"]["mAP"], abs=0.15)
    table = format_table(rows)
    assert table.count("| HSV histogram |") == 4
    assert "### with queries" in table


def test_many_crops_are_scored_without_a_matrix_of_all_pairs(
    market: CropStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate("mean colour", mean_colour, [TestSet("market", market)])
    module, sizes = import_module("reid.evaluation.distances"), []
    plain = module.distances

    def counting(*arguments: object) -> np.ndarray:
        found: np.ndarray = plain(*arguments)
        sizes.append(found.size)
        return found

    monkeypatch.setattr(module, "_BLOCK", 100)
    monkeypatch.setattr(module, "distances", counting)
    parts = evaluate("mean colour", mean_colour, [TestSet("market", market)])
    # Of 48 crops, two rows at a time: 16 queries and, for the silhouette, all, under both metrics.
    assert sizes == [2 * 48] * 2 * (8 + 24)
    for one, other in zip(whole, parts, strict=True):
        assert one.scores["market"] == pytest.approx(other.scores["market"], abs=1e-6)


def test_no_set_hides_another_of_the_same_name(market: CropStore) -> None:
    with pytest.raises(ValueError, match="'market' is the name of 2 test sets; expected a name for each"):
        evaluate("mean colour", mean_colour, [TestSet("market", market), TestSet("market", market)])


def test_distractors_are_nobody_in_the_silhouette(tmp_path: Path) -> None:
    folder, rng = tmp_path / "crops", np.random.default_rng(0)
    folder.mkdir()
    for number in range(60):
        identity = 0 if number >= 30 else 1 + number % 3
        clothes = rng.integers(40, 200, 3) if identity == 0 else 60 * identity
        image = np.full((64, 32, 3), clothes) + rng.normal(0, 3, (64, 32, 3))
        name = f"{identity:04d}_c{1 + number % 2}s1_{number:06d}_01.png"
        cv2.imwrite(str(folder / name), np.clip(image, 0, 255).astype(np.uint8))
    store = build_store([MarketFolder(folder)], SETTINGS, tmp_path / "store")
    rows = evaluate("mean colour", mean_colour, [TestSet("market", store)])
    assert rows[0].scores["market"]["silhouette"] > 0.8


def mean_colour(crops: np.ndarray) -> np.ndarray:
    return crops.reshape(len(crops), 8, -1, 3).mean(axis=2).reshape(len(crops), -1).astype(np.float32) - 120


def test_a_sequence_is_scored_by_its_own_protocol(market: CropStore, tmp_path: Path) -> None:
    def frames():  # type: ignore[no-untyped-def]
        for number in range(1, 101):
            image = np.concatenate([market.images[3 * person] for person in range(4)], axis=1)
            boxes = np.array([[32.0 * person, 0, 32 * person + 32, 64] for person in range(4)])
            yield number, image, boxes, np.ones(4)

    crops = build_store([Footage("still", frames(), "still")], SETTINGS, tmp_path / "store")
    with pytest.raises(ValueError, match="no identities"):
        evaluate("mean colour", mean_colour, [TestSet("still", crops, frame_rate=25)])
    crops.labels.identity[:] = crops.index.tracklet
    rows = evaluate("mean colour", mean_colour, [TestSet("still", crops, frame_rate=25)])
    for row in rows:
        scores = row.scores["still"]
        assert {"AUC", "rank-1", "silhouette", "1–2 s mAP", "2–5 s AUC"} <= set(scores)
        assert scores["AUC"] == scores["rank-1"] == 1
        assert np.isnan(scores[">5 s mAP"])


def test_evaluation_needs_no_torch_and_no_tracker() -> None:
    code = "import sys, reid.evaluation, reid.datasets.building, reid.references; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "reid.evaluation.table" in modules
    assert not {"torch", "tracker", "matplotlib"} & set(modules)
