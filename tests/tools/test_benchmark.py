from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from benchmarks.encoding import encoding
from benchmarks.memory import peak_mebibytes
from benchmarks.osnet import HEIGHT, WIDTH, OSNet
from benchmarks.pipeline import pipeline
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from tests.tools.commands import run
from tests.tracker.sequences import SequenceMaker


def test_the_pipeline_is_timed_with_unknown_and_with_known_vectors(tmp_path: Path) -> None:
    make_sequence = SequenceMaker(tmp_path)
    make_sequence.add_images(make_sequence("shop", length=8))
    arguments = ["--seq", "shop", "--data-root", tmp_path, "--min-confidence", 0.5, "--threads", 1]
    result = run(pipeline, *arguments, "--descriptors", "histogram")
    assert result.exit_code == 0, result.output
    rows = [line.split("│")[1:-1] for line in result.output.splitlines() if "histogram" in line]
    computed, known = ([cell.strip() for cell in row] for row in rows)
    assert computed[1:3] == ["deepsort", "computed"]
    assert known[1:3] == ["bytetrack", "known"]
    assert float(computed[5].rstrip("%")) > 0
    assert known[5] == "0%"


def test_the_help_keeps_a_line_for_each_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set for good by the tool, for a process of its own.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    from benchmark import app

    shown = CliRunner().invoke(app, ["--help"]).output
    starts = [line.split()[2] for line in shown.splitlines() if "tools/benchmark.py" in line]
    assert starts == ["trackers", "gallery", "memory", "encoding", "pipeline"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("trackers --sizes abc", "'abc': expected whole numbers above 0"),
        ("trackers --sizes 5 --frames 0", "'--frames'"),
        ("trackers --sizes 5 --rounds 0", "'--rounds'"),
        ("gallery --sizes 0", "'0': expected whole numbers above 0"),
        ("gallery --sizes 10 --seconds 0", "'--seconds'"),
        ("encoding --networks fmvae-small --batches 1,0", "'1,0': expected whole numbers above 0"),
        ("memory --tracker nosuch", "error: unknown tracker 'nosuch'; known: bytetrack, "),
        ("pipeline --threads -1", "'--threads'"),
        ("pipeline --data-root nowhere", "error: nowhere: no such folder"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    arguments: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Set for good by the tool, for a process of its own.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    from benchmark import main

    monkeypatch.setattr(sys, "argv", ["benchmark.py", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code not in (0, None)
    told = ended.value.code if isinstance(ended.value.code, str) else capsys.readouterr().err
    assert message in told


@pytest.mark.parametrize("width, millions", [(0.25, 82.3), (1.0, 978.9)])
def test_an_osnet_costs_what_its_authors_say(width: float, millions: float) -> None:
    # Shapes are enough to count.
    with torch.device("meta"):
        network, image = OSNet(width).eval(), torch.zeros(1, 3, HEIGHT, WIDTH)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        assert network(image).shape == (1, 512)
    # A multiply-add counts as two there.
    assert counter.get_total_flops() / 2e6 == pytest.approx(millions, abs=0.05)


def test_a_descriptor_is_timed_beside_osnets_and_networks_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from tests.reid.onnx_networks import averaging_network

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # Tests that come after this one may want to read warnings, which it puts off.
    monkeypatch.setattr(logging.root.manager, "disable", logging.NOTSET)
    averaging_network(tmp_path / "mine.onnx", ["N", 3, 64, 32])
    arguments = ["--networks", "fmvae-small", "--osnets", 0.25, "--onnx", tmp_path / "mine.onnx"]
    result = run(encoding, *arguments, "--batches", "1,2", "--rounds", 1)
    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines()]
    speeds = {tuple(row[:2]): [float(cell.replace(",", "")) for cell in row[2:4]] for row in rows if row}
    foreign = {("osnet-x0.25", "as it is"), ("mine", "as it is")}
    forms = {("fmvae-small", form) for form in ("float32", "float32, onnxruntime", "int8, onnxruntime")}
    assert foreign | forms <= set(speeds)
    assert all(speed > 0 for row in speeds.values() for speed in row)


@pytest.mark.parametrize("platform, unit", [("linux", 2**10), ("darwin", 1)])
def test_memory_is_in_mebibytes_on_every_platform(
    platform: str, unit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    usage = SimpleNamespace(ru_maxrss=300 * 2**20 // unit)
    monkeypatch.setattr(resource, "getrusage", lambda _: usage)
    monkeypatch.setattr(sys, "platform", platform)
    assert peak_mebibytes() == 300
