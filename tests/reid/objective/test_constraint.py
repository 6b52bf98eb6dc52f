import math

import pytest

from reid.objective.constraint import Constraint, ConstraintSettings, beta_direction
from reid.objective.errors import CollapsedPosteriorError, NonFiniteLossError

INFORMED = 10.0


def constraint(**settings):
    return Constraint(ConstraintSettings(**{"kappa": 0.5, "smoothing": 0.0, "beta": 0.01} | settings))


def test_direction_is_down_when_violated_and_towards_one_otherwise():
    assert beta_direction(0.3, 0.1, 100.0) == -1.0
    assert beta_direction(0.3, -0.1, 100.0) == pytest.approx(-1.0)
    assert beta_direction(1.7, -0.1, 100.0) == pytest.approx(1.0)
    assert beta_direction(1.01, -0.1, 100.0) == pytest.approx(math.tanh(1.0))
    assert beta_direction(1.0, -0.1, 100.0) == 0.0


@pytest.mark.parametrize(
    "beta, error, expected",
    [
        (0.01, 0.49, 0.01 * math.exp(-1.0 * 0.24)),  # violated: β falls, reconstruction gains weight
        (0.01, 0.05, 0.01 * math.exp(0.2)),  # met: β rises towards 1
        (2.0, 0.05, 2.0 * math.exp(-0.2)),  # met, above 1: β falls towards 1
        (1.0, 0.05, 1.0),  # met at 1: the ELBO, where β rests
        (0.01, 0.25, 0.01),  # exactly met: nothing to do
    ],
)
def test_paper_update_in_numbers(beta, error, expected):
    subject = constraint(beta=beta, update="paper", rate=1.0)
    subject.state.initial_phase = False
    subject.update(error, INFORMED)
    assert subject.state.beta == pytest.approx(expected, rel=1e-6)


def test_relative_update_measures_the_violation_in_units_of_its_target():
    subject = constraint(update="relative", rate=0.01)
    subject.state.initial_phase = False
    subject.update(0.5, INFORMED)
    assert subject.state.beta == pytest.approx(0.01 * math.exp(-0.01))


@pytest.mark.parametrize("error, bound", [(1e30, 1e-12), (0.0, 1.0)])
def test_beta_stays_within_its_bounds_however_large_the_violation(error, bound):
    subject = constraint(update="paper", rate=1e3, beta=0.5, beta_max=1.0)
    subject.state.initial_phase = False
    subject.update(error, INFORMED)
    assert subject.state.beta == pytest.approx(bound)


def test_initial_phase_keeps_beta_and_ends_for_good_when_the_average_meets_the_target():
    subject = constraint(smoothing=0.9)
    subject.update(1.0, INFORMED)
    subject.update(0.0, INFORMED)
    assert subject.state.average == pytest.approx(0.9)
    assert subject.state.initial_phase
    assert subject.state.beta == 0.01
    while subject.state.initial_phase:
        subject.update(0.0, INFORMED)
    assert subject.state.average < 0.25
    assert subject.state.beta > 0.01, "β moves in the very step that ends the phase"
    assert subject.state.constrained_steps == 1
    for _ in range(5):
        subject.update(9.0, INFORMED)
    assert not subject.state.initial_phase


def test_resumed_constraint_goes_on_as_if_nothing_had_happened():
    errors = [0.9, 0.1, 0.05, 0.3, 0.7, 0.2]
    straight, first = constraint(smoothing=0.5), constraint(smoothing=0.5)
    for error in errors:
        straight.update(error, INFORMED)
    for error in errors[:3]:
        first.update(error, INFORMED)
    second = constraint(smoothing=0.5)
    second.load_state_dict(first.state_dict())
    for error in errors[3:]:
        second.update(error, INFORMED)
    assert second.state == straight.state


def test_unreachable_kappa_is_told_once_with_the_floor_that_was_found(caplog):
    subject = constraint(patience=50)
    for _ in range(99):
        subject.update(0.36, INFORMED)
    assert not caplog.messages
    for _ in range(200):
        subject.update(0.36, INFORMED)
    (told,) = caplog.messages
    assert "RMSE 0.6 for 50 steps, above kappa 0.5" in told
    assert subject.state.initial_phase


def test_slow_progress_is_progress(caplog):
    subject = constraint(patience=50)
    for step in range(400):
        subject.update(10.0 * 0.9995**step, INFORMED)
    assert not caplog.messages


def test_collapsed_posterior_is_named():
    subject = constraint(collapse_after=20, beta=10.0)
    for _ in range(19):
        subject.update(1.0, information=0.01)
    with pytest.raises(CollapsedPosteriorError, match=r"after 20 steps with beta 10 .* 0\.01 nats"):
        subject.update(1.0, information=0.01)


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_non_finite_error_is_refused_before_it_spoils_the_average(error):
    subject = constraint()
    subject.update(1.0, INFORMED)
    with pytest.raises(NonFiniteLossError, match="step 2"):
        subject.update(error, INFORMED)
    assert subject.state.average == 1.0


def test_beta_outside_its_bounds_is_refused():
    with pytest.raises(ValueError, match="beta must lie between"):
        ConstraintSettings(kappa=0.5, beta=10.0, beta_max=1.0)
