"""What is written about a sequence is what is read about it."""

from __future__ import annotations

from pathlib import Path

from reid.footage.sequence import SequenceInfo, write_description


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "my street"
    write_description(folder, "my street", 12, 29.97, (640, 480), ".png")
    found = SequenceInfo.read(folder)
    assert (found.name, found.length, found.frame_rate) == ("my street", 12, 29.97)
    assert (found.width, found.height, found.image_extension) == (640, 480, ".png")
    assert found.image_folder == folder.resolve() / "img1"
