"""The command ``reid``, as tests run it."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from reid.cli import app


def reid(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fails(result: Result, message: str) -> bool:
    """Whether a command ended with this one line and nothing else."""
    print(result.output)
    one_line = result.stderr.startswith("reid: ") and result.stderr.count("\n") == 1
    return result.exit_code == 1 and one_line and message in result.stderr and not result.stdout
