from __future__ import annotations

from pathlib import Path

import pytest

from reid.files import written_atomically


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
