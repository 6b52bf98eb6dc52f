from __future__ import annotations

from pathlib import Path

import pytest
import torch
import typer
from benchmarks.encoding import encoding
from benchmarks.osnet import HEIGHT, WIDTH, OSNet
from benchmarks.pipeline import pipeline
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from tests.tracker.sequences import SequenceMaker


def test_the_pipeline_is_timed_with_unknown_and_with_known_vectors(tmp_path: Path) -> None:
    make_sequence = SequenceMaker(tmp_path)
    make_sequence.add_images(make_sequence("shop", length=8))
    app = typer.Typer()
    app.command()(pipeline)
    arguments = ["--seq", "shop", "--data-root", tmp_path, "--min-confidence", 0.5, "--threads", 1]
    result = CliRunner().invoke(app, [*map(str, arguments), "--descriptors", "histogram"])
    assert result.exit_code == 0, result.output
    rows = [line.split("│")[1:-1] for line in result.output.splitlines() if "histogram" in line]
    computed, known = ([cell.strip() for cell in row] for row in rows)
    assert computed[1:3] == ["deepsort", "computed"]
    assert known[1:3] == ["bytetrack", "known"]
    assert float(computed[5].rstrip("%")) > 0
    assert known[5] == "0%"


@pytest.mark.parametrize("width, millions", [(0.25, 82.3), (1.0, 978.9)])
def test_an_osnet_costs_what_its_authors_say(width: float, millions: float) -> None:
    network = OSNet(width).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        assert network(torch.zeros(1, 3, HEIGHT, WIDTH)).shape == (1, 512)
    # A multiply-add counts as two there.
    assert counter.get_total_flops() / 2e6 == pytest.approx(millions, abs=0.05)


def test_a_descriptor_is_timed_beside_osnets_and_networks_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from benchmarks.osnet import write_osnet

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_osnet(tmp_path / "mine.onnx", 0.25)
    app = typer.Typer()
    app.command()(encoding)
    arguments = ["--networks", "fmvae-small", "--osnets", "0.25", "--onnx", str(tmp_path / "mine.onnx")]
    result = CliRunner().invoke(app, [*arguments, "--batches", "1,2", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines()]
    speeds = {tuple(row[:2]): [float(cell) for cell in row[2:4]] for row in rows if row}
    foreign = {("osnet-x0.25", "as it is"), ("mine", "as it is")}
    forms = {("fmvae-small", form) for form in ("float32", "float32, onnxruntime", "int8, onnxruntime")}
    assert foreign | forms <= set(speeds)
    assert all(speed > 0 for row in speeds.values() for speed in row)
