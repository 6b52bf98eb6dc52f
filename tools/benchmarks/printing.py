"""Where results are printed, and on which machine they were measured."""

from __future__ import annotations

import platform
import sys

import numpy as np
from rich.console import Console

console = Console(width=None if sys.stdout.isatty() else 110)


def introduce_machine(threads: int = 1) -> None:
    """Say what was measured on."""
    machine = platform.processor() or platform.machine()
    amount = "one thread" if threads == 1 else f"{threads} threads"
    console.print(f"{machine}, Python {platform.python_version()}, numpy {np.__version__}, {amount}")
