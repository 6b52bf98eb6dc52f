"""Who looks like whom."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.report.confusions import compare_looks
from tracker.report.recording import Glimpse, Identity


def identity(number: int, vectors: list[list[float]], frames: range = range(1, 11)) -> Identity:
    glimpses = [
        Glimpse(frame, None, np.array(vector, dtype=np.float32))
        for frame, vector in zip(frames, vectors, strict=False)
    ]
    shown = np.array(frames)
    return Identity(number, shown, shown, np.ones(len(frames), dtype=np.bool_), glimpses)


def test_the_nearest_come_first() -> None:
    people = [
        identity(1, [[0, 0], [0, 1], [0, 2]]),
        identity(2, [[3, 0], [3, 1], [30, 2]], range(8, 20)),
        identity(3, [[9, 9]], range(11, 30)),
        identity(4, [[0, 2.5], [0, 50]]),
        identity(5, [[7, 7]]),
    ]
    looks = compare_looks(people[:1], people, "euclidean")
    assert list(looks) == [1]
    nearest = looks[1].nearest
    assert [other.number for other in nearest] == [4, 2, 5]
    # Its three views are 2.5, 1.5 and 0.5 from the nearest view of the fourth, 3, 3 and √10 of the second.
    assert nearest[0].distance == pytest.approx(1.5)
    assert nearest[1].distance == pytest.approx(3)
    assert [other.together for other in nearest] == [10, 3, 10]
    assert looks[1].own == pytest.approx(1)


def test_small_differences_of_long_vectors_are_seen() -> None:
    # As small against their lengths as float32 can tell.
    far = 1e4 + np.array([[0, 0], [0.25, 0], [0, 0.5]])
    people = [identity(number, [[float(x) for x in vector]]) for number, vector in enumerate(far, 1)]
    nearest = compare_looks(people[:1], people, "euclidean")[1].nearest
    assert [(other.number, other.distance) for other in nearest] == [
        (2, pytest.approx(0.25)),
        (3, pytest.approx(0.5)),
    ]


def test_cosine_does_not_see_lengths() -> None:
    people = [identity(1, [[1, 0]]), identity(2, [[50, 0]]), identity(3, [[1, 1]])]
    looks = compare_looks(people, people, "cosine")[1]
    assert [other.number for other in looks.nearest] == [2, 3]
    assert [other.distance for other in looks.nearest] == pytest.approx([0, 1 - 0.5**0.5], abs=1e-6)


def test_one_view_says_nothing_about_oneself() -> None:
    people = [identity(1, [[1, 0], [2, 0]]), identity(2, [[1, 0], [2, 0], [5, 0]])]
    looks = compare_looks(people, people, "euclidean")
    assert looks[1].own is None
    assert looks[2].own == pytest.approx(1)


def test_without_vectors_there_are_no_looks() -> None:
    people = [identity(1, []), identity(2, [[1.0, 0.0]])]
    assert compare_looks(people, people, "cosine").keys() == {2}
    assert compare_looks(people, people, "cosine")[2].nearest == []
    assert compare_looks(people[:1], people[:1], "cosine") == {}
