"""Where what can be computed again is kept, so that it need not be; and locks."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

_NAME = "vhp-fmvae-sort"


def cache_folder() -> Path:
    """``$VHP_CACHE`` if it is set, else this program's folder in the user's cache, as the platform has it."""
    if own := os.environ.get("VHP_CACHE"):
        return Path(own)
    if root := os.environ.get("XDG_CACHE_HOME"):
        return Path(root) / _NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / _NAME / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / _NAME
    return Path.home() / ".cache" / _NAME


def lock_of(folder: Path) -> FileLock:
    """A lock on a folder between this user's processes, which leaves nothing in the folder itself."""
    # Not wanted where nothing is locked: `track` starts sooner.
    from filelock import FileLock

    locks = cache_folder() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32])
