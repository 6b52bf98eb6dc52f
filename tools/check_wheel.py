"""Build the wheel, install it into an empty environment, and use it from another folder.

python tools/check_wheel.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What an installed copy must be able to do without the checkout: find its configurations, and track.
USE = """
import numpy as np
import reid, tracker
from tracker import Detections, Tracker
assert "site-packages" in tracker.__file__, tracker.__file__
for name in ("sort", "deepsort"):
    engine = Tracker(name)
    for _ in range(4):
        tracks = engine.update(Detections(np.array([[10.0, 20.0, 50.0, 120.0]])))
    assert tracks.ids.tolist() == [1], tracks
"""


def run(*command: str | Path, cwd: Path, **variables: str) -> None:
    """Run a command; if it fails, so does this program."""
    print("$", *command, flush=True)
    # Neither the checkout nor a tool's own environment may help the installed copy.
    foreign = ("PYTHON", "VIRTUAL_ENV", "VHP_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    subprocess.run([str(part) for part in command], cwd=cwd, env=clean | variables, check=True)


def main() -> None:
    """Do all of it in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="wheel check ") as temporary:
        folder = Path(temporary)
        run(
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            folder,
            ROOT,
            cwd=folder,
        )
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "env", with_pip=True)
        scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        constraints = ROOT / "constraints.txt"
        run(
            scripts / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--constraint",
            constraints,
            wheel,
            cwd=folder,
        )
        run(scripts / "python", "-c", USE, cwd=folder)
        run(sys.executable, ROOT / "tools" / "make_demo_sequence.py", folder / "data" / "STREET",
            "--no-images", "--frames", "30", cwd=folder)  # fmt: skip
        run(scripts / "track", "--seq", "STREET", cwd=folder)
        assert (folder / "results" / "deepsort" / "STREET.txt").stat().st_size > 0
        run(scripts / "reid", "--help", cwd=folder)
        print(f"{wheel.name}: works when installed ({wheel.stat().st_size / 2**20:.1f} MiB)")


if __name__ == "__main__":
    main()
