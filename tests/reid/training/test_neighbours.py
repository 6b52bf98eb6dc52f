"""Crops find each other across cameras and in time, and share what they have in common."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from reid.datasets.store import CropIndex
from reid.training.neighbours import Likeness, find_likeness, group_means, only_tracklets


def crops(
    camera: np.ndarray, frame: np.ndarray | None = None, tracklet: np.ndarray | None = None
) -> CropIndex:
    """Where and when crops were taken; all at once, in no tracklet, if nothing else is said."""
    count = len(camera)
    return CropIndex(
        source=np.zeros(count, np.int32),
        frame=np.zeros(count, np.int64) if frame is None else frame,
        box=np.zeros((count, 4)),
        score=np.ones(count, np.float32),
        camera=camera.astype(np.int32),
        tracklet=np.full(count, -1, np.int64) if tracklet is None else tracklet,
    )


def people_in_cameras(noise: float) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Vectors of 12 people, 3 crops each in every one of 3 cameras that shift all of theirs."""
    source = Generator().manual_seed(0)
    person, camera = np.divmod(np.arange(12 * 9), 9)
    camera = camera % 3
    people = torch.randn(12, 16, generator=source)
    shifts = 5 * torch.randn(3, 16, generator=source)
    vectors = people[person] + shifts[camera] + noise * torch.randn(108, 16, generator=source)
    return vectors, person, camera


def neighbours(vectors: Tensor, camera: np.ndarray, nearest: int) -> np.ndarray:
    """Pairs of single crops."""
    likeness = find_likeness(vectors, crops(camera), camera, nearest, within=0)
    assert likeness.groups.tolist() == list(range(len(camera)))
    return likeness.neighbours.numpy()


def test_neighbours_are_the_same_person_in_another_camera() -> None:
    vectors, person, camera = people_in_cameras(0.2)
    pairs = neighbours(vectors, camera, nearest=3)
    assert (camera[pairs[:, 0]] != camera[pairs[:, 1]]).all()
    assert (person[pairs[:, 0]] == person[pairs[:, 1]]).mean() > 0.9
    assert len(np.unique(pairs[:, 0])) > 100
    both_ways = {tuple(pair) for pair in pairs.tolist()}
    assert both_ways == {(b, a) for a, b in both_ways}
    assert len(both_ways) == len(pairs)


def test_one_camera_has_no_neighbours() -> None:
    vectors, _, camera = people_in_cameras(0.2)
    assert neighbours(vectors, np.zeros_like(camera), nearest=3).shape == (0, 2)


def test_a_camera_with_few_crops_is_no_obstacle() -> None:
    vectors, _, camera = people_in_cameras(0.2)
    camera = np.where(np.arange(len(camera)) == 0, 3, camera)
    pairs = neighbours(vectors, camera, nearest=5)
    assert int((pairs == 0).any(axis=1).sum()) > 0


def test_tracklets_find_each_other_as_a_whole() -> None:
    vectors, person, camera = people_in_cameras(1.2)
    tracklet = 3 * person + camera
    single = neighbours(vectors, camera, nearest=1)
    likeness = find_likeness(vectors, crops(camera, tracklet=tracklet), camera, nearest=1, within=0)
    assert len(likeness.groups.unique()) == 36
    who = np.zeros(36, int)
    who[likeness.groups] = person
    pairs = likeness.neighbours.numpy()
    right = (who[pairs[:, 0]] == who[pairs[:, 1]]).mean()
    assert right > (person[single[:, 0]] == person[single[:, 1]]).mean() + 0.1


