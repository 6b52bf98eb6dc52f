"""Appearance descriptors for re-identification, learnt without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reid.estimator import FlatVAE

__all__ = ["FlatVAE"]


def __getattr__(name: str) -> Any:
    # torch and scikit-learn are loaded when the estimator is asked for, not before.
    if name == "FlatVAE":
        from reid.estimator import FlatVAE

        return FlatVAE
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
