"""The command ``track``, as tests run it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from tracker.cli import app


def track(*arguments: str | Path) -> Result:
    """Run it; errors are told in words, in one line each."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def fails(*arguments: str | Path) -> str:
    """The complaint of a run that must fail."""
    result = track(*arguments)
    assert result.exit_code == 1
    return result.stderr
