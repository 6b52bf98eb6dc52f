"""What a program prints, whatever takes it: a terminal of long ago, a disk that is full, a closed pipe."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress

import typer

from reid.files import FileError

# What tables and messages are made of, besides ASCII; anything else becomes a question mark.
_STAND_INS = {"─": "-", "–": "-", "…": "...", "×": "x"}
_ERRORS = "reid.stand-in"


def print_what_can_be_shown() -> None:
    """Let stand-ins be printed for characters that the encoding of a stream lacks; to be called once."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def print_out(text: str, *, nl: bool = True) -> None:
    """Print to the standard output.

    Args:
        text: what to print.
        nl: whether the line ends with it.

    Raises:
        FileError: if that cannot be written; whatever is printed later is lost without a word.
    """
    try:
        typer.echo(text, nl=nl)
    except OSError as error:
        _go_on_unheard()
        raise FileError(
            f"standard output: cannot be written ({error.strerror}); expected a place that takes what is "
            f"printed"
        ) from error


def _go_on_unheard() -> None:
    """What is still in the buffer would fail once more, with a traceback, when the program ends."""
    with suppress(OSError):  # a stream that is no file has no such buffer
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_STAND_INS.get(character, "?") for character in lost), error.end


codecs.register_error(_ERRORS, _stand_in)
