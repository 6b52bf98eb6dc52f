"""How well a descriptor tells people apart, and from which distance on two crops are two people."""

from __future__ import annotations

from reid.evaluation.calibration import Calibration, calibrate, plot_calibration
from reid.evaluation.distances import Metric, auc, distances, silhouette
from reid.evaluation.retrieval import RetrievalScores, market_queries, market_scores
from reid.evaluation.sequences import GapScores, TrackingScores, gap_scores, tracking_scores
from reid.evaluation.table import Row, TestSet, evaluate, format_table, reference_table

__all__ = [
    "Calibration",
    "GapScores",
    "Metric",
    "RetrievalScores",
    "Row",
    "TestSet",
    "TrackingScores",
    "auc",
    "calibrate",
    "distances",
    "evaluate",
    "format_table",
    "gap_scores",
    "market_queries",
    "market_scores",
    "plot_calibration",
    "reference_table",
    "silhouette",
    "tracking_scores",
]
