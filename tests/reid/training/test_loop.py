"""A run can be stopped anywhere and goes on as if it had not been."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.models.decoders import MLPDecoderSettings
from reid.models.encoders import MLPEncoderSettings
from reid.models.observation import PartSettings, SignalSettings
from reid.models.prior import HierarchicalPriorSettings
from reid.models.vae import VAE, VAESettings
from reid.objective.constraint import ConstraintSettings
from reid.objective.errors import NonFiniteLossError
from reid.objective.flatness import FlatnessSettings, flatness
from reid.objective.loss import ObjectiveSettings
from reid.training.batches import ArrayBatches
from reid.training.hardware import accelerator_for
from reid.training.loop import CHECKPOINT, CheckpointError, Loop, Progress, learning_rate, read_log
from reid.training.methods import FlatVAEMethod
from reid.training.settings import FlatVAE, OptimiserSettings


def method_settings(kappa: float = 0.9) -> FlatVAE:
    hidden = (16,)
    return FlatVAE(
        model=VAESettings(
            input=SignalSettings(shape=(6,)),
            observation={"data": PartSettings(shape=(6,), decoder=MLPDecoderSettings(hidden=hidden))},
            encoder=MLPEncoderSettings(hidden=hidden),
            prior=HierarchicalPriorSettings(hidden=hidden),
            latents=2,
        ),
        objective=ObjectiveSettings(
            constraint=ConstraintSettings(kappa=kappa, smoothing=0.8),
            flatness=FlatnessSettings(eta=1.0, directions=2),
            importance_samples=2,
        ),
    )


def make_loop(folder: Path, steps: int = 40, **changes: float) -> Loop:
    torch.manual_seed(0)
    optimiser = OptimiserSettings(
        learning_rate=1e-2, batch=8, steps=steps, warmup=5, decay="cosine", **changes
    )
    accelerator = accelerator_for("cpu")
    data = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    method = FlatVAEMethod(method_settings(), optimiser, accelerator.device)
    return Loop(method, ArrayBatches(data, noise=0.1), optimiser, folder, accelerator, log_every=4)


def weights(loop: Loop) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in loop.final_weights().items()}


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_resumed_run_has_the_same_curve_and_weights(tmp_path: Path, averaging: float) -> None:
    whole = make_loop(tmp_path / "whole", averaging=averaging)
    assert whole.run()

    first = make_loop(tmp_path / "parts", averaging=averaging)

    def stop_in_the_middle(progress: Progress) -> None:
        if progress.step == 18:  # between two entries of the log
            os.kill(os.getpid(), signal.SIGINT)

    assert not first.run(stop_in_the_middle)
    assert first.step == 18
    second = make_loop(tmp_path / "parts", averaging=averaging)
    second.resume()
    assert second.run()

    assert read_log(tmp_path / "parts") == read_log(tmp_path / "whole")
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(second)[name], value, rtol=0, atol=0)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal here")
def test_a_closed_terminal_stops_a_run_unless_nobody_minds(tmp_path: Path) -> None:
    def hang_up(progress: Progress) -> None:
        if progress.step == 3:
            os.kill(os.getpid(), signal.SIGHUP)

    # Whoever started the tests may not mind.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert not make_loop(tmp_path / "stopped").run(hang_up)
        assert (tmp_path / "stopped" / CHECKPOINT).is_file()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert make_loop(tmp_path / "nohup").run(hang_up)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_gradient_that_is_no_number_is_not_followed(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, steps=1)
    before = {name: value.clone() for name, value in loop.method.network.state_dict().items()}
    parameter = next(loop.method.network.parameters())
    parameter.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(NonFiniteLossError, match=r"gradient's norm is (inf|nan) though the loss is -?\d"):
        loop.run()
    after = loop.method.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_was_done_after_the_checkpoint_is_done_again(tmp_path: Path) -> None:
    loop = make_loop(tmp_path)

    def keep_an_early_checkpoint(progress: Progress) -> None:
        if progress.step == 10:
            loop.save()
            (tmp_path / CHECKPOINT).rename(tmp_path / "early.pt")

    loop.run(keep_an_early_checkpoint)
    log = read_log(tmp_path)
    # As after a power cut: the log is ahead of the checkpoint.
    (tmp_path / "early.pt").replace(tmp_path / CHECKPOINT)
    again = make_loop(tmp_path)
    again.resume()
    assert again.step == 10
    assert read_log(tmp_path) == log[:2]
    again.run()
    assert read_log(tmp_path) == log


def test_the_loss_falls_and_the_constraint_is_met(tmp_path: Path) -> None:
    loop = make_loop(tmp_path, steps=150)
    loop.run()
    log = read_log(tmp_path)
    assert log[-1]["rmse"] < log[0]["rmse"]
    assert log[0]["initial_phase"] == 1
    assert log[-1]["initial_phase"] == 0


def test_the_prior_waits_for_the_constraint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    optimiser = OptimiserSettings(learning_rate=1e-2, batch=8, steps=5)
    accelerator = accelerator_for("cpu")
    method = FlatVAEMethod(method_settings(kappa=1e-3), optimiser, accelerator.device)
    before = {name: value.clone() for name, value in method.network.prior.state_dict().items()}
    encoder = next(method.network.encoder.parameters()).detach().clone()
    data = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    Loop(method, ArrayBatches(data), optimiser, tmp_path, accelerator).run()
    for name, value in method.network.prior.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    assert not torch.equal(next(method.network.encoder.parameters()), encoder)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    make_loop(tmp_path, steps=2).run()
    loop = make_loop(tmp_path)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    state["network"].popitem()
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="does not fit"):
        loop.resume()


@pytest.mark.parametrize("content", [b"", b"garbage, not a checkpoint", b"PK\x03\x04 half a file"])
def test_a_damaged_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: .*damaged"):
        make_loop(tmp_path).resume()


def test_what_went_forward_in_full_precision_goes_back_in_full_precision(tmp_path: Path) -> None:
    gradients = []
    for inside in (False, True):
        method = make_loop(tmp_path).method
        model = method.network
        assert isinstance(model, VAE)
        z = torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=inside):
            draws = torch.Generator().manual_seed(1)
            found = flatness(model.decoder, model.decode, z, FlatnessSettings(directions=2), draws)
            method._apply(found.penalty, list(model.decoder.parameters()), clip=1e9)
        every = [each.grad for each in model.decoder.parameters() if each.grad is not None]
        gradients.append(torch.cat([gradient.flatten() for gradient in every]))
    torch.testing.assert_close(gradients[1], gradients[0])


def test_no_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        make_loop(tmp_path).resume()


def test_learning_rate_grows_then_falls() -> None:
    settings = OptimiserSettings(learning_rate=1.0, steps=100, warmup=10, decay="cosine")
    rates = [learning_rate(settings, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (9, 10)
    assert rates[-1] < 0.01
    assert rates[10:] == sorted(rates[10:], reverse=True)
