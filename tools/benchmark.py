"""Measure speed and memory, beside other packages where they are installed.

python tools/benchmark.py trackers     whole update steps, one thread, in turn in one run
python tools/benchmark.py gallery      ways to find the nearest among many vectors, one thread
python tools/benchmark.py memory       resident size after the first thousand and after many frames
python tools/benchmark.py encoding     forms of a descriptor's network: speed, and how far their vectors move
python tools/benchmark.py pipeline     a real sequence from images to identities, and again from the cache
"""

from __future__ import annotations

import os
import sys

# One thread: numbers that can be compared. To be said before numpy is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import typer
from benchmarks.encoding import encoding
from benchmarks.gallery import gallery
from benchmarks.memory import memory
from benchmarks.pipeline import pipeline
from benchmarks.trackers import trackers

# Lines that are to stay lines.
_HELP = (__doc__ or "").replace("\n\n", "\n\n\b\n")

app = typer.Typer(add_completion=False, no_args_is_help=True, help=_HELP, rich_markup_mode=None)
for _command in (trackers, gallery, memory, encoding, pipeline):
    app.command()(_command)


def main() -> None:
    """Run a command; what the user can put right is told in one line."""
    try:
        app()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
