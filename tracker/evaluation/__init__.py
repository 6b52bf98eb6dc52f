"""Scores for tracking results: the MOTChallenge protocol, CLEAR, identity and HOTA figures, and tables.

Example:
    >>> from tracker.evaluation import evaluate
    >>> result = evaluate("results/deepsort", data_root="data")  # doctest: +SKIP
    >>> result.overall["IDF1"]  # doctest: +SKIP
    59.5
"""

from tracker.evaluation.figures import COLUMNS, OVERALL
from tracker.evaluation.pairing import EvaluationError, unique_names
from tracker.evaluation.protocol import Protocol
from tracker.evaluation.scoring import EvaluationResult, evaluate
from tracker.evaluation.tables import TableFormat, render, render_results

__all__ = [
    "COLUMNS",
    "OVERALL",
    "EvaluationError",
    "EvaluationResult",
    "Protocol",
    "TableFormat",
    "evaluate",
    "render",
    "render_results",
    "unique_names",
]
