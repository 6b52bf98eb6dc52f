"""The reference of a command's options, from the command itself."""

from __future__ import annotations

import re
from typing import Any

import typer


def command_page(title: str, introduction: str, apps: dict[str, typer.Typer]) -> str:
    """Markdown with a section for each command and subcommand."""
    parts = [f"# {title}\n\n{introduction}\n"]
    for name, app in apps.items():
        for words, command in commands_of(name, app).items():
            parts.append(f"## `{words}`\n\n{_help(command)}\n\n{_table(command)}\n")
    return "\n".join(parts)


def commands_of(name: str, app: typer.Typer) -> dict[str, Any]:
    """Click's commands by the words that call them, "reid train" for example."""
    command: Any = typer.main.get_command(app)
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        return {name: command}
    return {f"{name} {word}": one for word, one in subcommands.items()}


def _help(command: Any) -> str:
    """The command's description, its examples as code."""
    return "\n\n".join(
        f"    {text.removeprefix('Example: ')}"
        if text.startswith("Example: ")
        else _escaped(" ".join(text.split()))
        for text in (command.help or "").split("\n\n")
    )


def _table(command: Any) -> str:
    context = typer.Context(command)
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [f"| {_code(what)} | {_escaped(words)} |" for what, words in filter(None, records)]
    return "\n".join(["| option | what it does |", "|---|---|", *rows])


def _escaped(text: str) -> str:
    """Text that Markdown leaves as it is, also in a table."""
    return re.sub(r"([|*<])", r"\\\1", text)


def _code(text: str) -> str:
    # A bar would end the table's cell, even in code.
    return f"`{text}`".replace("|", "\\|")
