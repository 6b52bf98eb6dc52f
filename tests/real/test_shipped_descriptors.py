"""What ships beats what needs no learning, on real people it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from reid.datasets.building import CropSettings, build_store
from reid.datasets.market import MarketFolder
from reid.datasets.motchallenge import LabelledSequence
from reid.descriptor import Descriptor
from reid.evaluation.table import TestSet, evaluate
from reid.references import fit_colour_histogram

HELD_OUT = 100


@pytest.fixture(scope="module")
def sets(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[TestSet]:
    settings = CropSettings(min_difference=0, min_sharpness=0)
    folder = tmp_path_factory.mktemp("stores")
    market = MarketFolder(data_root / "market1501" / "bounding_box_train", only_last=HELD_OUT)
    adl = LabelledSequence(data_root / "MOT15" / "train" / "ADL-Rundle-6")
    return [
        TestSet("market", build_store([market], settings, folder / "market")),
        TestSet("adl", build_store([adl], settings, folder / "adl"), frame_rate=30.0),
    ]


# The larger one takes minutes on a processor.
@pytest.mark.parametrize("name", ["fmvae-small", pytest.param("fmvae", marks=pytest.mark.slow)])
def test_what_ships_beats_the_colour_histogram(name: str, sets: list[TestSet]) -> None:
    learnt = evaluate(name, Descriptor.load(name, "cpu"), sets)
    histogram = evaluate("histogram", fit_colour_histogram(sets[0].crops.images), sets)
    best = {row.metric: row.scores for row in learnt}["cosine"]
    floor = {row.metric: row.scores for row in histogram}["cosine"]
    assert best["market"]["mAP"] > floor["market"]["mAP"] + 0.1
    assert best["market"]["rank-1"] > floor["market"]["rank-1"] + 0.1
    assert best["adl"]["AUC"] > floor["adl"]["AUC"]
    assert best["adl"]["rank-1"] > floor["adl"]["rank-1"]
