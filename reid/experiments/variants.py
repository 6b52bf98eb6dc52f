"""The models of the experiments: the papers', the one without flatness, and the ablations."""

from __future__ import annotations

from collections.abc import Sequence

from reid.training.settings import TrainingSettings, load_training

FM, VHP, NO_MIXUP, NO_IDENTITY = "VHP-FMVAE", "VHP-VAE", "no mixup", "no identity term"
BATCH_C, UNIT_C = "c from the batch", "c fixed at 1"
IWAE = "IWAE"

_REGULARISER = "method.objective.flatness"

#: What sets each model of (FMVAE, figures 4 and 7) apart from the configuration.
VARIANTS: dict[str, list[str]] = {
    FM: [],
    VHP: [f"{_REGULARISER}.regulariser=none"],
    NO_MIXUP: [f"{_REGULARISER}.mixup=false"],
    NO_IDENTITY: [f"{_REGULARISER}.identity_term=false"],
}

#: The same of all models: those of (FMVAE, figure 12) differ in c, (Chen et al. 2018) has only one.
_CHANGES = VARIANTS | {
    BATCH_C: [f"{_REGULARISER}.c2=null"],
    UNIT_C: [f"{_REGULARISER}.c2=1.0"],
    IWAE: [],
}


def trainings_of(
    configuration: str, names: Sequence[str], seeds: Sequence[int], changes: Sequence[str] = ()
) -> list[tuple[str, TrainingSettings]]:
    """Names and settings of all trainings: each model with each seed."""
    return [
        (name, load_training(configuration, [*changes, *_CHANGES[name], f"seed={seed}"]))
        for name in names
        for seed in seeds
    ]
