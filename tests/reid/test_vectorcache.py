from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from reid.caching import cache_folder
from reid.descriptor import Description
from reid.vectorcache import MEGABYTE, Entry, VectorCache


def entry(count: int = 3, width: int = 8, seed: int = 0) -> Entry:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, width)).astype(np.float32)
    return Entry(rng.uniform(0, 100, (count, 4)), Description(vectors, rng.random(count).astype(np.float32)))


def equal(ours: Entry | None, theirs: Entry) -> None:
    assert ours is not None
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)
    np.testing.assert_array_equal(ours.description.vectors, theirs.description.vectors)
    np.testing.assert_array_equal(ours.description.quality, theirs.description.quality)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "vectors.sqlite"


def test_what_was_put_is_there_the_next_time(path: Path) -> None:
    given = entry()
    given.description.vectors[1] = np.nan
    with VectorCache(path) as cache:
        cache.put("network", [("frame 1", given), ("frame 2", entry(0))])
    with VectorCache(path) as cache:
        equal(cache.get("frame 1", "network"), given)
        equal(cache.get("frame 2", "network"), entry(0))
        assert cache.get("frame 3", "network") is None
        assert cache.get("frame 1", "another network") is None
        assert cache.notes == []


def test_boxes_add_up(path: Path) -> None:
    first, second = entry(3, seed=1), entry(2, seed=2)
    both = Entry(np.vstack([first.boxes[1:], second.boxes]), entry(4, seed=3).description)
    with VectorCache(path) as cache:
        cache.put("network", [("frame", first)])
        cache.put("network", [("frame", both)])
        found = cache.get("frame", "network")
    assert found is not None
    rows = found.find(np.vstack([second.boxes, first.boxes, second.boxes + 1e-9]))
    assert rows.tolist() == [3, 4, 0, 1, 2, -1, -1]
    # What is known stays as it was.
    np.testing.assert_array_equal(found.description.vectors[:3], first.description.vectors)
    np.testing.assert_array_equal(found.description.vectors[3:], both.description.vectors[2:])


def test_what_was_not_used_for_longest_goes_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("reid.vectorcache.time.time", lambda: now)
    limit = MEGABYTE
    with VectorCache(path, limit) as cache:
        for now in range(300):
            cache.put("network", [(f"frame {now}", entry(20, 128, seed=now))])
            assert cache.get("frame 0", "network") is not None
            if now % 10 == 9:
                cache.close()
                cache = VectorCache(path, limit)
        known = [number for number in range(300) if cache.get(f"frame {number}", "network") is not None]
    assert path.stat().st_size <= limit
    assert 40 < len(known) < 100
    assert known == [0, *range(301 - len(known), 300)]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_told_and_begun_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with VectorCache(path) as cache:
        cache.put("network", [("frame", entry())])
        assert cache.get("frame", "network") is None
    (note,) = cache.notes
    assert str(path) in note
    assert "is damaged and was removed" in note
    with VectorCache(path) as cache:
        cache.put("network", [("frame", entry())])
        assert cache.get("frame", "network") is not None
        assert cache.notes == []


def test_damage_in_the_middle_is_told(path: Path) -> None:
    with VectorCache(path) as cache:
        cache.put("network", [(f"frame {number}", entry(20, 128, number)) for number in range(50)])
    content = bytearray(path.read_bytes())
    content[4096:-4096] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with VectorCache(path) as cache:
        assert [cache.get(f"frame {number}", "network") for number in range(50)] == [None] * 50
    assert len(cache.notes) == 1


def test_a_damaged_entry_is_not_believed(path: Path) -> None:
    with VectorCache(path) as cache:
        cache.put("network", [("good", entry(seed=1)), ("flipped", entry(seed=2)), ("short", entry(seed=3))])
    with sqlite3.connect(path) as database:
        for row, changed in ((2, lambda data: data[:60] + b"?" + data[61:]), (3, lambda data: data[:5])):
            (data,) = database.execute("SELECT entry FROM frames WHERE rowid = ?", (row,)).fetchone()
            database.execute("UPDATE frames SET entry = ? WHERE rowid = ?", (changed(data), row))
    database.close()
    with VectorCache(path) as cache:
        assert cache.get("good", "network") is not None
        assert cache.get("flipped", "network") is None
        assert cache.get("short", "network") is None
        # And it is replaced by what is right.
        cache.put("network", [("flipped", entry(seed=2))])
        equal(cache.get("flipped", "network"), entry(seed=2))


def full_disk(path: Path, pages: int) -> VectorCache:
    """A cache whose file cannot grow, as on a full disk: SQLite reports both alike."""
    cache = VectorCache(path)
    cache._opened().execute(f"PRAGMA max_page_count = {pages}")
    return cache


def test_a_full_disk_is_told_once_and_what_was_kept_stays(path: Path) -> None:
    with full_disk(path, 40) as cache:
        for number in range(30):
            cache.put("network", [(f"frame {number}", entry(20, 128, number))])
    (note,) = cache.notes
    assert "the cache of vectors is not used (database or disk is full)" in note
    with VectorCache(path) as cache:
        equal(cache.get("frame 0", "network"), entry(20, 128, 0))
        assert cache.get("frame 29", "network") is None
        assert cache.notes == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with VectorCache(tmp_path / "file" / "vectors.sqlite") as cache:
        cache.put("network", [("frame", entry())])
        assert cache.get("frame", "network") is None
    assert len(cache.notes) == 1
    assert "is not used" in cache.notes[0]


def test_two_programs_and_many_threads_may_share_it(path: Path) -> None:
    caches = [VectorCache(path), VectorCache(path)]

    def work(cache: VectorCache, start: int) -> None:
        for number in range(start, start + 25):
            cache.put("network", [(f"frame {number}", entry(seed=number))])
            equal(cache.get(f"frame {number}", "network"), entry(seed=number))

    threads = [
        threading.Thread(target=work, args=(cache, start)) for cache in caches for start in (0, 20, 40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for cache in caches:
        for number in range(65):
            equal(cache.get(f"frame {number}", "network"), entry(seed=number))
        cache.close()
        assert cache.notes == []


@pytest.mark.parametrize(
    "variables, expected",
    [
        ({"VHP_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/vhp-fmvae-sort"),
    ],
)
def test_the_user_says_where(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VHP_CACHE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)
    monkeypatch.setenv("VHP_CACHE", str(Path.cwd() / "no such"))
    assert cache_folder().name == "no such"
