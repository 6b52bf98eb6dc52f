from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from copy import deepcopy

import numpy as np
import pytest
from numpy.typing import NDArray

from tracker import Detections, Tracker, neighbours
from tracker.config import Memory, RecallRules, TrackerConfig, load_config
from tracker.gallery import Gallery
from tracker.recall import Recall
from tracker.tracks import Tracks

WIDTH = 16
Vectors = NDArray[np.float32]

# Everybody looks like nobody else: orthogonal directions.
LOOKS: Vectors = np.eye(WIDTH, dtype=np.float32)


def alike(person: int, distance: float, towards: int = WIDTH - 1) -> Vectors:
    """A unit vector at this cosine distance from that of ``person``."""
    cosine = 1 - distance
    return np.asarray(cosine * LOOKS[person] + np.sqrt(1 - cosine**2) * LOOKS[towards], dtype=np.float32)


def detect(people: dict[int, Vectors | None], classes: Iterable[int] = ()) -> Detections:
    """Everybody stands 200 pixels from the next, at a place of their own."""
    boxes = [[200 * place, 50, 200 * place + 40, 150] for place in people]
    given = [look for look in people.values() if look is not None]
    features = np.stack(given) if given else None
    return Detections(
        np.array(boxes, dtype=float).reshape(-1, 4), classes=list(classes) or None, features=features
    )


def follow(tracker: Tracker, people: dict[int, Vectors | None], frames: int, **options: object) -> Tracks:
    for _ in range(frames):
        tracks = tracker.update(detect(people, **options))  # type: ignore[arg-type]
    return tracks


@pytest.fixture(params=["deepsort", "sort"])
def recalling(request: pytest.FixtureRequest) -> TrackerConfig:
    """A tracker with appearance in its stages, and one that only recalls by it."""
    return load_config(request.param, ["memory.recall.threshold=0.15"])


def test_who_comes_back_after_long_gets_the_old_identity(recalling: TrackerConfig) -> None:
    tracker = Tracker(recalling)
    assert follow(tracker, {0: LOOKS[0], 1: LOOKS[1]}, 20).ids.tolist() == [1, 2]
    assert follow(tracker, {1: LOOKS[1]}, 200).ids.tolist() == [2]
    # Back at another place, together with somebody new.
    tracks = follow(tracker, {1: LOOKS[1], 4: LOOKS[3], 6: alike(0, 0.1)}, 10)
    assert tracks.ids.tolist() == [2, 3, 1]


@pytest.mark.parametrize("name", ["deepsort", "sort"])
def test_without_recall_who_comes_back_is_somebody_new(name: str) -> None:
    tracker = Tracker(name)
    follow(tracker, {0: LOOKS[0]}, 20)
    follow(tracker, {}, 200)
    assert follow(tracker, {4: LOOKS[0]}, 10).ids.tolist() == [2]


def test_a_stranger_who_looks_less_alike_than_the_threshold_is_new(recalling: TrackerConfig) -> None:
    for distance, identity in ((0.149, 1), (0.151, 2)):
        tracker = Tracker(recalling)
        follow(tracker, {0: LOOKS[0]}, 20)
        follow(tracker, {}, 100)
        assert follow(tracker, {4: alike(0, distance)}, 10).ids.tolist() == [identity]


def test_nobody_is_given_an_identity_that_is_in_use(recalling: TrackerConfig) -> None:
    tracker = Tracker(recalling)
    follow(tracker, {0: LOOKS[0]}, 20)
    assert follow(tracker, {0: LOOKS[0], 3: LOOKS[0]}, 20).ids.tolist() == [1, 2]  # a twin beside
    follow(tracker, {}, 100)
    assert follow(tracker, {5: LOOKS[0]}, 10).ids.tolist() == [1]
    # The one who is back is followed again, so that the other twin can only be the other one.
    assert follow(tracker, {5: LOOKS[0], 9: LOOKS[0]}, 10).ids.tolist() == [1, 2]
    assert follow(tracker, {5: LOOKS[0], 9: LOOKS[0], 12: LOOKS[0]}, 10).ids.tolist() == [1, 2, 3]


def test_one_may_come_and_go_many_times(recalling: TrackerConfig) -> None:
    tracker = Tracker(recalling)
    for place in range(8):
        assert follow(tracker, {place: LOOKS[0]}, 10).ids.tolist() == [1]
        assert len(follow(tracker, {}, 50)) == 0


def test_of_two_who_look_like_one_the_more_alike_is_it(recalling: TrackerConfig) -> None:
    tracker = Tracker(recalling)
    follow(tracker, {0: LOOKS[0]}, 20)
    follow(tracker, {}, 100)
    tracks = follow(tracker, {4: alike(0, 0.1, 14), 6: alike(0, 0.05, 15)}, 10)
    assert tracks.ids.tolist() == [2, 1]


