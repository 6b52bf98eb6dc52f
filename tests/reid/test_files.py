from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from reid.files import (
    FileError,
    folder_written_atomically,
    refuse_overwriting,
    write_text,
    written_atomically,
)


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file.txt"
    with written_atomically(path) as unfinished:
        unfinished.write_text("first")

    def interrupted() -> None:
        with written_atomically(path) as unfinished:
            unfinished.write_text("sec")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "first"
    with written_atomically(path) as unfinished:
        unfinished.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_the_old_folder_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "new folder" / "street"

    def written(name: str) -> None:
        with folder_written_atomically(folder) as unfinished:
            (unfinished / name).touch()
            if name == "broken":
                raise KeyboardInterrupt
            if name == "lost":
                # What takes the new one away does not take the old one, too.
                shutil.rmtree(unfinished)

    def there() -> list[str]:
        return sorted(str(path.relative_to(folder.parent)) for path in folder.parent.rglob("*"))

    written("first")
    assert there() == ["street", "street/first"]
    with pytest.raises(KeyboardInterrupt):
        written("broken")
    with pytest.raises(FileNotFoundError):
        written("lost")
    assert there() == ["street", "street/first"]
    written("second")
    assert there() == ["street", "street/second"]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_text_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.md"
    write_text(path, "one\n")
    write_text(path, "two β\n")
    assert path.read_text(encoding="utf-8") == "two β\n"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(FileError, match="new: cannot be written"):
        write_text(tmp_path / "new", "three\n")


def no_room(path: Path) -> None:
    """A writer that runs into a full disk."""
    path.write_text("the first ha")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("first")
    with (
        pytest.raises(FileError, match=r"file\.txt: cannot be written \(No space left on device\)"),
        written_atomically(path) as unfinished,
    ):
        no_room(unfinished)
    assert path.read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_nothing_is_written_over_what_is_read_or_twice(tmp_path: Path) -> None:
    source, link = tmp_path / "street.mp4", tmp_path / "link.mp4"
    source.touch()
    link.symlink_to(source)
    refuse_overwriting([tmp_path / "a.txt", tmp_path / "b.txt"], [source])
    with pytest.raises(FileError, match=r"link\.mp4: is read, and would be written over"):
        refuse_overwriting([tmp_path / "a.txt", link], [source])
    with pytest.raises(FileError, match=r"a\.txt: would be written twice"):
        refuse_overwriting([tmp_path / "a.txt", tmp_path / "x" / ".." / "a.txt"], [])


def test_what_is_wrong_with_another_file_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_atomically(tmp_path / "file.txt"):
        (tmp_path / "input.txt").read_text()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(FileError, match="cannot be written"),
        written_atomically(tmp_path / "file" / "a.txt"),
    ):
        pytest.fail("the block must not be entered")
