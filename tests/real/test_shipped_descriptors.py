"""What ships beats what needs no learning, on real people it has never seen."""

from __future__ import annotations

import pytest

from reid.descriptor import Descriptor
from reid.evaluation.table import TestSet, evaluate
from reid.references import fit_colour_histogram


# The larger one takes minutes on a processor.
@pytest.mark.parametrize("name", ["fmvae-small", pytest.param("fmvae", marks=pytest.mark.slow)])
def test_what_ships_beats_the_colour_histogram(name: str, held_out: list[TestSet]) -> None:
    learnt = evaluate(name, Descriptor.load(name, "cpu"), held_out)
    histogram = evaluate("histogram", fit_colour_histogram(held_out[0].crops.images), held_out)
    best = {row.metric: row.scores for row in learnt}["cosine"]
    floor = {row.metric: row.scores for row in histogram}["cosine"]
    assert best["market"]["mAP"] > floor["market"]["mAP"] + 0.1
    assert best["market"]["rank-1"] > floor["market"]["rank-1"] + 0.1
    # By every figure, however much time has gone by between two crops.
    recognised = [column for column in floor["adl"] if column.endswith(("AUC", "rank-1", "mAP"))]
    assert len(recognised) == 11
    for column in recognised:
        assert best["adl"][column] > floor["adl"][column], column
