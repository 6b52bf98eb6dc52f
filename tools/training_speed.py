"""How fast a training goes, what the flatness regulariser costs, and how much memory it takes.

python tools/training_speed.py fmvae-small fmvae fmvae-paper --threads 2
python tools/training_speed.py fmvae-paper --full-precision
python tools/training_speed.py fmvae --device cuda --batch 1024 --peak 989

Steps with and without the regulariser alternate on random crops, so that a change of the machine's pace meets
both alike. Of a configuration whose regulariser waits for the reconstruction the time after that is meant.
Memory is the most that the process has had so far: name the smallest configuration first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
import typer
from accelerate import Accelerator
from benchmarks.memory import peak_mebibytes
from torch import Generator, Tensor
from torch.utils.flop_counter import FlopCounterMode

from reid.models.vae import VAESettings
from reid.training.batches import Batch
from reid.training.hardware import accelerator_for
from reid.training.methods import FlatVAEMethod, Method, SupervisedMethod
from reid.training.settings import CosineSoftmaxMethod, FlatVAE, TrainingSettings, load_training

IDENTITIES = 551


@dataclass(frozen=True)
class Speed:
    """What was measured of a configuration.

    Attributes:
        crops: trained on in a second.
        regulariser: its share of a step.
        memory: in MiB at the most.
        work: floating-point operations of a crop, forward and backward, in units of 10⁹.
    """

    crops: float
    regulariser: float
    memory: float
    work: float


def main(
    configs: Annotated[list[str], typer.Argument(metavar="CONFIG...", help="As for reid train.")],
    batch: Annotated[int | None, typer.Option(min=4, help="[default: the configuration's]")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Timed steps of each kind.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="On a CPU.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    full_precision: Annotated[
        bool, typer.Option("--full-precision", help="float32 throughout, as where there is no fast bfloat16.")
    ] = False,
    peak: Annotated[
        float | None, typer.Option(metavar="TFLOPS", help="What the device can do at most, to compare with.")
    ] = None,
) -> None:
    """Time trainings and print a table."""
    torch.set_num_threads(threads)
    try:
        trainings = [(name, _about_crops(name)) for name in configs]
        accelerator = accelerator_for(device, full_precision=full_precision)
    except ValueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    precision = "float32" if accelerator.mixed_precision == "no" else accelerator.mixed_precision
    where = f"{accelerator.device.type}, {precision}"
    where += f", {threads} threads" if accelerator.device.type == "cpu" else ""
    typer.echo(f"{where}; medians of {steps} steps\n")
    titles = ["configuration", "batch", "crops/s", "regulariser", "MiB", "GFLOP a crop", "TFLOP/s"]
    titles += ["of the peak"] if peak else []
    typer.echo(f"| {' | '.join(titles)} |\n| --- |{' --: |' * (len(titles) - 1)}")
    for name, settings in trainings:
        size = batch or settings.optimiser.batch
        speed = measure(settings, size, steps, accelerator)
        rate = speed.work * speed.crops / 1000
        cells = [name, str(size), f"{speed.crops:,.0f}", f"{speed.regulariser:.0%}", f"{speed.memory:,.0f}"]
        cells += [f"{speed.work:.1f}", f"{rate:.2f}", *([f"{rate / peak:.0%}"] if peak else [])]
        typer.echo(f"| {' | '.join(cells)} |")


def _about_crops(name: str) -> TrainingSettings:
    settings = load_training(name)
    method, data = settings.method, settings.data
    if isinstance(method, CosineSoftmaxMethod):
        return settings
    if not isinstance(method, FlatVAE) or method.model.input.shape != (3, data.height, data.width):
        raise ValueError(f"{name}: expected a training that is about crops of {data.height}×{data.width}")
    return settings


def measure(settings: TrainingSettings, size: int, steps: int, accelerator: Accelerator) -> Speed:
    """Time steps of a training."""
    device = accelerator.device
    plain, regular = _method(settings, device, flat=False), _method(settings, device, flat=True)
    generator = Generator(device).manual_seed(0)
    batch = _batch(settings, size, generator)

    def step(method: Method) -> float:
        _wait(device)
        started = time.perf_counter()
        with accelerator.autocast():
            method.step(batch, generator)
        _wait(device)
        return time.perf_counter() - started

    step(plain)
    with FlopCounterMode(display=False) as counter:
        step(regular)
    took = np.median([[step(plain), step(regular)] for _ in range(steps)], axis=0)
    return Speed(
        size / took[1],
        max(0.0, 1 - took[0] / took[1]),
        _memory(device),
        counter.get_total_flops() / size / 1e9,
    )


def _method(settings: TrainingSettings, device: torch.device, *, flat: bool) -> Method:
    method = settings.method
    if isinstance(method, CosineSoftmaxMethod):
        return SupervisedMethod(method, settings.optimiser, IDENTITIES, device)
    assert isinstance(method, FlatVAE)
    if not flat:
        objective = method.objective
        flatness = objective.flatness.model_copy(update={"eta": 0.0, "regulariser": "none"})
        objective = objective.model_copy(update={"flatness": flatness})
        return FlatVAEMethod(method.model_copy(update={"objective": objective}), settings.optimiser, device)
    found = FlatVAEMethod(method, settings.optimiser, device)
    # As if the reconstruction had been reached long ago, for a regulariser that waits for that.
    ramp = method.objective.flatness.ramp or 0
    found.restore(found.state() | {"initial_phase": False, "constrained_steps": ramp})
    return found


def _batch(settings: TrainingSettings, size: int, generator: Generator) -> Batch:
    data, device = settings.data, generator.device
    shape = (size, data.height, data.width, 3)
    crops = torch.randint(256, shape, dtype=torch.uint8, generator=generator, device=device)
    images = crops.permute(0, 3, 1, 2)
    if isinstance(settings.method, CosineSoftmaxMethod):
        labels = torch.randint(IDENTITIES, (size,), generator=generator, device=device)
        return Batch(images, {"identity": labels})
    return Batch(images, _targets(settings.method.model, images, generator))


def _targets(model: VAESettings, images: Tensor, generator: Generator) -> dict[str, Tensor]:
    return {
        name: images
        if part.shape == tuple(images.shape[1:])
        else torch.randn((len(images), *part.shape), generator=generator, device=generator.device)
        for name, part in model.observation.items()
    }


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return peak_mebibytes()


if __name__ == "__main__":
    typer.run(main)
