"""Trainings of an experiment: several at once, each cached under its settings and data, each resumable.

models/NAME-seed0-1f2e3d4c/    one training: the trainer's log and checkpoint, settings, weights, time
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from reid.evaluation.flatness import load_model
from reid.files import write_text
from reid.models import VAE
from reid.training.batches import ArrayBatches
from reid.training.hardware import OneDevice, one_processor
from reid.training.iwae import autoencoder_method
from reid.training.loop import CHECKPOINT, Loop, read_log
from reid.training.settings import IWAE, FlatVAE, TrainingSettings
from reid.weights_file import write_tensors

_SETTINGS, _WEIGHTS, _TIME = "config.yaml", "model.safetensors", "time.json"

#: Seconds between checkpoints: what Ctrl-C may cost at most.
_SAVE_EVERY = 20.0


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Clean samples, and the noise that the encoder reads them with.

    Attributes:
        clean: (n, …).
        noise: deviation of the noise, drawn anew in every step.
        part: name of the observation's only part.
    """

    clean: NDArray[np.float32]
    noise: float
    part: str

    def digest(self) -> str:
        """A number for the data."""
        found = hashlib.sha256(np.ascontiguousarray(self.clean).tobytes())
        found.update(f"{self.clean.shape} {self.noise} {self.part}".encode())
        return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training.

    Attributes:
        name: what is trained: "VHP-FMVAE" …
        settings: all of them, the seed among them.
        model: in evaluation mode.
        log: the numbers of its steps.
        seconds: of processor time.
    """

    name: str
    settings: TrainingSettings
    model: VAE
    log: list[dict[str, float]]
    seconds: float

    @property
    def seed(self) -> int:
        """Of everything random in it."""
        return self.settings.seed

    @property
    def kappa(self) -> float:
        """The reconstruction error that is allowed."""
        assert isinstance(self.settings.method, FlatVAE)
        return self.settings.method.objective.constraint.kappa


def train_all(
    settings: Sequence[tuple[str, TrainingSettings]],
    data: TrainingData,
    folder: Path,
    done: Callable[[str], None] = lambda what: None,
    workers: int | None = None,
) -> list[Trained]:
    """Train models, several at a time, each on one processor.

    Args:
        settings: names and settings; the method must be an auto-encoder.
        data: what all of them learn.
        folder: where they are kept. What is finished there is not trained again, what was stopped goes on.
        done: called with what has been finished.
        workers: how many at a time; None: as many as there are processors.

    Raises:
        KeyboardInterrupt: if a training was stopped.
    """
    digest = data.digest()
    folders = [folder / _folder_name(name, one, digest) for name, one in settings]
    missing = [
        (place, one)
        for place, (_, one) in zip(folders, settings, strict=True)
        if not (place / _WEIGHTS).is_file()
    ]
    processes = min(workers or joblib.cpu_count(), max(1, len(missing)))
    outcomes = joblib.Parallel(n_jobs=processes, return_as="generator", max_nbytes=None)(
        joblib.delayed(_train)(one, data, place) for place, one in missing
    )
    for (place, _), finished in zip(missing, outcomes, strict=True):
        if not finished:
            raise KeyboardInterrupt
        done(place.name)
    return [_load(name, place, one) for place, (name, one) in zip(folders, settings, strict=True)]


def by_name(trained: Sequence[Trained]) -> dict[str, list[Trained]]:
    """The trainings of each model, in their order."""
    return {
        name: [one for one in trained if one.name == name]
        for name in dict.fromkeys(one.name for one in trained)
    }


def _folder_name(name: str, settings: TrainingSettings, data: str) -> str:
    digest = hashlib.sha256((settings.model_dump_json() + data).encode()).hexdigest()[:8]
    return f"{name.lower().replace(' ', '-')}-seed{settings.seed}-{digest}"


def _train(settings: TrainingSettings, data: TrainingData, folder: Path) -> bool:
    """One training on one processor; whether it came to its end."""
    with one_processor():
        started = time.process_time() - _seconds(folder)
        loop = _loop(settings, data, folder)
        finished = loop.run()
        write_text(folder / _TIME, json.dumps({"processor_seconds": time.process_time() - started}))
        if finished:
            write_tensors(folder / _WEIGHTS, loop.final_weights())
        return finished


def _loop(settings: TrainingSettings, data: TrainingData, folder: Path) -> Loop:
    if not isinstance(settings.method, FlatVAE | IWAE):
        raise ValueError(f"experiments train auto-encoders, not {settings.method.kind!r}")
    # Networks this small are fastest on a processor; half precision would spoil their exactness.
    device = OneDevice("cpu")
    torch.manual_seed(settings.seed)
    method = autoencoder_method(settings.method, settings.optimiser, device.device)
    batches = ArrayBatches(data.clean, data.noise, data.part)
    loop = Loop(
        method,
        batches,
        settings.optimiser,
        folder,
        device,
        seed=settings.seed,
        save_every=_SAVE_EVERY,
    )
    if (folder / CHECKPOINT).is_file():
        loop.resume()
    else:
        # A log without a checkpoint is of steps that are lost.
        shutil.rmtree(folder, ignore_errors=True)
        write_text(folder / _SETTINGS, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    return loop


def _load(name: str, folder: Path, settings: TrainingSettings) -> Trained:
    assert isinstance(settings.method, FlatVAE | IWAE)
    model = load_model(settings.method.model, folder / _WEIGHTS).requires_grad_(False)
    return Trained(name, settings, model, read_log(folder), _seconds(folder))


def _seconds(folder: Path) -> float:
    """Processor time that the training has taken so far."""
    path = folder / _TIME
    return float(json.loads(path.read_text(encoding="utf-8"))["processor_seconds"]) if path.is_file() else 0.0
