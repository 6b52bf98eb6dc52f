"""A whole training run: open the data, train, look, and leave a folder that others can use.

config.yaml            the settings, complete
data.json              what it was trained on
log.jsonl              the numbers of the steps; tensorboard/ has the same as curves
reconstructions/       what the model made of some crops, as it went
checkpoint.pt          everything needed to go on exactly
model.safetensors      the whole network
descriptor.safetensors the part that describes crops, with its centre, metric and threshold
curves.png  calibration.png  MODEL_CARD.md
"""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import yaml
from accelerate import Accelerator
from numpy.typing import NDArray

from reid.crops import evenly_spaced
from reid.datasets.crops import CropSource
from reid.datasets.market import DISTRACTOR
from reid.datasets.store import CropStore
from reid.descriptor import Descriptor
from reid.evaluation.calibration import (
    calibrate_distances,
    calibration_distances,
    calibration_pairs,
    plot_calibration,
)
from reid.evaluation.flatness import channels_first
from reid.evaluation.table import describe
from reid.files import write_text
from reid.models import VAE
from reid.models.stripes import COLOURS, statistics_size
from reid.network_descriptor import save_descriptor
from reid.training.batches import COMMON, STATISTICS, Batches, CropBatches, LabelledCropBatches
from reid.training.cameras import cameras_of
from reid.training.components import start_at
from reid.training.data import DataNote, RunError, open_store
from reid.training.folder import (
    CONFIG,
    DESCRIPTOR,
    check_folder,
    clear,
    only_run_in,
    refuse_other_start,
)
from reid.training.hardware import accelerator_for
from reid.training.iwae import autoencoder_method
from reid.training.loop import Loop, Progress
from reid.training.methods import Method, SupervisedMethod
from reid.training.model_card import write_model_card
from reid.training.pictures import plot_curves, reconstruction_sheet
from reid.training.settings import IWAE, FlatVAE, TrainingSettings
from reid.training.starting import MODEL, read_start, start_from
from reid.weights_file import change_descriptor_file, write_tensors

LOG = logging.getLogger(__name__)

