"""Whatever a detector says, the trackers stay sane."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracker import Detections, Tracker, TrackerConfig, Tracks, load_config

CONFIGS = {
    "sort": load_config("sort"),
    "deepsort": load_config("deepsort"),
    "sort by score": load_config(
        "sort", ["stages.0.cost=overlap-score", "stages.0.reject=before", "detections.nms=0.5"]
    ),
    "deepsort, euclidean average": load_config(
        "deepsort",
        ["memory.metric=euclidean", "memory.keep=average", "stages.0.gate=null", "output.box=detected"],
    ),
    "deepsort, patient": load_config(
        "deepsort", ["lifecycle.confirm_hits=1", "lifecycle.tentative_age=3", "output.max_gap=5"]
    ),
}
EVERY_CONFIG = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)

QUICK = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

WIDTH = 4
PEOPLE: tuple[tuple[float, ...], ...] = ((10, 10, 50, 110), (30, 12, 70, 115), (200, 40, 240, 160))

anything = st.floats(width=64)
wild_boxes = st.one_of(
    st.sampled_from(PEOPLE),
    st.tuples(*[st.floats(-1e3, 1e3)] * 4),
    st.tuples(*[anything] * 4),
    st.tuples(st.just(0.0), st.just(0.0), *[st.sampled_from((5e-324, 1e-308, 1e-150, 1e150, 1e308))] * 2),
)
wild_vectors = st.one_of(
    st.sampled_from(np.eye(WIDTH).tolist()),
    st.just([0.0] * WIDTH),
    st.lists(st.floats(width=32), min_size=WIDTH, max_size=WIDTH),
)
wild_rows = st.tuples(
    wild_boxes, st.one_of(st.sampled_from((0.9, 0.5)), anything), st.integers(0, 2), wild_vectors
)
wild_frames = st.tuples(st.one_of(st.just([]), st.lists(wild_rows, max_size=6)), st.booleans())
wild_videos = st.lists(wild_frames, max_size=14)


def frame_of(rows: Sequence[tuple[object, ...]], with_vectors: bool) -> Detections:
    boxes, scores, classes, vectors = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Detections(
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        np.array(scores, dtype=np.float64),
        np.array(classes, dtype=np.int64),
        np.array(vectors, dtype=np.float32).reshape(-1, WIDTH) if with_vectors else None,
    )


def random_videos(seed: int, frames: int) -> list[Detections]:
    """People who come and go, jitter, and are joined by nonsense."""
    rng = np.random.default_rng(seed)
    odd = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1e308, -1e308, 1e-308, 5e-324, 1e16, -1, 1])
    video = []
    for number in range(frames):
        corners = rng.uniform(0, 300, (2, 2)).repeat(rng.integers(0, 3), axis=0)
        usual = np.hstack((corners, corners + rng.uniform(1, 200, corners.shape)))
        people = np.array(PEOPLE)[rng.random(len(PEOPLE)) < 0.85] + rng.normal(0, 2, 4)
        nonsense = np.where(rng.random((3, 4)) < 0.6, rng.choice(odd, (3, 4)), rng.normal(0, 100, (3, 4)))
        boxes = np.vstack((people, usual, nonsense))
        if number % 10 == 0 or number // 50 % 4 == 3:
            boxes = np.empty((0, 4))
        count = len(boxes)
        scores = np.where(rng.random(count) < 0.1, rng.choice(odd, count), rng.random(count))
        vectors = rng.normal(0, 1, (count, WIDTH)).astype(np.float32)
        vectors[rng.random(count) < 0.1] = rng.choice([0, np.nan, np.inf])
        classes = (rng.random(count) < 0.1).astype(np.int64)
        video.append(Detections(boxes, scores, classes, vectors if rng.random() < 0.9 else None))
    return video


def assert_sane(tracks: Tracks, frame: Detections, config: TrackerConfig) -> None:
    """What holds for every output, whatever the input."""
    assert np.isfinite(tracks.boxes).all()
    assert (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
    assert len(set(tracks.ids.tolist())) == len(tracks)
    assert (tracks.ids >= 1).all()
    assert ((tracks.gaps == 0) == (tracks.detections >= 0)).all()
    assert (tracks.gaps <= config.output.max_gap).all()
    taken = tracks.detections[tracks.detections >= 0]
    assert len(set(taken.tolist())) == len(taken)
    assert (taken < len(frame)).all()
    rows = frame[taken]
    assert np.isfinite(rows.boxes).all()
    assert (rows.boxes[:, 2:] > rows.boxes[:, :2]).all()
    seen = tracks[tracks.detections >= 0]
    np.testing.assert_array_equal(seen.scores, rows.scores)
    np.testing.assert_array_equal(seen.classes, rows.classes)
    if config.output.box == "detected":
        np.testing.assert_array_equal(seen.boxes, rows.boxes)


def assert_video_sane(video: Sequence[Detections], config: TrackerConfig) -> int:
    """Two trackers agree and stay sane; gives how many identities there were."""
    first, second = Tracker(config), Tracker(config)
    highest = 0
    for frame in video:
        tracks, again = first.update(frame), second.update(frame)
        assert_sane(tracks, frame, config)
        new = sorted(identity for identity in tracks.ids.tolist() if identity > highest)
        assert new == list(range(highest + 1, highest + 1 + len(new)))
        highest += len(new)
        for name in Tracks.__slots__:
            np.testing.assert_array_equal(getattr(tracks, name), getattr(again, name))
    return highest


@EVERY_CONFIG
@given(video=wild_videos)
@QUICK
def test_arbitrary_boxes(config: TrackerConfig, video: list[tuple[list[tuple[object, ...]], bool]]) -> None:
    assert_video_sane([frame_of(rows, with_vectors) for rows, with_vectors in video], config)


@EVERY_CONFIG
def test_thousands_of_frames_of_people_and_nonsense(config: TrackerConfig) -> None:
    assert assert_video_sane(random_videos(seed=1, frames=700), config) > 20


@EVERY_CONFIG
@given(seed=st.integers(0, 2**32 - 1))
@settings(QUICK, max_examples=10)
def test_the_order_of_the_detections_does_not_matter(config: TrackerConfig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    plain, shuffled = Tracker(config), Tracker(config)
    name_of: dict[int, int] = {}
    for _ in range(25):
        present = np.array(PEOPLE)[rng.random(len(PEOPLE)) < 0.8]
        strangers = rng.uniform(0, 250, (4, 2))
        boxes = np.vstack((present, np.hstack((strangers, strangers + rng.uniform(20, 90, (4, 2))))))
        boxes += rng.normal(0, 2, boxes.shape)
        count = len(boxes)
        frame = Detections(
            boxes,
            0.3 + rng.permutation(count) / count,
            rng.integers(0, 2, count),
            rng.normal(0, 1, (count, WIDTH)).astype(np.float32),
        )
        order = rng.permutation(count)
        tracks, others = plain.update(frame), shuffled.update(frame[order])
        sources = np.where(others.detections >= 0, order[others.detections], -1)
        for identity, other in pairs_by_box(tracks, others):
            assert tracks.detections[identity] == sources[other]
            name = name_of.setdefault(int(tracks.ids[identity]), int(others.ids[other]))
            assert name == others.ids[other]
    assert len(set(name_of.values())) == len(name_of) > 0


def pairs_by_box(a: Tracks, b: Tracks) -> list[tuple[int, int]]:
    """Rows of two outputs that show the same box; both show the same boxes."""
    assert len(a) == len(b)
    if not len(a):
        return []
    distance: NDArray[np.float64] = np.abs(a.boxes[:, None] - b.boxes).max(axis=2)
    partners = distance.argmin(axis=1)
    assert sorted(partners.tolist()) == list(range(len(b)))
    assert distance.min(axis=1).max() < 1e-6
    return list(enumerate(partners.tolist()))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for the size of the process")
@pytest.mark.parametrize("name, frames", [("sort", 20_000), ("deepsort", 6_000)])
def test_memory_does_not_grow_with_the_video(name: str, frames: int) -> None:
    """Fifty people who leave and come back as others, over and over again."""
    rng = np.random.default_rng(0)
    columns, rows = np.meshgrid(np.arange(10) * 180.0, np.arange(5) * 200.0)
    corners = np.stack((columns.ravel(), rows.ravel()), axis=1)
    period = []
    for number in range(200):
        # Everybody is away for 40 frames of the period, which ends the track, in turns.
        here = (number + 4 * np.arange(50)) % 200 >= 40
        moved = corners[here] + rng.normal(0, 1, (here.sum(), 2))
        vectors = rng.normal(0, 1, (here.sum(), 16)).astype(np.float32)
        boxes = np.hstack((moved, moved + np.array([60, 150])))
        period.append(Detections(boxes, np.full(here.sum(), 0.9), features=vectors))
    tracker = Tracker(name)
    after_start = 0
    for number in range(frames):
        tracks = tracker.update(period[number % 200])
        if number == 1000:
            after_start = resident_bytes()
    assert tracks.ids.max() > frames // 5
    assert resident_bytes() - after_start < 5 * 2**20
