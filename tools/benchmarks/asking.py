"""What a benchmark is asked for."""

from __future__ import annotations

import typer


def whole_numbers(text: str) -> list[int]:
    """Read numbers above 0 such as ``20,50,100``.

    Raises:
        typer.BadParameter: if they are anything else.
    """
    found = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(found) < 1:
        raise typer.BadParameter(f"{text!r}: expected whole numbers above 0, separated by commas")
    return found
