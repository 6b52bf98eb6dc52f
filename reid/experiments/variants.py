"""The models that are compared: the paper's, the one without flatness, and the two ablations."""

from __future__ import annotations

from collections.abc import Sequence

from reid.training.settings import TrainingSettings, load_training

FM, VHP, NO_MIXUP, NO_IDENTITY = "VHP-FMVAE", "VHP-VAE", "no mixup", "no identity term"
UNIT_C = "c fixed at 1"

_REGULARISER = "method.objective.flatness"

#: What sets each model apart from the configuration.
VARIANTS: dict[str, list[str]] = {
    FM: [],
    VHP: [f"{_REGULARISER}.regulariser=none"],
    NO_MIXUP: [f"{_REGULARISER}.mixup=false"],
    NO_IDENTITY: [f"{_REGULARISER}.identity_term=false"],
}

#: Of (FMVAE, figure 12), where it is compared with the paper's model alone.
_UNIT_C = {UNIT_C: [f"{_REGULARISER}.identity_term=1.0"]}


def trainings_of(
    configuration: str, names: Sequence[str], seeds: Sequence[int], changes: Sequence[str] = ()
) -> list[tuple[str, TrainingSettings]]:
    """Names and settings of all trainings: each model with each seed."""
    return [
        (name, load_training(configuration, [*changes, *(VARIANTS | _UNIT_C)[name], f"seed={seed}"]))
        for name in names
        for seed in seeds
    ]
