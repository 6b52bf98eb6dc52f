"""What is printed, whatever takes it."""

from __future__ import annotations

import io
import sys

import pytest

from reid.files import FileError
from reid.printing import print_out, print_what_can_be_shown


@pytest.mark.parametrize(
    "encoding, shown",
    [
        ("utf-8", "a ─ b – c × d … 街 ?\n"),
        ("cp1252", "a - b – c × d … ? ?\n"),
        ("iso8859-1", "a - b - c × d ... ? ?\n"),
    ],
)
def test_what_an_encoding_lacks_has_a_stand_in(
    encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(taken, encoding=encoding, newline=""))
    print_what_can_be_shown()
    print_out("a ─ b – c × d … 街 \udcff")  # the last is what a file name in no encoding becomes
    assert taken.getvalue().decode(encoding) == shown


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_other_streams_stay_as_they_are(stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
    print_what_can_be_shown()
    print_out("街")


def test_what_cannot_be_printed_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(FileError, match=r"standard output: cannot be written \(No space left on device\)"):
        print_out("text")
