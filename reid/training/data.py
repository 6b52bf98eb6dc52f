"""The crops that a run learns from, and the note of them in its folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from reid.crops import evenly_spaced
from reid.datasets.building import CropSettings, build_store
from reid.datasets.crops import CropSource
from reid.datasets.market import MarketFolder, is_market_folder
from reid.datasets.motchallenge import is_sequence
from reid.datasets.opening import open_crops
from reid.datasets.store import CropStore
from reid.files import write_text
from reid.training.settings import DataSettings

_NOTE = "data.json"

# So many of the crops stand for all of them.
_COMPARED = 1000


class RunError(ValueError):
    """A run that cannot be started or gone on with."""


def open_store(
    data: Sequence[Path | CropSource],
    settings: DataSettings,
    held_out: int = 0,
    progress: Callable[[str, int], None] | None = None,
) -> CropStore:
    """The crops of some data, cut as the settings say; from the cache if they were cut before."""
    if not data:
        raise RunError("no data: name a folder of crops, a sequence with detections, or other footage")
    sources: list[CropSource] = []
    for each in data:
        if not isinstance(each, Path):
            sources.append(each)
        elif held_out and each.is_dir() and not is_sequence(each) and is_market_folder(each, partly=True):
            # One name in another style is told: taken for a mere folder of crops, it would hold nobody out.
            sources.append(MarketFolder(each, leave_out_last=held_out))
        else:
            sources.append(open_crops(each))
    if held_out and not any(isinstance(source, MarketFolder) for source in sources):
        raise RunError(
            f"--held-out {held_out}: is for Market-1501 style folders, whose file names say who is to be "
            f"left out; there is none"
        )
    crops = CropSettings(height=settings.height, width=settings.width, policy=settings.policy)
    return build_store(sources, crops, progress=progress)


@dataclass(frozen=True, slots=True)
class DataNote:
    """What a run learnt from, as its folder keeps it.

    Attributes:
        sources: their names.
        crops: how many there are.
        held_out: identities left out of each Market-1501 style folder.
        store: the key of the crops in the cache.
        digest: stands for the crops, wherever they lie; "" in a note of before there were any.
        start: the name of the run whose weights it began with.
    """

    sources: list[str]
    crops: int
    held_out: int
    store: str
    digest: str = ""
    start: str | None = None

    @classmethod
    def of(cls, store: CropStore, held_out: int, start: str | None = None) -> DataNote:
        """Take note of some crops."""
        return cls(list(store.sources), len(store), held_out, store.key, _digest(store), start)

    @classmethod
    def read(cls, folder: Path) -> DataNote | None:
        """The note in a run's folder, if there is one."""
        path = folder / _NOTE
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def write(self, folder: Path) -> None:
        """Leave it in a run's folder."""
        write_text(folder / _NOTE, json.dumps(asdict(self), indent=2))

    def refuse_others(self, now: DataNote, folder: Path) -> None:
        """Raise if the crops are others now: a run that went on would no longer be the run it says it is.

        Raises:
            RunError: says which they were, and which they are.
        """
        if self.digest not in ("", now.digest):
            raise RunError(
                f"{folder}: was begun with other crops: {self.crops:,} of {', '.join(self.sources)} "
                f"with --held-out {self.held_out}, not {now.crops:,} with {now.held_out}"
            )


def _digest(store: CropStore) -> str:
    """Stands for how many crops there are, and for the pixels of some of them."""
    found = hashlib.sha256(str(len(store)).encode())
    for row in evenly_spaced(len(store), _COMPARED):
        found.update(store.images[row].tobytes())
    return found.hexdigest()
