"""The model card: what a descriptor is, what it was made from and how, in a page that goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from reid.datasets.store import CropStore
from reid.files import write_text
from reid.training.loop import Loop, read_log
from reid.training.settings import IWAE, FlatVAE, TrainingSettings
from reid.weights_file import DescriptorAbout, read_descriptor_file

_CARD = "MODEL_CARD.md"
_THRESHOLD = "| metric, threshold |"

# What is worth knowing of the last numbers in the log.
_FIGURES = {
    "rmse": "reconstruction error (RMSE, standardised)",
    "beta": "multiplier β",
    "bound": "F, nats",
    "relative_deviation": "relative flatness R̄",
    "effective_dimension": "effective dimension",
    "loss": "loss",
    "accuracy": "accuracy in training",
}


def write_model_card(
    folder: Path,
    settings: TrainingSettings,
    store: CropStore,
    loop: Loop,
    machine: Mapping[str, str],
    began_from: str | None = None,
) -> None:
    """Write ``MODEL_CARD.md`` into a run's folder.

    Args:
        folder: the run's.
        settings: what was trained and how.
        store: the crops.
        loop: at its end.
        machine: what it ran on, in words.
        began_from: the name of the run whose weights it began with.
    """
    about, _ = read_descriptor_file(folder / "descriptor.safetensors")
    unsupervised = isinstance(settings.method, FlatVAE | IWAE)
    entries = read_log(folder)
    last = entries[-1] if entries else {}
    labels = "No identity label was read." if unsupervised else "Identity labels were used."
    found_by = settings.data.neighbours.first_by if settings.data.neighbours else None
    dropped = ", ".join(f"{count} {reason}" for reason, count in store.dropped.items() if count)
    lines = [
        f"# {about.name}",
        "",
        settings.description,
        "",
        f"{labels} The licence of the training data applies to the weights.",
        "",
        "| | |",
        "|---|---|",
        f"| data | {about.training_data} |",
        f"| crops left out | {dropped or 'none'} |",
        f"| steps | {loop.step} of {settings.optimiser.steps}, {settings.optimiser.batch} crops each |",
        *([f"| began with | the weights of {began_from} |"] if began_from else []),
        *([f"| first neighbours by | {Path(found_by).name} |"] if found_by else []),
        f"| seed | {settings.seed} |",
        _threshold(about, "the training footage"),
        *(f"| {words} | {last[name]:.4g} |" for name, words in _FIGURES.items() if name in last),
        *(f"| {name} | {value} |" for name, value in machine.items()),
        "",
        "The whole recipe is `config.yaml`: `reid train --config config.yaml --data …` repeats it.",
        "",
    ]
    write_text(folder / _CARD, "\n".join(lines))


def amend_model_card(folder: Path, about: DescriptorAbout, sources: Iterable[str]) -> None:
    """Let the card in a run's folder, if there is one, tell the threshold of another calibration.

    Args:
        folder: the run's.
        about: what its descriptor says of itself now.
        sources: names of the footage that it was calibrated on.
    """
    card = folder / _CARD
    if not card.is_file():
        return
    # As in the descriptor, where the footage lay is nobody's business.
    now = _threshold(about, ", ".join(Path(name).name for name in sources))
    lines = card.read_text(encoding="utf-8").split("\n")
    write_text(card, "\n".join(now if line.startswith(_THRESHOLD) else line for line in lines))


def _threshold(about: DescriptorAbout, footage: str) -> str:
    calibrated = (
        f"calibrated on {footage}, AUC {about.auc:.3f}"
        if about.auc is not None
        else "provisional: 2 % of random pairs of crops are nearer; run `reid calibrate` on your footage"
    )
    return f"{_THRESHOLD} {about.metric}, {about.threshold:.4g} ({calibrated}) |"
