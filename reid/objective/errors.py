"""What can make a training pointless, said in one sentence with the numbers."""

from __future__ import annotations


class TrainingError(RuntimeError):
    """A training that cannot come to a good end."""


class NonFiniteLossError(TrainingError):
    """A term of the loss is infinite or not a number; the step must not be taken."""


class CollapsedPosteriorError(TrainingError):
    """The latents say nothing about the data."""
