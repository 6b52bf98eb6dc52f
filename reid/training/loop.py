"""The loop: steps, log, checkpoints. A run can be stopped at any time and goes on as if it had not been."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from reid.files import write_text, written_atomically
from reid.training.batches import Batches, generator_of_step, rows_of_step
from reid.training.hardware import OneDevice
from reid.training.methods import Method
from reid.training.settings import OptimiserSettings

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"

_DESCRIBED_AT_ONCE = 256


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is.

    Attributes:
        step: steps done.
        steps: steps in all.
        words: the method's own numbers.
        samples_per_second: speed of the last steps.
        numbers: the averages since the last entry in the log, if one has just been made.
    """

    step: int
    steps: int
    words: str
    samples_per_second: float
    numbers: dict[str, float] | None


class Loop:
    """Drives a method through its steps.

    Args:
        method: what is trained.
        batches: what on.
        settings: how long, how fast.
        folder: where the log and the checkpoint go.
        accelerator: device, precision, processes.
        seed: of everything that is random.
        log_every: steps between entries in the log.
        save_every: seconds between checkpoints.
    """

    def __init__(
        self,
        method: Method,
        batches: Batches,
        settings: OptimiserSettings,
        folder: Path,
        accelerator: Accelerator | OneDevice,
        *,
        seed: int = 0,
        log_every: int = 50,
        save_every: float = 300.0,
    ) -> None:
        self.method, self.batches, self.settings = method, batches, settings
        self.folder, self.accelerator, self.seed = folder, accelerator, seed
        self._log_every, self._save_every = log_every, save_every
        self.step = 0
        self._window: dict[str, float] = {}
        self._average: dict[str, Tensor] | None = None
        self._stop = False
        if accelerator.num_processes > 1:
            method.processes_mean = partial(accelerator.reduce, reduction="mean")

    def run(
        self,
        report: Callable[[Progress], None] = lambda progress: None,
        look: Callable[[int], None] = lambda step: None,
        look_every: int = 1000,
    ) -> bool:
        """Go on until the last step.

        Args:
            report: called after each step.
            look: called every ``look_every`` steps and after the last one, for pictures.
            look_every: see ``look``.

        Returns:
            Whether the last step was reached; False if Ctrl-C or a signal like it came before.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        saved = time.monotonic()
        started, start_step = time.monotonic(), self.step
        with self._stoppable(), self._board() as board:
            while self.step < self.settings.steps and not self._to_stop():
                numbers = self._one_step()
                entry = self._log(numbers, board)
                speed = (self.step - start_step) * self.settings.batch / (time.monotonic() - started)
                words = self.method.in_words(numbers)
                report(Progress(self.step, self.settings.steps, words, speed, entry))
                if self.step % look_every == 0 or self.step == self.settings.steps:
                    look(self.step)
                if time.monotonic() - saved > self._save_every:
                    self.save()
                    saved = time.monotonic()
        self.save()
        return self.step == self.settings.steps

    def _board(self) -> AbstractContextManager[SummaryWriter | None]:
        """Where the curves go; of several processes one draws them."""
        if not self.accelerator.is_main_process:
            return nullcontext()
        return SummaryWriter(self.folder / "tensorboard", purge_step=self.step)

    def _to_stop(self) -> bool:
        """Whether Ctrl-C came, to any of the processes: they must all do the same steps."""
        if self.accelerator.num_processes == 1:
            return self._stop
        asked = torch.tensor(float(self._stop), device=self.accelerator.device)
        return bool(self.accelerator.reduce(asked, reduction="sum") > 0)

    def _one_step(self) -> dict[str, float]:
        settings, process = self.settings, self.accelerator.process_index
        device = self.accelerator.device
        for group in self.method.optimiser.param_groups:
            group["lr"] = learning_rate(settings, self.step)
        self.batches.look_again(self.step, self._describe)
        rows = rows_of_step(len(self.batches), settings.batch, self.step, self.seed)
        generator = generator_of_step(self.seed, self.step, device, process)
        self.method.network.train()
        with self.accelerator.autocast():
            batch = self.batches.batch(rows[process :: self.accelerator.num_processes], generator)
            numbers = self.method.step(batch, generator)
        self.step += 1
        self._take_average()
        return numbers

    def _describe(self, images: Tensor) -> Tensor:
        """Vectors of images with the weights that would be kept if the run ended here."""
        network, device = self.method.network, self.accelerator.device
        now = {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.final_weights())
        network.eval()
        try:
            with torch.inference_mode(), self.accelerator.autocast():
                some = [
                    self.method.describe(part.to(device)).float()
                    for part in torch.split(images, _DESCRIBED_AT_ONCE)
                ]
        finally:
            network.load_state_dict(now)
        return torch.cat(some).cpu()

    def _take_average(self) -> None:
        """Let the averaged weights follow."""
        if not self.settings.averaging:
            return
        weights = self.method.network.state_dict()
        if self._average is None:
            self._average = {name: value.detach().clone() for name, value in weights.items()}
            return
        # At the beginning the average is over what there is.
        share = max(1 - self.settings.averaging, 1 / self.step)
        for name, value in weights.items():
            if value.is_floating_point():
                self._average[name].lerp_(value, share)
            else:
                self._average[name].copy_(value)

    def final_weights(self) -> dict[str, Tensor]:
        """The weights to keep: averaged if that was asked for."""
        return self._average if self._average is not None else self.method.network.state_dict()

    def _log(self, numbers: dict[str, float], board: SummaryWriter | None) -> dict[str, float] | None:
        """Add up a step's numbers; every so often write their means."""
        for name, value in numbers.items():
            self._window[name] = self._window.get(name, 0.0) + value
            self._window[f"#{name}"] = self._window.get(f"#{name}", 0.0) + 1
        if self.step % self._log_every:
            return None
        means = {
            name: total / self._window[f"#{name}"]
            for name, total in self._window.items()
            if not name.startswith("#")
        }
        self._window = {}
        if board is not None:
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": self.step, **means}) + "\n")
            for name, value in means.items():
                board.add_scalar(name, value, self.step)
        return means

    def save(self) -> None:
        """Write a checkpoint from which the run goes on exactly."""
        if not self.accelerator.is_main_process:
            return
        with written_atomically(self.folder / CHECKPOINT) as path:
            torch.save(
                {
                    "step": self.step,
                    "seed": self.seed,
                    "network": self.method.network.state_dict(),
                    "average": self._average,
                    "optimiser": self.method.optimiser.state_dict(),
                    "method": self.method.state(),
                    "batches": self.batches.state(),
                    "window": self._window,
                },
                path,
            )

    def resume(self) -> None:
        """Take up the checkpoint in the folder.

        Raises:
            CheckpointError: if there is none, or it belongs to another network.
        """
        path = self.folder / CHECKPOINT
        if not path.is_file():
            raise CheckpointError(f"{path}: there is no checkpoint to go on from")
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.accelerator.device, weights_only=True)
            self.method.network.load_state_dict(state["network"])
            self.method.optimiser.load_state_dict(state["optimiser"])
            self.method.restore(state["method"])
            self.batches.restore(state["batches"])
        except (RuntimeError, KeyError, ValueError, EOFError, TypeError, UnpicklingError) as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(
                f"{path}: does not fit this configuration, or is damaged ({reason})"
            ) from error
        self.step, self.seed, self._window = state["step"], state["seed"], state["window"]
        self._average = state["average"]
        _cut_log(self.folder / LOG, self.step)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Let Ctrl-C, or a signal like it, end the run after its step; a second Ctrl-C ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self._stop = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        self._stop = False
        kinds = [signal.SIGINT, signal.SIGTERM]
        # A terminal that is closed says so by SIGHUP, which Windows has not and nohup ignores.
        hang_up = getattr(signal, "SIGHUP", None)
        if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
            kinds.append(hang_up)
        before = {kind: signal.signal(kind, stop) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)


def learning_rate(settings: OptimiserSettings, step: int) -> float:
    """The learning rate of a step, from 0 on."""
    rate = settings.learning_rate
    if step < settings.warmup:
        return rate * (step + 1) / settings.warmup
    if settings.decay == "cosine":
        done = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
        return rate * 0.5 * (1 + math.cos(math.pi * done))
    return rate


def read_log(folder: Path) -> list[dict[str, float]]:
    """The entries of a run's log."""
    path = folder / LOG
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def _cut_log(path: Path, step: int) -> None:
    """Forget what was logged after the checkpoint: those steps are done again."""
    kept = [entry for entry in read_log(path.parent) if entry["step"] <= step]
    write_text(path, "".join(json.dumps(entry) + "\n" for entry in kept))