def people_in_time(noise: float = 0.2) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Vectors of 10 people of one camera, each seen in 6 moments, 20 frames from each other."""
    source = Generator().manual_seed(1)
    person, moment = np.divmod(np.arange(60), 6)
    vectors = torch.randn(10, 16, generator=source)[person] + noise * torch.randn(60, 16, generator=source)
    return vectors, person, 20 * moment


def groups_in_time(
    vectors: Tensor, index: CropIndex, within: int = 30, cameras: np.ndarray | None = None
) -> np.ndarray:
    where = np.zeros(len(vectors), np.intp) if cameras is None else cameras
    return find_likeness(vectors, index, where, 1, within).groups.numpy()


def test_crops_that_follow_each_other_are_one_group() -> None:
    vectors, person, frame = people_in_time()
    found = groups_in_time(vectors, crops(np.zeros(60), frame))
    assert len(np.unique(found)) == 10
    assert len(np.unique(np.stack([found, person]), axis=1).T) == 10
    # However the rows are ordered.
    order = np.random.default_rng(0).permutation(60)
    mixed = groups_in_time(vectors[order], crops(np.zeros(60), frame[order]))
    assert len(np.unique(np.stack([mixed, found[order]]), axis=1).T) == 10


@pytest.mark.parametrize("within, groups", [(0, 60), (19, 60), (20, 10)])
def test_who_comes_too_late_follows_nobody(within: int, groups: int) -> None:
    vectors, _, frame = people_in_time()
    assert len(np.unique(groups_in_time(vectors, crops(np.zeros(60), frame), within))) == groups


def test_nobody_is_in_a_frame_twice() -> None:
    vectors, person, _ = people_in_time(0.0)
    frame = np.where(person % 2, 0, 20)
    found = groups_in_time(vectors, crops(np.zeros(60), frame))
    for group in np.unique(found):
        moments = frame[found == group]
        assert len(moments) == len(np.unique(moments))


def test_those_who_do_not_look_alike_do_not_follow_each_other() -> None:
    vectors = torch.randn(40, 64, generator=Generator().manual_seed(2))
    assert len(np.unique(groups_in_time(vectors, crops(np.zeros(40), np.arange(40)), 1))) == 40


def test_nobody_follows_into_another_camera() -> None:
    vectors, _, frame = people_in_time()
    camera = (frame // 20) % 2
    found = groups_in_time(vectors, crops(camera, frame), 30, camera)
    assert len(np.unique(found)) == 60


def test_tracklets_that_follow_each_other_are_one_group_and_their_crops_stay_together() -> None:
    vectors, person, frame = people_in_time()
    # Each tracklet is of two moments; the second of each is turned away and looks like nobody.
    odd = frame // 20 % 2 == 1
    vectors[odd] = vectors[odd] + 0.5 * torch.randn(30, 16, generator=Generator().manual_seed(3))
    tracklet = 3 * person + frame // 40
    found = groups_in_time(vectors, crops(np.full(60, -1), frame, tracklet))
    assert len(np.unique(np.stack([found, tracklet]), axis=1).T) == 30
    assert len(np.unique(found)) == 10
    # From the last frame of one to the first of the next it is 20 frames, not 40.
    assert len(np.unique(groups_in_time(vectors, crops(np.full(60, -1), frame, tracklet), 20))) == 10


def test_images_of_a_plain_folder_have_no_time() -> None:
    vectors, _, frame = people_in_time()
    assert len(np.unique(groups_in_time(vectors, crops(np.full(60, -1), frame)))) == 60


def test_following_does_not_depend_on_how_many_are_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _, frame = people_in_time(0.8)
    at_once = groups_in_time(vectors, crops(np.zeros(60), frame), 50)
    monkeypatch.setattr("reid.training.neighbours._ROWS_AT_ONCE", 7)
    assert np.array_equal(groups_in_time(vectors, crops(np.zeros(60), frame), 50), at_once)


def test_values_are_averaged_with_the_neighbours_and_keep_their_deviation() -> None:
    values = torch.tensor([[0.0, 4.0], [2.0, 0.0], [10.0, 10.0]])
    common = Likeness(torch.arange(3), torch.tensor([[0, 1], [1, 0]])).common(values)
    assert torch.equal(common[0], common[1])
    assert common.std(correction=0).item() == pytest.approx(values.std(correction=0).item())
    mean = torch.tensor([[1.0, 2.0], [1.0, 2.0], [10.0, 10.0]])
    ratio = common / mean
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio))


def test_crops_of_a_tracklet_share_their_mean_and_others_keep_their_own() -> None:
    values = torch.tensor([[0.0, 4.0], [2.0, 0.0], [10.0, 10.0], [5.0, 1.0]])

    def common(tracklets: list[int]) -> Tensor:
        return only_tracklets(crops(np.zeros(4), tracklet=np.array(tracklets))).common(values)

    mean = torch.tensor([[1.0, 2.0], [1.0, 2.0], [10.0, 10.0], [5.0, 1.0]])
    ratio = common([7, 7, -1, -1]) / mean
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio))
    assert common([7, 7, -1, -1]).std(correction=0).item() == pytest.approx(values.std(correction=0).item())
    assert torch.allclose(common([-1] * 4), values)


def test_a_group_counts_once_however_many_crops_it_has() -> None:
    values = torch.tensor([[0.0], [0.0], [0.0], [8.0], [3.0]])
    common = Likeness(torch.tensor([0, 0, 0, 1, 2]), torch.tensor([[0, 1], [1, 0]])).common(values)
    assert common[0].item() == pytest.approx(common[3].item())
    assert (common[0] / common[4]).item() == pytest.approx(4 / 3)


def test_pairs_are_of_one_group_or_of_two_that_are_neighbours() -> None:
    groups = torch.tensor([2, 0, 2, 1, 2, 0, 2])
    pairs = Likeness(groups, torch.tensor([[0, 2], [2, 0]])).pairs()
    together = groups[pairs]
    same = together[:, 0] == together[:, 1]
    assert (pairs[same][:, 0] != pairs[same][:, 1]).all()
    assert sorted(pairs[same][:, 0].tolist()) == [0, 1, 2, 4, 5, 6]
    # Not the next one, which hardly differs, but the one half the group away.
    assert [0, 4] in pairs.tolist()
    assert {tuple(pair) for pair in together[~same].tolist()} == {(0, 2), (2, 0)}
    # Each crop with one of each neighbouring group.
    assert sorted(pairs[~same][:, 0].tolist()) == [0, 1, 2, 4, 5, 6]


def test_noise_that_neighbours_do_not_share_is_averaged_out() -> None:
    clean, _, camera = people_in_cameras(0.0)
    noisy = people_in_cameras(0.6)[0]
    shift = group_means(clean, torch.from_numpy(camera))[camera]
    likeness = find_likeness(noisy, crops(camera), camera, nearest=3, within=0)

    def alike(values: Tensor) -> float:
        return torch.nn.functional.cosine_similarity(values - shift, clean - shift).mean().item()

    assert alike(likeness.common(noisy - shift) + shift) > alike(noisy) + 0.02
