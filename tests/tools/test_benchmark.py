from __future__ import annotations

from pathlib import Path

import typer
from benchmarks.pipeline import pipeline
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
