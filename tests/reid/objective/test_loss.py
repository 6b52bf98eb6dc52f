import math

import pytest
import torch

from reid.models import VAE, VAESettings
from reid.objective import Constraint, ConstraintSettings, FlatnessSettings, ObjectiveSettings, objective
from reid.objective.errors import CollapsedPosteriorError, NonFiniteLossError
from reid.objective.flatness import flatness
from reid.settings import check_settings

SIZE = 24


def model(likelihood="gaussian", prior="hierarchical", seed=0):
    torch.manual_seed(seed)
    network = {"kind": "mlp", "hidden": [48, 48]}
    tree = {
        "latents": 2,
        "likelihood": likelihood,
        "input": {"shape": [SIZE]},
        "observation": {"x": {"shape": [SIZE], "decoder": network}},
        "encoder": network,
        "prior": {"kind": "normal"} if prior == "normal" else {"kind": prior, "hidden": [32]},
    }
    return VAE(check_settings(VAESettings, tree, "test"))


def bent_sheet(count, seed=0):
    """Points of a two-dimensional sheet, bent and unevenly stretched, in many dimensions."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(count, 2, generator=generator) * 2 - 1
    u = u.sign() * u.abs().square()
    frequencies = torch.linspace(0.5, 2.5, SIZE // 2)
    return torch.cat([torch.sin(frequencies * u[:, :1] + u[:, 1:]), torch.cos(frequencies * u[:, 1:])], dim=1)


def settings(kappa=0.1, eta=1.0, constraint=None, **flat):
    return ObjectiveSettings(
        constraint=ConstraintSettings(kappa=kappa, **(constraint or {})),
        flatness=FlatnessSettings(eta=eta, share=1.0, **flat),
        importance_samples=4,
    )


def train(vae, chosen, steps, noise=0.0, seed=0):
    """Algorithm 1 in its shortest form."""
    data, generator = bent_sheet(2048), torch.Generator().manual_seed(seed)
    first = torch.optim.Adam(vae.autoencoder_parameters(), lr=2e-3)
    second = torch.optim.Adam(vae.prior_parameters(), lr=2e-3)
    constraint = Constraint(chosen.constraint)
    for _ in range(steps):
        x = data[torch.randint(len(data), (64,), generator=generator)]
        target = x + noise * torch.randn(x.shape, generator=generator)
        terms = objective(vae, x, {"x": target}, chosen, constraint, generator)
        numbers = terms.numbers()
        constraint.update(numbers["error"], numbers["information"])
        first.zero_grad()
        second.zero_grad()
        terms.loss(constraint.state.beta).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        first.step()
        if not constraint.state.initial_phase:
            second.step()
    return constraint


def relative_deviation(vae):
    with torch.no_grad():
        z = vae.encode(bent_sheet(512, seed=1)).mean
        measured = flatness(
            vae.decoder, vae.decode, z, FlatnessSettings(share=1.0), torch.Generator().manual_seed(0)
        )
    return float(measured.relative)


def one_batch(vae, chosen, constraint=None):
    x = bent_sheet(16)
    generator = torch.Generator().manual_seed(0)
    return objective(vae, x, {"x": x}, chosen, constraint or Constraint(chosen.constraint), generator)


def test_loss_is_the_paper_equation_over_lambda():
    terms = one_batch(model(), settings(eta=3.0))
    n = terms.numbers()
    beta = 0.02
    assert float(terms.loss(beta).detach()) == pytest.approx(
        n["error"] + beta * (n["bound"] + 3.0 * n["penalty"]), rel=1e-5
    )


@pytest.mark.parametrize("flat", [{"eta": 0.0}, {"regulariser": "none"}])
def test_without_regulariser_it_is_the_vhp_vae_and_costs_nothing(flat):
    terms = one_batch(model(), settings(**flat))
    assert terms.flatness is None
    n = terms.numbers()
    assert float(terms.loss(0.5).detach()) == pytest.approx(n["error"] + 0.5 * n["bound"], rel=1e-5)


def test_relative_regulariser_waits_for_the_initial_phase_and_ramps():
    chosen = settings(eta=4.0, regulariser="relative", ramp=10)
    constraint = Constraint(chosen.constraint)
    assert one_batch(model(), chosen, constraint).flatness is None
    constraint.state.initial_phase = False
    for constrained_steps, eta in ((5, 2.0), (10, 4.0), (50, 4.0)):
        constraint.state.constrained_steps = constrained_steps
        assert one_batch(model(), chosen, constraint).eta == eta


def test_relative_regulariser_may_act_from_the_first_step():
    chosen = settings(eta=4.0, regulariser="relative", ramp=None)
    constraint = Constraint(chosen.constraint)
    assert constraint.state.initial_phase
    assert one_batch(model(), chosen, constraint).eta == 4.0


def test_bernoulli_minimises_cross_entropy_and_constrains_the_squared_error():
    vae = model("bernoulli")
    x = (bent_sheet(16) > 0).float()
    chosen = settings()
    terms = objective(
        vae, x, {"x": x}, chosen, Constraint(chosen.constraint), torch.Generator().manual_seed(0)
    )
    n = terms.numbers()
    assert n["reconstruction"] > n["error"]
    assert n["error"] < 1.0
    loss = float(terms.loss(0.0).detach())
    assert loss == pytest.approx(n["reconstruction"])


def test_the_target_may_differ_from_what_the_encoder_reads():
    vae, chosen = model(), settings()
    x = bent_sheet(16)
    constraint, clean = Constraint(chosen.constraint), torch.zeros_like(x)
    terms = [
        objective(vae, x, {"x": target}, chosen, constraint, torch.Generator().manual_seed(0))
        for target in (x, clean)
    ]
    assert terms[0].error != terms[1].error
    assert terms[0].bound == terms[1].bound


def test_every_network_gets_a_gradient_with_either_prior():
    for prior in ("hierarchical", "normal"):
        vae = model(prior=prior)
        one_batch(vae, settings()).loss(0.1).backward()
        assert all(parameter.grad is not None for parameter in vae.parameters())


def test_same_generator_same_terms():
    first, second = (one_batch(model(), settings()).numbers() for _ in range(2))
    assert first == second


def test_mixed_precision_touches_the_auto_encoder_only():
    plain = one_batch(model(), settings()).numbers()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = one_batch(model(), settings())
    mixed = terms.numbers()
    assert terms.bound.dtype == terms.flatness.penalty.dtype == torch.float32
    assert mixed["error"] != plain["error"]
    assert mixed["error"] == pytest.approx(plain["error"], rel=0.02)
    assert mixed["bound"] == pytest.approx(plain["bound"], rel=0.02)
    terms.loss(0.1).backward()


def test_a_term_that_is_not_finite_is_named():
    vae = model()
    with torch.no_grad():
        next(vae.prior.parameters()).fill_(math.nan)
    with pytest.raises(NonFiniteLossError, match="bound nan"):
        one_batch(vae, settings()).numbers()


class TestAlgorithm:
    """Short trainings of the whole."""

    def test_regulariser_flattens_from_the_first_steps(self):
        deviations = []
        for eta in (0.0, 300.0):
            vae = model()
            train(vae, settings(eta=eta, constraint={"beta": 1e-4}), steps=200)
            deviations.append(relative_deviation(vae))
        assert deviations[1] < 0.2 * deviations[0]

    @pytest.mark.slow
    def test_constraint_binds_and_either_regulariser_flattens(self):
        deviations = {}
        for regulariser, eta in (("none", 0.0), ("paper", 300.0), ("relative", 1.0)):
            vae = model()
            chosen = settings(
                kappa=0.15,
                eta=eta,
                regulariser=regulariser,
                ramp=200,
                constraint={"rate": 0.03, "beta": 1e-4},
            )
            constraint = train(vae, chosen, steps=1300)
            assert not constraint.state.initial_phase
            assert math.sqrt(constraint.state.average) == pytest.approx(0.15, rel=0.07)
            deviations[regulariser] = relative_deviation(vae)
        assert deviations["none"] > 0.4
        assert deviations["paper"] < 0.05
        assert deviations["relative"] < 0.15

    def test_prior_stands_still_in_the_initial_phase(self):
        vae = model()
        before = [parameter.clone() for parameter in vae.prior_parameters()]
        constraint = train(vae, settings(kappa=1e-3), steps=20)
        assert constraint.state.initial_phase
        assert all(torch.equal(a, b) for a, b in zip(before, vae.prior_parameters(), strict=True))

    def test_large_beta_at_the_start_is_reported_as_a_collapse(self):
        chosen = settings(constraint={"beta": 10.0, "collapse_after": 100})
        with pytest.raises(CollapsedPosteriorError, match="smaller beta"):
            train(model(), chosen, steps=150)

    def test_noisy_targets_make_a_kappa_below_the_noise_unreachable(self, caplog):
        chosen = settings(kappa=0.1, eta=0.0, constraint={"patience": 50, "smoothing": 0.95})
        train(model(), chosen, steps=400, noise=0.5)
        (told,) = caplog.messages
        assert "RMSE 0.5" in told
        assert "above kappa 0.1" in told