def test_who_loses_an_identity_may_be_the_next_most_alike() -> None:
    recall = make_recall(threshold=0.6)
    both = (LOOKS[0] + LOOKS[1]) / np.sqrt(2)  # at 0.29 of either
    recall.remember(np.array([11, 12]), np.zeros(2, int), [LOOKS[:1], LOOKS[1:2]])
    looks = [np.asarray(both[None]), alike(0, 0.1)[None], alike(1, 0.5)[None]]
    assert recall.recognise(np.zeros(3, int), looks).tolist() == [12, 11, 0]


def test_looks_that_disagree_agree_once_one_of_the_two_is_somebody_else() -> None:
    recall = make_recall(threshold=0.6)
    recall.remember(np.array([11, 12]), np.zeros(2, int), [LOOKS[:1], LOOKS[1:2]])
    between = (0.8 * LOOKS[0] + 0.6 * LOOKS[1])[None]  # at 0.2 and 0.4
    looks = [np.concatenate((between, LOOKS[1:2])), LOOKS[:1]]
    assert recall.recognise(np.zeros(2, int), looks).tolist() == [12, 11]


def test_all_looks_have_to_agree() -> None:
    recall = make_recall()
    classes = np.zeros(1, int)
    recall.remember(np.array([1, 2]), np.zeros(2, int), [LOOKS[:1], LOOKS[1:2]])
    assert recall.recognise(classes, [np.stack((LOOKS[0], LOOKS[1]))]).tolist() == [0]
    assert recall.recognise(classes, [np.stack((LOOKS[0], LOOKS[5]))]).tolist() == [0]
    assert recall.recognise(classes, [np.stack((LOOKS[0], alike(0, 0.2)))]).tolist() == [0]
    assert recall.recognise(classes, [np.stack((LOOKS[0], alike(0, 0.1)))]).tolist() == [1]


def test_classes_are_kept_apart_or_not() -> None:
    for rule, identity in (("separate", 2), ("ignore", 1)):
        tracker = Tracker(load_config("deepsort", ["memory.recall.threshold=0.15", f"classes={rule}"]))
        follow(tracker, {0: LOOKS[0]}, 20, classes=[3])
        follow(tracker, {}, 100)
        assert follow(tracker, {4: LOOKS[0]}, 10, classes=[5]).ids.tolist() == [identity]


def test_tentative_tracks_leave_no_memory() -> None:
    recall = make_recall()
    recall.remember(np.array([0]), np.zeros(1, int), [LOOKS[:1]])
    assert recall.recognise(np.zeros(1, int), [LOOKS[:1]]).tolist() == [0]


def test_reset_forgets_everybody(recalling: TrackerConfig) -> None:
    tracker = Tracker(recalling)
    follow(tracker, {0: LOOKS[0], 1: LOOKS[1]}, 20)
    follow(tracker, {}, 100)
    tracker.reset()
    assert follow(tracker, {4: LOOKS[1]}, 10).ids.tolist() == [1]


def test_tracks_without_appearance_are_followed_as_ever(recalling: TrackerConfig) -> None:
    tracker = Tracker(recalling)
    follow(tracker, {0: None}, 20)
    follow(tracker, {}, 100)
    assert follow(tracker, {4: None}, 10).ids.tolist() == [2]
    follow(tracker, {}, 100)
    follow(tracker, {4: np.zeros(WIDTH, np.float32)}, 10)
    follow(tracker, {}, 100)
    assert follow(tracker, {4: LOOKS[0]}, 10).ids.tolist() == [4]


@pytest.mark.parametrize("metric, threshold", [("cosine", 0.15), ("euclidean", 5.0)])
@pytest.mark.parametrize("keep", ["nearest", "average"])
def test_thresholds_are_in_the_metric_of_the_memory(metric: str, threshold: float, keep: str) -> None:
    overrides = [f"memory.recall.threshold={threshold}", f"memory.metric={metric}", f"memory.keep={keep}"]
    for distance, identity in ((0.98, 1), (1.02, 2)):
        tracker = Tracker(load_config("sort", overrides))
        follow(tracker, {0: 20 * LOOKS[0]}, 20)
        follow(tracker, {}, 100)
        away = distance * threshold
        look = 20 * alike(0, away) if metric == "cosine" else 20 * LOOKS[0] + away * LOOKS[1]
        assert follow(tracker, {4: look}, 10).ids.tolist() == [identity]


def test_all_of_a_life_is_remembered_not_only_its_end() -> None:
    """A coat is taken off half way, and put on again before coming back."""
    tracker = Tracker(load_config("sort", ["memory.recall.threshold=0.15"]))
    follow(tracker, {0: LOOKS[0]}, 40)
    follow(tracker, {0: LOOKS[1]}, 40)
    for look in (LOOKS[0], LOOKS[1], LOOKS[0]):
        follow(tracker, {}, 50)
        assert follow(tracker, {5: look}, 10).ids.tolist() == [1]


