"""What importing the package costs, seen in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import tracker

HEAVY = {
    "torch",
    "torchvision",
    "scipy.optimize",
    "cv2",
    "pandas",
    "supervision",
    "matplotlib",
    "rich",
    "typer",
}


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_tracker_imports_nothing_heavy() -> None:
    loaded = json.loads(run("import json, sys, tracker; print(json.dumps(list(sys.modules)))"))
    assert "tracker.engine" in loaded
    assert not HEAVY & set(loaded)


def test_tracking_without_appearance_needs_no_torch() -> None:
    code = """
import sys, tracker
for name in ("sort", "deepsort"):
    engine = tracker.Tracker(name)
    for _ in range(4):
        tracks = engine.update(tracker.Detections([[0, 0, 10, 20], [5, 0, 15, 20]]))
    print(len(tracks))
print("torch" in sys.modules)
"""
    assert run(code).split() == ["2", "2", "False"]


def test_importing_takes_less_than_half_a_second() -> None:
    # Time on the processor, and once in three tries: the machine may be busy with other things.
    code = "import time; start = time.process_time(); import tracker; print(time.process_time() - start)"
    assert any(float(run(code)) < 0.5 for _ in range(3))


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(tracker.__file__).parent / "py.typed").is_file()


def test_every_public_name_is_there() -> None:
    assert all(hasattr(tracker, name) for name in tracker.__all__)
