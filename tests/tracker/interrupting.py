"""Ctrl-C for programs that the tests start."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple


class Ended(NamedTuple):
    """How a program ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def interrupted(
    command: list[str],
    ready: Callable[[], bool],
    pause: float = 0.0,
    kind: signal.Signals = signal.SIGINT,
) -> Ended:
    """Start a program, and send it Ctrl-C or so as soon as ``ready``, and a pause in seconds after that."""

    def heed() -> None:
        """Programs started in the background or by nohup inherit that some signals are passed over."""
        signal.signal(kind, signal.SIG_DFL)

    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if sys.platform == "win32" else heed,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not ready():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(pause)
            process.send_signal(kind)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            # It might never end by itself.
            process.kill()
    return Ended(process.returncode, stdout, stderr)
