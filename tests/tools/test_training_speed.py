"""Trainings are timed with and without the flatness regulariser."""

from __future__ import annotations

import pytest
from training_speed import main

from tests.tools.commands import run


def test_a_line_for_each_configuration() -> None:
    outcome = run(main, "fmvae-small", "--batch", 4, "--steps", 1, "--device", "cpu", "--peak", 1)
    assert outcome.exit_code == 0, outcome.output
    cells = [cell.strip() for cell in outcome.output.splitlines()[-1].strip("| ").split("|")]
    assert cells[:2] == ["fmvae-small", "4"]
    assert float(cells[2].replace(",", "")) > 0
    assert 0 <= float(cells[3].rstrip("%")) < 100
    # Forward and backward of a network of 46 million multiply-adds, and of its decoder.
    assert 0.2 < float(cells[5]) < 2


def test_full_precision_is_said() -> None:
    outcome = run(main, "fmvae-small", "--batch", 4, "--steps", 1, "--device", "cpu", "--full-precision")
    assert "cpu, float32, 1 threads" in outcome.output


def test_an_unknown_configuration_is_named() -> None:
    outcome = run(main, "fmvae-tiny")
    assert outcome.exit_code == 1
    assert "fmvae-tiny" in outcome.output


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["fmvae-small", "--device", "abacus"], "error: device 'abacus' is not there"),
        # What it learns from is no crops.
        (["pendulum", "--device", "cpu"], "error: pendulum: "),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: list[str], message: str) -> None:
    outcome = run(main, *arguments, "--steps", 1)
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(message)
    assert outcome.stderr.count("\n") == 1
