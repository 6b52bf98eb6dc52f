"""The tools' commands, as tests run them."""

from __future__ import annotations

from collections.abc import Callable

from typer import Typer
from typer.testing import CliRunner, Result


def run(command: Callable[..., None], *arguments: object) -> Result:
    app = Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
