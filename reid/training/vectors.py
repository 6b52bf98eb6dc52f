"""Training on plain vectors that leaves no files: what the estimator does when it is fitted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from reid.models import VAE
from reid.models.layers import Activation
from reid.objective.precision import full_precision, tf32_put_back
from reid.settings import SettingsError, check_settings
from reid.training.batches import ArrayBatches
from reid.training.hardware import OneDevice, one_processor
from reid.training.loop import Loop, Progress, read_log
from reid.training.methods import FlatVAEMethod
from reid.training.settings import FlatVAE, TrainingSettings

#: The name of the observation's only part.
PART = "data"

#: Rows that a network computes at a time.
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class FittedVectors:
    """A finished training.

    Attributes:
        model: in evaluation mode, on the CPU.
        log: the numbers of its steps.
    """

    model: VAE
    log: list[dict[str, float]]


def train_vectors(
    settings: TrainingSettings,
    vectors: NDArray[np.float32],
    device: str = "auto",
    report: Callable[[Progress], None] = lambda progress: None,
    start: Mapping[str, Tensor] | None = None,
) -> FittedVectors:
    """Train an auto-encoder on vectors (n, D), in full precision.

    Args:
        settings: of the unsupervised method; the observation's part is called ``PART``.
        vectors: what it reads and explains.
        device: where it is trained; "auto" is the fastest there is.
        report: called after each step.
        start: weights to start from; None: new ones.

    Raises:
        KeyboardInterrupt: if Ctrl-C came.
        TrainingError: if it cannot come to a good end.
    """
    if not isinstance(settings.method, FlatVAE):
        raise ValueError(f"vectors train the method 'vae', not {settings.method.kind!r}")
    chosen = OneDevice(device)
    with (
        tempfile.TemporaryDirectory() as folder,
        one_processor(),
        tf32_put_back(),
        torch.random.fork_rng(devices=[]),
    ):
        torch.manual_seed(settings.seed)
        method = FlatVAEMethod(settings.method, settings.optimiser, chosen.device)
        if start is not None:
            method.network.load_state_dict(start)
        batches = ArrayBatches(vectors, part=PART)
        loop = Loop(
            method, batches, settings.optimiser, Path(folder), chosen, seed=settings.seed, log_every=10
        )
        if not loop.run(report):
            raise KeyboardInterrupt
        method.network.load_state_dict(loop.final_weights())
        return FittedVectors(method.network.cpu().eval().requires_grad_(False), read_log(Path(folder)))


def vector_settings(
    parameters: Mapping[str, Any], features: int, samples: int, seed: int, kappa: Any, alone: bool = False
) -> TrainingSettings:
    """The settings that the estimator's parameters stand for.

    Args:
        parameters: by their names.
        features: numbers in a vector.
        samples: vectors there are.
        seed: of everything random.
        kappa: the error allowed.
        alone: half the steps, for the auto-encoder without regulariser.

    Raises:
        SettingsError: names what is wrong with a parameter.
    """
    given = {name: _plain(value) for name, value in parameters.items()}
    _check_shared(given)
    steps = given["steps"] if not alone else max(1, given["steps"] // 2)
    network = {"kind": "mlp", "hidden": _widths(given["hidden"]), "activation": given["activation"]}
    prior = {"kind": given["prior"]}
    tree = {
        "method": {
            "kind": "vae",
            "model": {
                "input": {"shape": [features]},
                "observation": {PART: {"shape": [features], "decoder": network}},
                "encoder": network,
                "prior": prior if given["prior"] == "normal" else network | prior,
                "latents": given["n_components"],
                "likelihood": given["likelihood"],
            },
            "objective": {
                # Without patience: whether kappa is in reach is said at the end.
                "constraint": {"kappa": _plain(kappa), "rate": 0.02, "patience": 2 * steps + 1},
                "flatness": {
                    "eta": given["eta"],
                    "regulariser": "none" if alone else given["regulariser"],
                    "mixup": given["mixup"],
                    "ramp": steps // 4,
                    "share": 1.0,
                },
            },
        },
        "optimiser": {
            "learning_rate": given["learning_rate"],
            "batch": min(given["batch_size"], samples),
            "steps": steps,
            "warmup": min(100, steps // 10),
            "decay": "cosine",
        },
        "seed": seed,
    }
    return check_settings(TrainingSettings, tree, "FlatVAE")


@torch.no_grad()
def in_parts(function: Callable[[Tensor], Tensor], rows: NDArray[Any]) -> NDArray[np.float64]:
    """A network's answers, float64, for any number of rows."""
    with full_precision(torch.device("cpu")):
        parts = [function(part) for part in torch.split(torch.from_numpy(rows).float(), _ROWS)]
    return torch.cat(parts).double().numpy()


@torch.no_grad()
def reconstruction_rmse(model: VAE, vectors: NDArray[np.float32], seed: int) -> float:
    """Root of C of (FMVAE, 4) at one draw of the posterior for each of the vectors: what κ bounds."""
    generator = Generator().manual_seed(seed)
    squares = 0.0
    with full_precision(torch.device("cpu")):
        for some in torch.split(torch.from_numpy(vectors), 1024):
            z = model.encode(some).sample(generator)
            error = model.reconstruction_error(z, model.observation.pack({PART: some})).squared
            squares += len(some) * float(error)
    return float((squares / len(vectors)) ** 0.5)


def _check_shared(given: Mapping[str, Any]) -> None:
    """Name a wrong parameter by itself where several settings come from it: each of them would complain."""
    for name, least in (("steps", 1), ("batch_size", 2)):
        if type(given[name]) is not int or given[name] < least:
            raise SettingsError(
                f"FlatVAE: {name}: found {given[name]!r}, expected a whole number of at least {least}"
            )
    *names, last = map(repr, get_args(Activation))
    if given["activation"] not in get_args(Activation):
        raise SettingsError(
            f"FlatVAE: activation: found {given['activation']!r}, expected {', '.join(names)} or {last}"
        )


def _widths(hidden: Any) -> list[Any]:
    """The hidden layers' widths; three networks have them, and each would complain of what is wrong."""
    try:
        widths = [_plain(width) for width in hidden]
    except TypeError:
        widths = [None]
    if not all(type(width) is int and width > 0 for width in widths):
        raise SettingsError(
            f"FlatVAE: hidden: found {hidden!r}, expected a sequence of widths, such as (128, 128)"
        )
    return widths


def _plain(value: Any) -> Any:
    """Numbers as Python's, not as numpy's, which grids of parameters are made of."""
    return value.item() if isinstance(value, np.generic) else value