# So many crops are shown with what the model makes of them.
_PICTURED = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        folder: where everything is.
        finished: whether the last step was reached.
        step: steps done.
        seconds: time spent in this session.
        crops: how many crops it trained on.
    """

    folder: Path
    finished: bool
    step: int
    seconds: float
    crops: int


def train(
    settings: TrainingSettings,
    data: Sequence[Path | CropSource],
    output: Path,
    *,
    resume: bool = False,
    start: Path | None = None,
    device: str = "auto",
    held_out: int = 0,
    cut: Callable[[str, int], None] = lambda name, crops: None,
    opened: Callable[[CropStore], None] = lambda store: None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Outcome:
    """Train a descriptor.

    Args:
        settings: what and how.
        data: folders of crops, Market-1501 style folders, sequences with detections, any other footage; all
            of them together.
        output: the folder for the outcome.
        resume: go on with the run in that folder.
        start: the folder of a finished run whose weights to begin with; its data need not be the same.
        device: "auto", "cpu", "cuda" or "mps".
        held_out: of Market-1501 style folders leave out this many identities, for evaluation.
        cut: called while crops are cut, with the name of their source and how many there are.
        opened: called with the crops before the first step.
        report: called after each step.

    Raises:
        RunError: the folder already holds a run, is in use by one, or has none to go on with.
        StartError: there is no run to start from, or it does not fit.
        DescriptorError: the device is not there.
    """
    accelerator = accelerator_for(device)
    with only_run_in(output, accelerator):
        check_folder(output, settings, resume)
        _check_size(settings)
        before = DataNote.read(output) if resume else None
        weights = None
        if resume:
            refuse_other_start(output, start, before)
        elif start is not None:
            weights = read_start(start)
        finder = _finder(settings, accelerator.device) if not resume else None
        store = open_store(data, settings.data, held_out, cut)
        note = DataNote.of(store, held_out, start.name if start is not None else None)
        if before is not None:
            before.refuse_others(note, output)
            note = replace(note, start=before.start)
        opened(store)
        method, batches = _method_and_batches(settings, store, accelerator.device, finder, resume)
        if weights is not None:
            start_from(weights, method.network)
        loop = Loop(method, batches, settings.optimiser, output, accelerator, seed=settings.seed)
        if resume:
            loop.resume()
            if loop.step > settings.optimiser.steps:
                raise RunError(
                    f"{output}: has {loop.step} steps already; expected optimiser.steps to be at least that"
                )
        elif accelerator.is_main_process:
            clear(output)
        if accelerator.is_main_process:
            write_text(output / CONFIG, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
            note.write(output)
        return _run(settings, loop, store, note, report)


def _run(
    settings: TrainingSettings,
    loop: Loop,
    store: CropStore,
    note: DataNote,
    report: Callable[[Progress], None],
) -> Outcome:
    """Go through the steps, and leave what others can use."""
    method, output, accelerator = loop.method, loop.folder, loop.accelerator
    sample = channels_first(store.images[evenly_spaced(len(store), _PICTURED)])

    def look(step: int) -> None:
        if accelerator.is_main_process and isinstance(method.network, VAE):
            reconstruction_sheet(method.network, sample, output / "reconstructions" / f"step_{step:07d}.png")

    started = time.monotonic()
    finished = loop.run(report, look)
    seconds = time.monotonic() - started
    if accelerator.is_main_process:
        write_tensors(output / MODEL, loop.final_weights(), {"step": str(loop.step)})
        plot_curves(output)
        method.network.load_state_dict(loop.final_weights())
        _make_descriptor(settings, method, store, output)
        machine = _machine(accelerator, seconds)
        write_model_card(output, settings, store, loop, machine, note.start)
    return Outcome(output, finished, loop.step, seconds, len(store))


def _make_descriptor(settings: TrainingSettings, method: Method, store: CropStore, output: Path) -> None:
    """Write the descriptor, with a threshold from footage where the crops come from any."""
    descriptor = save_descriptor(
        output / DESCRIPTOR,
        method.encoder,
        store.images,
        metric=settings.metric,
        policy=settings.data.policy,
        name=output.name,
        description=settings.description,
        config_hash=_hash(settings),
        # The file may be passed on: where the data lay is nobody's business.
        training_data=f"{len(store)} crops of {', '.join(Path(name).name for name in store.sources)}",
        cameras=cameras_of(store.index),
        seed=settings.seed,
    )
    try:
        pairs = calibration_pairs(store.index, settings.seed)
    except ValueError as error:
        if (store.index.tracklet >= 0).any():
            LOG.warning("the threshold is provisional: %s", error)
        return
    vectors = describe(descriptor, store.images)
    positive, negative = calibration_distances(vectors, pairs, settings.metric)
    calibration = calibrate_distances(positive, negative, settings.metric)
    change_descriptor_file(
        output / DESCRIPTOR, output / DESCRIPTOR, threshold=calibration.threshold, auc=calibration.auc
    )
    plot_calibration(positive, negative, calibration, output / "calibration.png")


def _check_size(settings: TrainingSettings) -> None:
    """Crops are cut as the settings of the data say, and read as those of the model say."""
    if not isinstance(settings.method, FlatVAE | IWAE):
        return
    cut, read = (3, settings.data.height, settings.data.width), settings.method.model.input.shape
    if read != cut:
        raise RunError(
            f"data.height and data.width: found {cut[1]} and {cut[2]}, expected those of "
            f"method.model.input.shape, {list(read)}"
        )
    size = statistics_size(settings.data.colours)
    for part in (STATISTICS, COMMON):
        signal = settings.method.model.observation.get(part)
        if signal is not None and signal.shape != (size,):
            raise RunError(
                f"method.model.observation.{part}.shape: found {list(signal.shape)}, expected [{size}] with "
                f"data.colours: {settings.data.colours}"
            )


def _finder(settings: TrainingSettings, device: torch.device) -> Descriptor | None:
    """The descriptor that finds the first neighbours, if one does."""
    first_by = settings.data.neighbours.first_by if settings.data.neighbours else None
    return Descriptor.load(first_by, str(device)) if first_by and first_by not in COLOURS else None


def _method_and_batches(
    settings: TrainingSettings,
    store: CropStore,
    device: torch.device,
    finder: Descriptor | None,
    resume: bool,
) -> tuple[Method, Batches]:
    torch.manual_seed(settings.seed)
    method = settings.method
    if isinstance(method, FlatVAE | IWAE):
        view = store.training_view()
        parts = list(method.model.observation)
        # A checkpoint holds the neighbours.
        vectors = describe(finder, view.images) if finder is not None else None
        batches = CropBatches(view, parts, settings.data, settings.augment, vectors)
        if resume:
            # It holds all weights, too: those that the run started from may be gone.
            method = method.model_copy(update={"model": method.model.untrained()})
        made = autoencoder_method(method, settings.optimiser, device)
        if isinstance(method, FlatVAE) and method.start == "components" and not resume:
            start_at(batches.components(method.model.latents), made.network)
        return made, batches
    labelled = LabelledCropBatches(store.images, _people(store), method.images_per_identity, settings.augment)
    if len(labelled.names) < 2:
        raise RunError("the supervised method needs crops with identities, as in Market-1501 style folders")
    return SupervisedMethod(method, settings.optimiser, len(labelled.names), device), labelled


def _people(store: CropStore) -> NDArray[np.int64]:
    """Numbers of the people; -1 for crops of nobody in particular.

    Each source counts its identities from 1, and a distractor is nobody's number.
    """
    identity = store.labels.identity
    people = store.index.source * (identity.max(initial=0) + 1) + identity
    return np.where(identity > DISTRACTOR, people, -1)


def _machine(accelerator: Accelerator, seconds: float) -> dict[str, str]:
    device = accelerator.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "device": f"{device.type} {name}".strip(),
        "threads": str(torch.get_num_threads()),
        "precision": accelerator.mixed_precision,
        "torch": torch.__version__,
        "hours in the last session": f"{seconds / 3600:.2f}",
    }


def _hash(settings: TrainingSettings) -> str:
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]