def make_recall(**rules: object) -> Recall:
    rules = {"threshold": 0.15, "identities": 50, "vectors_per_identity": 4, **rules}
    return Recall(RecallRules.model_validate(rules), load_config("deepsort"))


def test_memory_is_bounded_and_the_oldest_are_forgotten_first() -> None:
    rng = np.random.default_rng(0)
    recall = make_recall()
    looks = rng.normal(size=(3000, 64)).astype(np.float32)
    for identity in range(1, 3000):
        seen = looks[identity] + 0.01 * rng.normal(size=(30, 64)).astype(np.float32)
        recall.remember(np.array([identity]), np.array([identity % 3]), [seen])
    indices = recall._looks.values()
    assert sum(len(index) for index in indices) == 50 * 4
    assert all(len(index._labels) < 10_000 for index in indices)
    # The last fifty left one by one: each can come back, once; nobody else can.
    for again in (False, True):
        coming = np.arange(2900, 3000)
        found = recall.recognise(coming % 3, [looks[identity : identity + 1] for identity in coming])
        expected = np.where((coming >= 2950) & (not again), coming, 0)
        np.testing.assert_array_equal(found, expected)


def test_who_came_back_counts_from_the_last_leaving() -> None:
    recall = make_recall(identities=2)
    for identity in (1, 2, 1, 3):  # 2 left longest ago
        recall.remember(np.array([identity]), np.zeros(1, int), [LOOKS[identity : identity + 1]])
    found = recall.recognise(np.zeros(3, int), [LOOKS[identity : identity + 1] for identity in (1, 2, 3)])
    assert found.tolist() == [1, 0, 3]


@pytest.mark.parametrize("wild", [0.0, 1e-30, 1e18])
def test_vectors_that_cannot_be_compared_are_passed_over(wild: float) -> None:
    recall = make_recall()
    looks = np.stack((wild * LOOKS[0], LOOKS[1])).astype(np.float32)
    recall.remember(np.array([1]), np.zeros(1, int), [looks])
    assert recall.recognise(np.zeros(1, int), [looks]).tolist() == [1]


def test_a_gallery_recollects_in_the_order_of_time() -> None:
    gallery = Gallery(Memory(budget=3))
    slots = gallery.claim(2)
    assert [len(looks) for looks in gallery.recollect(slots)] == [0, 0]
    for moment in range(5):
        gallery.remember(slots[:1], LOOKS[moment : moment + 1])
        (looks,) = gallery.recollect(slots[:1])
        np.testing.assert_array_equal(looks, LOOKS[max(0, moment - 2) : moment + 1])
    assert len(gallery.recollect(slots)[1]) == 0


def test_identities_stay_unique_and_the_same_run_gives_the_same() -> None:
    """Ten lookalikes come and go at random, detected with noise."""
    runs = []
    for _ in range(2):
        rng = np.random.default_rng(1)
        tracker = Tracker(
            load_config("deepsort", ["memory.recall.threshold=0.4", "memory.recall.identities=6"])
        )
        present = np.ones(10, dtype=bool)
        shown = []
        for frame in range(1500):
            if frame % 40 == 0:
                present = rng.random(10) < 0.5
            seen = {
                int(person): LOOKS[person // 2] + 0.2 * rng.normal(size=WIDTH).astype(np.float32)
                for person in np.flatnonzero(present)
            }
            ids = tracker.update(detect(dict(seen))).ids.tolist()
            assert len(set(ids)) == len(ids)
            shown.append(ids)
        runs.append(shown)
    assert runs[0] == runs[1]
    assert len({identity for ids in runs[0] for identity in ids}) < 100


@pytest.mark.parametrize("copied", [deepcopy, lambda tracker: pickle.loads(pickle.dumps(tracker))])
def test_a_copy_remembers_who_has_left(
    copied: Callable[[Tracker], Tracker], recalling: TrackerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_SMALLEST_TREE", 16)
    tracker = Tracker(recalling)
    follow(tracker, {0: LOOKS[0], 1: LOOKS[1], 2: LOOKS[2]}, 40)
    follow(tracker, {}, 100)
    for each in (tracker, copied(tracker)):
        assert follow(each, {4: LOOKS[2], 6: LOOKS[3], 8: LOOKS[0]}, 10).ids.tolist() == [3, 4, 1]


def test_a_negative_threshold_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"memory\.recall\.threshold"):
        load_config("deepsort", ["memory.recall.threshold=-1"])
    with pytest.raises(ValueError, match="treshold"):
        load_config("deepsort", ["memory.recall.treshold=1"])
