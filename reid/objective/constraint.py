"""The reconstruction constraint C ≤ κ² and its multiplier λ = 1/β (FMVAE, 4, 14, 15 and algorithm 1)."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from reid.objective.errors import CollapsedPosteriorError, NonFiniteLossError
from reid.settings import Settings

LOG = logging.getLogger(__name__)


class ConstraintSettings(Settings):
    """How well the model must reconstruct, and how fast β follows."""

    kappa: float = Field(gt=0)
    """Root of the mean squared error per dimension that is allowed, in standardised units."""
    beta: float = Field(1e-6, gt=0)
    """β at the start. Far below 1: the algorithm's printed "β ≫ 1" collapses the posterior at once."""
    update: Literal["paper", "relative"] = "relative"
    """What β answers to: the violation Ĉ − κ² as printed, or Ĉ/κ² − 1, whose pace suits every κ alike."""
    rate: float = Field(0.01, gt=0)
    """ν; the paper has 1, for the absolute violation."""
    slope: float = Field(100.0, gt=0)
    """τ: how sharply β's pull towards 1 fades near 1."""
    smoothing: float = Field(0.99, ge=0, lt=1)
    """α: weight of the past in the running average Ĉ."""
    beta_min: float = Field(1e-12, gt=0)
    beta_max: float = Field(1e8, gt=0)
    patience: int = Field(2000, ge=1)
    """Steps of the initial phase in which Ĉ must fall by 1 %, or κ is held to be out of reach."""
    collapse_after: int = Field(500, ge=1)
    """Steps after which the latents of the initial phase must say something about the data."""

    @model_validator(mode="after")
    def _check(self) -> ConstraintSettings:
        if not self.beta_min <= self.beta <= self.beta_max:
            raise ValueError(
                f"beta must lie between beta_min and beta_max, {self.beta_min} … {self.beta_max}"
            )
        return self


def beta_direction(beta: float, delta: float, slope: float) -> float:
    """f_β of (FMVAE, 15), by which β moves to −δ f_β: down when C is too large, else towards 1."""
    return -1.0 if delta > 0 else math.tanh(slope * (beta - 1.0))


@dataclass
class ConstraintState:
    """Everything about the constraint that a checkpoint must hold."""

    beta: float
    average: float | None = None
    """Ĉ, or None before the first step."""
    initial_phase: bool = True
    """Until Ĉ first falls below κ² only the auto-encoder is trained (θ, φ), not the prior (Θ, Φ)."""
    steps: int = 0
    constrained_steps: int = 0
    """Steps since the initial phase ended."""
    mark: float = math.inf
    """Ĉ when its progress was last looked at."""


class Constraint:
    """Keeps Ĉ and β, and notices when the constraint cannot be met.

    Example:
        >>> constraint = Constraint(ConstraintSettings(kappa=0.5))
        >>> constraint.update(error=1.0, information=10.0)
        >>> constraint.state.initial_phase, constraint.state.beta
        (True, 1e-06)
        >>> for _ in range(200):
        ...     constraint.update(error=0.1, information=10.0)
        >>> constraint.state.initial_phase, constraint.state.beta > 1e-6
        (False, True)
    """

    # A plateau: this share of the error lost within the patience is not progress.
    PROGRESS = 0.01
    # Fewer nats than this in all latents together is nothing.
    NO_INFORMATION = 0.1

    def __init__(self, settings: ConstraintSettings) -> None:
        self.settings = settings
        self.state = ConstraintState(beta=settings.beta)
        self._told = False

    @property
    def target(self) -> float:
        """κ², what C must not exceed."""
        return self.settings.kappa**2

    def update(self, error: float, information: float) -> None:
        """Take in one batch: the running average, the end of the initial phase, and β.

        Warns in the log, once, if the average has stood still above κ² in the initial phase. The model may be
        of use all the same, so that is no error.

        Args:
            error: C of the batch, the mean squared error per dimension.
            information: nats that the batch's latents carry, see ``latent_information``.

        Raises:
            NonFiniteLossError: if the error is not a finite number; nothing has changed then.
            CollapsedPosteriorError: if the latents carry nothing after a fair start.
        """
        settings, state = self.settings, self.state
        if not math.isfinite(error):
            raise NonFiniteLossError(f"the reconstruction error is {error} at step {state.steps + 1}")
        state.steps += 1
        past = error if state.average is None else state.average
        state.average = (1.0 - settings.smoothing) * error + settings.smoothing * past
        if state.average < self.target:
            state.initial_phase = False
        if state.initial_phase:
            self._look_for_trouble(state.average, information)
        else:
            state.constrained_steps += 1
            state.beta = self._next_beta(state.average)

    def state_dict(self) -> dict[str, Any]:
        """The state as plain numbers."""
        return asdict(self.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state again."""
        self.state = ConstraintState(**state)

    def _next_beta(self, average: float) -> float:
        """The update (FMVAE, 14), computed in logarithms so that no violation can overflow it."""
        settings, beta = self.settings, self.state.beta
        delta = average - self.target
        if settings.update == "relative":
            delta /= self.target
        log_beta = math.log(beta) + settings.rate * beta_direction(beta, delta, settings.slope) * delta
        return math.exp(min(max(log_beta, math.log(settings.beta_min)), math.log(settings.beta_max)))

    def _look_for_trouble(self, average: float, information: float) -> None:
        settings, state = self.settings, self.state
        if state.steps == settings.collapse_after and information < self.NO_INFORMATION:
            raise CollapsedPosteriorError(
                f"after {state.steps} steps with beta {state.beta:.3g} the latents carry {information:.2g} "
                f"nats, at RMSE {math.sqrt(average):.4g} (kappa {settings.kappa:g}): the posterior has "
                f"collapsed to the prior, start with a smaller beta"
            )
        if state.steps % settings.patience == 0:
            before, state.mark = state.mark, average
            if average > (1.0 - self.PROGRESS) * before and not self._told:
                self._told = True
                LOG.warning(
                    "the reconstruction has stood at RMSE %.4g for %d steps, above kappa %g, and the prior "
                    "waits for it: choose a kappa above it, give cleaner targets or a larger model, or lower "
                    "beta (%.3g) or eta if they hold it back",
                    math.sqrt(average),
                    settings.patience,
                    settings.kappa,
                    state.beta,
                )
