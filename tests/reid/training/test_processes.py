"""Several processes train one model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.reid.training.test_loop import make_loop

ROOT = Path(__file__).parents[3]


def main(folder: Path) -> None:
    """What each process does: some steps, then say what its weights are."""
    loop = make_loop(folder, steps=10)
    before = {name: value.clone() for name, value in loop.method.network.state_dict().items()}
    loop.run()
    state = {"before": before, "after": loop.method.network.state_dict(), "method": loop.method.state()}
    torch.save(state, folder / f"process_{loop.accelerator.process_index}.pt")


@pytest.mark.slow
def test_processes_agree_on_weights_and_multiplier(tmp_path: Path) -> None:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    together = tmp_path / "two processes"
    together.mkdir()
    done = subprocess.run(
        [sys.executable, *launch, "-m", "tests.reid.training.test_processes", str(together)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    one, other = (torch.load(together / f"process_{number}.pt", weights_only=True) for number in range(2))
    assert all(torch.equal(one["after"][name], other["after"][name]) for name in one["after"])
    assert one["method"] == other["method"]
    assert any(not torch.equal(one["after"][name], one["before"][name]) for name in one["after"])
    # The log is written once.
    assert len((together / "log.jsonl").read_text(encoding="utf-8").splitlines()) == 2


if __name__ == "__main__":
    main(Path(sys.argv[1]))
