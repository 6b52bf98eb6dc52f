"""Build the wheel, install it beside nothing but what it asks for, and use it from another folder.

python tools/check_wheel.py

What the wheel depends on is not installed a second time, which would take six gigabytes of disk,
most of them torch's: it is linked from the environment that runs this program. What that
environment holds beyond the wheel's own dependencies (the checkout, development tools) is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

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


def dependencies(asked: Distribution) -> list[Distribution]:
    """All distributions here that one needs, directly or through others, without its extras."""
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [(asked, "")]
    while waiting:
        asking, extra = waiting.pop()
        for requirement in map(Requirement, asking.requires or ()):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            for wanted in {(requirement.name, of_it) for of_it in ("", *requirement.extras)} - found.keys():
                found[wanted] = distribution(requirement.name)
                waiting.append((found[wanted], wanted[1]))
    return list(found.values())


def link(installed: Distribution, site_packages: Path) -> None:
    """Make a distribution of this environment one of another, too."""
    top_level = {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}
    for name in top_level:
        if not (site_packages / name).exists():
            (site_packages / name).symlink_to(Path(str(installed.locate_file(name))))


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
        python = scripts / "python"
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
        site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env")}))
        (ours,) = distributions(name="vhp-fmvae-sort", path=[str(site_packages)])
        for needed in dependencies(ours):
            link(needed, site_packages)
        run(python, "-m", "pip", "check", cwd=folder)
        run(python, "-c", USE, cwd=folder)
        run(sys.executable, ROOT / "tools" / "make_demo_sequence.py", folder / "data" / "STREET",
            "--no-images", "--frames", "30", cwd=folder)  # fmt: skip
        run(scripts / "track", "--seq", "STREET", cwd=folder)
        assert (folder / "results" / "deepsort" / "STREET.txt").stat().st_size > 0
        run(scripts / "reid", "--help", cwd=folder)
        print(f"{wheel.name}: works when installed ({wheel.stat().st_size / 2**20:.1f} MiB)")


if __name__ == "__main__":
    main()
