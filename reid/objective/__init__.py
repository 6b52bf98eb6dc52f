"""The objective, term by term: importance-weighted bound, constraint and multiplier, flatness."""

from reid.objective.constraint import Constraint, ConstraintSettings
from reid.objective.errors import TrainingError
from reid.objective.flatness import FlatnessSettings
from reid.objective.loss import ObjectiveSettings, Terms, objective

__all__ = [
    "Constraint",
    "ConstraintSettings",
    "FlatnessSettings",
    "ObjectiveSettings",
    "Terms",
    "TrainingError",
    "objective",
]
