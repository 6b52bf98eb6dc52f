"""The libraries' own evaluations from files to figures, which the project's must equal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import motmetrics
import numpy as np
import pytest
import trackeval

from tracker.motchallenge import SequenceInfo

# Columns of the project by motmetrics' names; fractions that the project prints in percent come second.
MOTMETRICS_COUNTS = {
    "MT": "mostly_tracked",
    "PT": "partially_tracked",
    "ML": "mostly_lost",
    "FP": "num_false_positives",
    "FN": "num_misses",
    "IDs": "num_switches",
    "FM": "num_fragmentations",
}
MOTMETRICS_FRACTIONS = {
    "IDF1": "idf1",
    "IDP": "idp",
    "IDR": "idr",
    "Recall": "recall",
    "Precision": "precision",
    "MOTA": "mota",
}
TRACKEVAL_COUNTS = {
    "MT": "MT",
    "PT": "PT",
    "ML": "ML",
    "FP": "CLR_FP",
    "FN": "CLR_FN",
    "IDs": "IDSW",
    "FM": "Frag",
}
TRACKEVAL_FRACTIONS = {
    "IDF1": "IDF1",
    "IDP": "IDP",
    "IDR": "IDR",
    "Recall": "CLR_Re",
    "Precision": "CLR_Pr",
    "MOTA": "MOTA",
    "MOTP": "MOTP",
    "MOTAL": "MOTAL",
    "HOTA": "HOTA",
    "DetA": "DetA",
    "AssA": "AssA",
}


def motmetrics_figures(
    sequence: SequenceInfo, results: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, float]:
    """What motmetrics makes of the files by itself, in the project's columns and units."""
    # Its IoU calls a function that numpy 2 no longer has.
    monkeypatch.setattr(np, "asfarray", lambda a: np.asarray(a, dtype=np.float64), raising=False)
    found = motmetrics.io.loadtxt(results, fmt="mot16")
    if sequence.benchmark == "MOT15":
        truth = motmetrics.io.loadtxt(sequence.ground_truth, fmt="mot15-2D", min_confidence=1)
        accumulator = motmetrics.utils.compare_to_groundtruth(truth, found, "iou", distth=0.5)
    else:
        truth = motmetrics.io.loadtxt(sequence.ground_truth, fmt="mot16")
        accumulator, _ = motmetrics.utils.CLEAR_MOT_M(truth, found, sequence.folder / "seqinfo.ini")
    own = motmetrics.metrics.create().compute(
        accumulator, metrics=motmetrics.metrics.motchallenge_metrics, return_dataframe=False
    )
    return (
        {column: int(own[name]) for column, name in MOTMETRICS_COUNTS.items()}
        | {column: 100 * float(own[name]) for column, name in MOTMETRICS_FRACTIONS.items()}
        | {"MOTP": 100 * (1 - float(own["motp"]))}
    )


def trackeval_figures(
    sequences: list[SequenceInfo], results: dict[str, Path], workspace: Path
) -> dict[str, dict[str, float]]:
    """What trackeval makes of files of one benchmark by itself, by sequence and as ``OVERALL``."""
    (benchmark,) = {sequence.benchmark for sequence in sequences}
    truth_folder, result_folder = workspace / "gt", workspace / "trackers" / "ours" / "data"
    result_folder.mkdir(parents=True)
    for sequence in sequences:
        (truth_folder / sequence.name / "gt").mkdir(parents=True)
        shutil.copy(sequence.ground_truth, truth_folder / sequence.name / "gt" / "gt.txt")
        shutil.copy(results[sequence.name], result_folder / f"{sequence.name}.txt")
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(truth_folder),
            "TRACKERS_FOLDER": str(workspace / "trackers"),
            "BENCHMARK": benchmark,
            "SEQ_INFO": {sequence.name: sequence.length for sequence in sequences},
            "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }
    )
    quiet = {"PRINT_CONFIG": False}
    metrics = [
        trackeval.metrics.CLEAR(quiet),
        trackeval.metrics.Identity(quiet),
        trackeval.metrics.HOTA(),
    ]
    data = {
        sequence.name: dataset.get_preprocessed_seq_data(
            dataset.get_raw_seq_data("ours", sequence.name), "pedestrian"
        )
        for sequence in sequences
    }
    figures: dict[str, dict[str, float]] = {name: {} for name in [*data, "OVERALL"]}
    for metric in metrics:
        parts = {name: metric.eval_sequence(sequence) for name, sequence in data.items()}
        for name, part in [*parts.items(), ("OVERALL", metric.combine_sequences(parts))]:
            figures[name] |= _trackeval_columns(part)
    return figures


def _trackeval_columns(part: dict[str, Any]) -> dict[str, float]:
    columns: dict[str, float] = {
        column: int(part[name]) for column, name in TRACKEVAL_COUNTS.items() if name in part
    }
    columns |= {
        column: 100 * float(np.mean(part[name]))
        for column, name in TRACKEVAL_FRACTIONS.items()
        if name in part
    }
    if "FP_per_frame" in part:
        columns["FAR"] = float(part["FP_per_frame"])
    return columns
