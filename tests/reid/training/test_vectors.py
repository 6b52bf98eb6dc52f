"""A training inside somebody's program leaves that program's own settings of torch and accelerate alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from reid.training import vectors
from reid.training.methods import FlatVAEMethod
from reid.training.vectors import FittedVectors, train_vectors, vector_settings

PARAMETERS: dict[str, Any] = {
    "n_components": 2,
    "eta": 1.0,
    "hidden": (8,),
    "activation": "silu",
    "steps": 4,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "prior": "normal",
    "regulariser": "relative",
    "mixup": True,
    "likelihood": "gaussian",
}


def fitted() -> FittedVectors:
    data = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    return train_vectors(vector_settings(PARAMETERS, 3, 20, seed=0, kappa=1.0), data, "cpu")


@pytest.fixture
def accelerator() -> Iterator[Accelerator]:
    """One that the caller has made, in half precision and with gradients of several steps added up."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    yield Accelerator(cpu=True, mixed_precision="bf16", gradient_accumulation_steps=3)
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def test_the_caller_s_accelerator_is_as_it_was(accelerator: Accelerator) -> None:
    fitted()
    assert (accelerator.mixed_precision, accelerator.gradient_accumulation_steps) == ("bf16", 3)
    assert Accelerator().mixed_precision == "bf16"


def test_a_training_in_the_caller_s_half_precision_is_in_full(accelerator: Accelerator) -> None:
    alone = fitted().model.state_dict()
    with accelerator.autocast():
        beside = fitted().model.state_dict()
    for name, value in alone.items():
        torch.testing.assert_close(beside[name], value, rtol=0, atol=0)


def test_trainings_at_once_do_not_take_each_other_s_device_away() -> None:
    with ThreadPoolExecutor(2) as pool:
        together = [pool.submit(fitted) for _ in range(6)]
    assert all(one.result().model is not None for one in together)


@pytest.mark.parametrize("allowed", [(True, True), (True, False), (False, True)])
def test_tf32_is_as_allowed_as_before(
    allowed: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch, tf32: None
) -> None:
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed
    monkeypatch.setattr(vectors, "FlatVAEMethod", OnCUDA)
    fitted()
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == allowed


def test_tf32_is_put_back_after_a_failure_too(monkeypatch: pytest.MonkeyPatch, tf32: None) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory")

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    monkeypatch.setattr(vectors, "FlatVAEMethod", OnCUDA)
    monkeypatch.setattr(OnCUDA, "step", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        fitted()
    assert torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_tf32_that_was_allowed_by_its_newer_name_is_put_back(
    monkeypatch: pytest.MonkeyPatch, tf32: None
) -> None:
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this torch has the older names only")
    # Now the older name can no longer be read.
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    monkeypatch.setattr(vectors, "FlatVAEMethod", OnCUDA)
    fitted()
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"


@pytest.fixture
def tf32() -> Iterator[None]:
    """Lets a test change what it likes: what torch begins with comes back."""
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True


class OnCUDA(FlatVAEMethod):
    """Does to the process what the method does on a graphics card."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
