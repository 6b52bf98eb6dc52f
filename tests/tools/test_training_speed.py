"""Trainings are timed with and without the flatness regulariser."""

from __future__ import annotations

from training_speed import main
from typer import Typer
from typer.testing import CliRunner

app = Typer()
app.command()(main)


def test_a_line_for_each_configuration() -> None:
    arguments = ["fmvae-small", "--batch", "4", "--steps", "1", "--device", "cpu", "--peak", "1"]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    cells = [cell.strip() for cell in outcome.output.splitlines()[-1].strip("| ").split("|")]
    assert cells[:2] == ["fmvae-small", "4"]
    assert float(cells[2].replace(",", "")) > 0
    assert 0 <= float(cells[3].rstrip("%")) < 100
    # Forward and backward of a network of 46 million multiply-adds, and of its decoder.
    assert 0.2 < float(cells[5]) < 2


def test_full_precision_is_said() -> None:
    arguments = ["fmvae-small", "--batch", "4", "--steps", "1", "--device", "cpu", "--full-precision"]
    assert "cpu, float32, 1 threads" in CliRunner().invoke(app, arguments).output


def test_an_unknown_configuration_is_named() -> None:
    outcome = CliRunner().invoke(app, ["fmvae-tiny"])
    assert outcome.exit_code == 1
    assert "fmvae-tiny" in outcome.output
