"""One table with every descriptor's scores on every test set, reference rows always among them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from reid.crops import Images
from reid.datasets.market import DISTRACTOR, JUNK
from reid.datasets.store import CropStore
from reid.evaluation.distances import Metric, Vectors, distance_blocks, silhouette
from reid.evaluation.retrieval import market_queries, market_scores
from reid.evaluation.sequences import gap_scores, tracking_scores
from reid.references import REFERENCES, CropDescriptor

_CHUNK = 512


@dataclass(frozen=True, slots=True)
class TestSet:
    """Labelled crops to score a descriptor on.

    Attributes:
        name: heading of its table.
        crops: labelled crops.
        frame_rate: frames a second if they are a sequence of one camera; None if they come from several
            cameras, which are then scored by Market-1501's protocol.
        queries: crops of a query folder; by default one crop of each person in each camera is a query.
    """

    __test__ = False  # or pytest would take it for a class of tests

    name: str
    crops: CropStore
    frame_rate: float | None = None
    queries: CropStore | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one descriptor under one metric.

    Attributes:
        descriptor: its name.
        metric: how distances were taken.
        scores: for each test set its scores by column.
        speed: crops described in a second.
    """

    descriptor: str
    metric: Metric
    scores: dict[str, dict[str, float]]
    speed: float


def evaluate(name: str, descriptor: CropDescriptor, sets: Sequence[TestSet]) -> list[Row]:
    """Score a descriptor on all test sets, under both metrics; the crops are described only once."""
    # Scores are kept by the name of their set.
    for used, count in Counter(test.name for test in sets).items():
        if count > 1:
            raise ValueError(f"{used!r} is the name of {count} test sets; expected a name for each")
    started, described = time.perf_counter(), 0
    vectors = []
    for test in sets:
        stores = [test.crops] if test.queries is None else [test.crops, test.queries]
        vectors.append([describe(descriptor, store.images) for store in stores])
        described += sum(map(len, stores))
    speed = described / (time.perf_counter() - started)
    return [
        Row(
            name,
            metric,
            {
                test.name: _scores(test, *of_set, metric=metric)
                for test, of_set in zip(sets, vectors, strict=True)
            },
            speed,
        )
        for metric in get_args(Metric)
    ]


def _scores(
    test: TestSet, vectors: Vectors, queries: Vectors | None = None, *, metric: Metric
) -> dict[str, float]:
    if test.frame_rate is None:
        return _market(test, vectors, queries, metric)
    return _sequence(test, vectors, test.frame_rate, metric)


def describe(descriptor: CropDescriptor, crops: Images) -> Vectors:
    """Vectors of all crops, in batches."""
    batches = [descriptor(np.asarray(crops[at : at + _CHUNK])) for at in range(0, len(crops), _CHUNK)]
    return np.concatenate(batches)


def _market(test: TestSet, gallery: Vectors, queries: Vectors | None, metric: Metric) -> dict[str, float]:
    identities, cameras = _identities(test.crops), test.crops.index.camera.astype(np.int64)
    if test.queries is None or queries is None:
        chosen = market_queries(identities, cameras)
        queries, asked, asked_from = gallery[chosen], identities[chosen], cameras[chosen]
    else:
        asked, asked_from = _identities(test.queries), test.queries.index.camera.astype(np.int64)
    rows = (row for _, block in distance_blocks(queries, gallery, metric) for row in block)
    found = market_scores(rows, asked, asked_from, identities, cameras)
    return {
        "rank-1": found.rank1,
        "rank-5": found.rank5,
        "rank-10": found.rank10,
        "mAP": found.mean_average_precision,
        # A distractor is like nobody else, other distractors included.
        "silhouette": silhouette(gallery, np.where(identities == DISTRACTOR, JUNK, identities), metric),
    }


def _sequence(test: TestSet, vectors: Vectors, frame_rate: float, metric: Metric) -> dict[str, float]:
    identities, frames = _identities(test.crops), test.crops.index.frame
    near = tracking_scores(vectors, identities, frames, metric)
    scores = {"AUC": near.auc, "rank-1": near.rank1, "silhouette": silhouette(vectors, identities, metric)}
    for gap in gap_scores(vectors, identities, frames, frame_rate, metric):
        low, high = gap.gap
        when = f">{low:g} s" if np.isinf(high) else f"{low:g}–{high:g} s"
        scores[f"{when} rank-1"] = gap.retrieval.rank1
        scores[f"{when} mAP"] = gap.retrieval.mean_average_precision
        scores[f"{when} AUC"] = gap.auc
    return scores


def _identities(crops: CropStore) -> NDArray[np.int64]:
    identities = crops.labels.identity
    if (identities < 0).all():
        raise ValueError(f"{crops.folder}: no identities; retrieval can only be scored on labelled crops")
    return identities


def reference_table(
    training: Images, sets: Sequence[TestSet], others: Mapping[str, CropDescriptor] | None = None
) -> list[Row]:
    """Scores of the references and of any other descriptors.

    Args:
        training: unlabelled crops to fit the references on.
        sets: what to score on.
        others: further descriptors by name; their rows follow those of the references.
    """
    descriptors = {name: fit(training) for name, fit in REFERENCES.items()} | dict(others or {})
    return [row for name, descriptor in descriptors.items() for row in evaluate(name, descriptor, sets)]


def format_table(rows: Sequence[Row]) -> str:
    """One Markdown table for each test set."""
    tables = []
    for name in rows[0].scores if rows else ():
        columns = list(rows[0].scores[name])
        lines = [["descriptor", "metric", *columns, "crops/s"], ["---", "---", *["--:"] * (len(columns) + 1)]]
        for row in rows:
            scores = [f"{row.scores[name][column]:.3f}" for column in columns]
            lines.append([row.descriptor, row.metric, *scores, f"{row.speed:,.0f}"])
        tables.append("\n".join([f"### {name}", "", *(f"| {' | '.join(line)} |" for line in lines)]))
    return "\n\n".join(tables)
