"""Where what can be computed again is kept, so that it need not be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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
