"""Recordings of a handful of people do not count as cameras of their own."""

from __future__ import annotations

import numpy as np

from reid.datasets.store import CropIndex
from reid.training.cameras import LEAST_SEEN, cameras_of, recordings_of


def recorded(*recordings: tuple[int, int], tracklets: bool = True) -> CropIndex:
    """Of each recording its source and how many are seen in it, in three crops each."""
    source = np.concatenate([np.full(3 * seen, number, np.int32) for number, seen in recordings])
    count = len(source)
    return CropIndex(
        source=source,
        frame=np.arange(count),
        box=np.zeros((count, 4)),
        score=np.ones(count, np.float32),
        camera=np.full(count, -1, np.int32),
        tracklet=np.arange(count) // 3 if tracklets else np.full(count, -1, np.int64),
    )


def test_each_source_with_many_people_is_a_camera() -> None:
    index = recorded((0, LEAST_SEEN), (1, LEAST_SEEN))
    assert cameras_of(index).tolist() == index.source.tolist()


def test_clips_of_a_few_people_are_one_camera_together() -> None:
    index = recorded((0, 50), *((number, 2) for number in range(1, 16)))
    assert cameras_of(index).tolist() == (index.source > 0).astype(int).tolist()
    # Their frames go on to have nothing to do with each other.
    assert recordings_of(index).tolist() == index.source.tolist()


def test_a_few_people_count_to_the_largest_where_even_together_they_are_few() -> None:
    index = recorded((0, 50), (1, 60), (2, 3), (3, 4))
    assert cameras_of(index).tolist() == (index.source > 0).astype(int).tolist()
    assert set(cameras_of(recorded((0, 1), (1, 2)))) == {0}


def test_crops_count_where_nothing_was_tracked() -> None:
    index = recorded((0, 10), (1, 10), tracklets=False)
    assert cameras_of(index).tolist() == index.source.tolist()


def test_a_doubtful_box_is_not_another_person() -> None:
    index = recorded((0, 50), (1, LEAST_SEEN - 1))
    index.tracklet[-1] = -1
    assert set(cameras_of(index)) == {0}


def test_no_crops_have_no_cameras() -> None:
    assert len(cameras_of(recorded((0, 0)))) == 0
