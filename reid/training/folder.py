"""The folder of a run: who may write into it, and whether what it holds may be gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from accelerate import Accelerator
from filelock import Timeout

from reid.caching import lock_of
from reid.files import check_writable
from reid.settings import SettingsError, check_settings
from reid.training.data import DataNote, RunError
from reid.training.loop import CHECKPOINT, LOG
from reid.training.settings import TrainingSettings
from reid.training.starting import MODEL

CONFIG, DESCRIPTOR = "config.yaml", "descriptor.safetensors"


@contextmanager
def only_run_in(output: Path, accelerator: Accelerator) -> Iterator[None]:
    """Keep others out of the folder: two runs would go on from each other's checkpoint, and share one log."""
    check_writable(output / CONFIG)
    if not accelerator.is_main_process:
        # Processes that train together hold it as one.
        yield
        return
    lock = lock_of(output)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunError(f"{output}: a run is under way there; wait for it, or choose another folder") from None
    try:
        yield
    finally:
        lock.release()


def check_folder(output: Path, settings: TrainingSettings, resume: bool) -> None:
    """Refuse a folder that holds a run, or on resuming one that holds none, or one with other settings."""
    there = (output / CHECKPOINT).is_file()
    if resume and not there:
        raise RunError(f"{output}: no run to go on with; leave --resume away to start one")
    if there and not resume:
        raise RunError(f"{output}: holds a run already; go on with it by --resume, or choose another folder")
    for name in (MODEL, DESCRIPTOR):
        if not there and (output / name).exists():
            raise RunError(f"{output}: holds the {name} of a finished run; choose another folder")
    if resume and (changed := changed_settings(output, settings)):
        raise RunError(f"{output}: was begun with other settings ({', '.join(changed)})")


def refuse_other_start(output: Path, start: Path | None, before: DataNote | None) -> None:
    """The weights of a run that goes on are its own; that it is told again where it began does no harm."""
    if start is not None and (before is None or before.start != start.name):
        raise RunError(f"{output}: did not begin with {start}; leave --start-from away to go on")


def clear(output: Path) -> None:
    """Remove what a run left that ended before its first checkpoint: its numbers are not this one's."""
    for left in (LOG, "tensorboard/events.*", "reconstructions/step_*.png"):
        for path in output.glob(left):
            path.unlink()


def changed_settings(output: Path, settings: TrainingSettings) -> list[str]:
    """Names of the settings in which a run differs from these, but for its description and its steps."""
    now, before = settings.model_dump(mode="json"), _settings_of(output)
    changed = [key for key in now if now[key] != before.get(key) and key != "description"]
    # More steps are the one change that makes sense in the middle.
    if changed == ["optimiser"]:
        steps = {"steps": 0}
        changed = [] if now["optimiser"] | steps == before["optimiser"] | steps else changed
    return changed


def _settings_of(output: Path) -> dict[str, Any]:
    """The settings of a run; what was not known yet when it was begun is as by default."""
    tree: dict[str, Any] = yaml.safe_load((output / CONFIG).read_text(encoding="utf-8"))
    try:
        return check_settings(TrainingSettings, tree, str(output / CONFIG)).model_dump(mode="json")
    except SettingsError:
        return tree
