from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.crops import DuplicateFilter, Policy, cut_crops, sharpness


@pytest.fixture
def frame() -> np.ndarray:
    """Every pixel tells its place: red is the column, green the row."""
    rows, columns = np.mgrid[:100, :200]
    return np.stack([columns, rows, np.full_like(rows, 7)], axis=2).astype(np.uint8)


def test_a_crop_of_its_own_size_is_the_frame_itself(frame: np.ndarray) -> None:
    crops, valid = cut_crops(frame, np.array([[20.0, 30.0, 52.0, 94.0]]), (64, 32))
    assert valid.tolist() == [True]
    np.testing.assert_array_equal(crops[0], frame[30:94, 20:52])


def test_edges_go_to_the_nearest_pixel(frame: np.ndarray) -> None:
    crops, _ = cut_crops(frame, np.array([[19.6, 30.4, 51.6, 94.4]]), (64, 32))
    np.testing.assert_array_equal(crops[0], frame[30:94, 20:52])


@pytest.mark.parametrize(
    "box, inside",
    [
        ([-10, -20, 8, 16], [0, 0, 8, 16]),
        ([192, 84, 500, 300], [192, 84, 200, 100]),
        ([-50, -50, 400, 400], [0, 0, 200, 100]),
    ],
)
def test_boxes_beyond_the_border_are_clipped(frame: np.ndarray, box: list[float], inside: list[int]) -> None:
    crops, valid = cut_crops(frame, np.array([box, inside], dtype=float), (16, 8))
    assert valid.all()
    np.testing.assert_array_equal(crops[0], crops[1])


@pytest.mark.parametrize(
    "box",
    [
        [300, 10, 340, 50],
        [-40, 10, 0, 50],
        [10, 10, 10, 50],
        [50, 50, 20, 20],
        [np.nan, 10, 20, 50],
        [10, 10, np.inf, 50],
    ],
)
@pytest.mark.parametrize("policy", ["squash", "expand"])
def test_a_box_with_nothing_to_see_is_black_and_flagged(
    frame: np.ndarray, box: list[float], policy: str
) -> None:
    boxes = np.array([box, [20, 20, 40, 60]], dtype=float)
    crops, valid = cut_crops(frame, boxes, (16, 8), policy)  # type: ignore[arg-type]
    assert valid.tolist() == [False, True]
    assert not crops[0].any()
    assert crops[1].any()


def test_a_box_thinner_than_a_pixel_is_empty_unless_it_is_expanded(frame: np.ndarray) -> None:
    thin = np.array([[60.0, 30.0, 60.3, 70.0]])
    assert not cut_crops(frame, thin, (16, 8), "squash")[1].any()
    assert cut_crops(frame, thin, (16, 8), "expand")[1].all()


@pytest.mark.parametrize("policy", ["squash", "expand"])
def test_a_box_outside_the_frame_shows_nobody(frame: np.ndarray, policy: Policy) -> None:
    height, width = frame.shape[:2]
    outside = np.array(
        [[-20.0, 5.0, -5.0, 95.0], [10.0, height, 20.0, height + 60], [width, 0.0, width + 5, 90.0]]
    )
    crops, valid = cut_crops(frame, outside, (16, 16), policy)
    assert not valid.any()
    assert not crops.any()


def test_expand_keeps_proportions_and_the_centre(frame: np.ndarray) -> None:
    # 10×40 becomes 40×40 about the same centre (65, 50).
    crops, _ = cut_crops(frame, np.array([[60.0, 30.0, 70.0, 70.0]]), (40, 40), "expand")
    np.testing.assert_array_equal(crops[0], frame[30:70, 45:85])


def test_no_boxes_give_no_crops(frame: np.ndarray) -> None:
    crops, valid = cut_crops(frame, np.empty((0, 4)), (16, 8))
    assert crops.shape == (0, 16, 8, 3)
    assert valid.shape == (0,)


def test_a_view_in_another_colour_order_is_cut_like_its_copy(frame: np.ndarray) -> None:
    boxes = np.array([[20.0, 30.0, 90.0, 94.0]])
    view = frame[:, :, ::-1]
    np.testing.assert_array_equal(cut_crops(view, boxes)[0], cut_crops(view.copy(), boxes)[0])


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)]
)
def test_a_frame_that_is_no_rgb_image_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 of shape"):
        cut_crops(bad, np.array([[0.0, 0.0, 2.0, 2.0]]))


def test_an_unknown_policy_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'pad'"):
        cut_crops(frame, np.empty((0, 4)), policy="pad")  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4), st.sampled_from(["squash", "expand"]))
def test_any_box_is_either_cut_or_flagged(box: list[float], policy: str) -> None:
    bright = np.full((50, 60, 3), 200, np.uint8)
    crops, valid = cut_crops(bright, np.array([box]), (8, 8), policy)  # type: ignore[arg-type]
    assert (crops == (200 if valid[0] else 0)).all()


def test_blur_lowers_sharpness_and_contrast_does_not() -> None:
    noise = np.random.default_rng(0).integers(60, 180, (64, 64, 3)).astype(np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2)
    dull = (noise // 4 + 90).astype(np.uint8)
    even = np.full_like(noise, 128)
    sharp, soft, flat, none = sharpness(np.stack([noise, blurred, dull, even]))
    assert soft < 0.1 * sharp
    assert flat == pytest.approx(sharp, rel=0.05)
    assert none == 0


def test_sharpness_looks_at_each_crop_alone() -> None:
    crops = np.random.default_rng(0).integers(0, 255, (5, 32, 16, 3)).astype(np.uint8)
    one_by_one = [sharpness(crop[None])[0] for crop in crops]
    np.testing.assert_allclose(sharpness(crops), one_by_one, rtol=1e-6)
    assert sharpness(crops[:0]).shape == (0,)


def test_near_duplicates_are_told_within_and_across_calls() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 255, (2, 64, 64, 3)).astype(np.uint8)
    nearly = np.clip(first.astype(int) + rng.integers(-8, 9, first.shape), 0, 255).astype(np.uint8)
    duplicates = DuplicateFilter(distance=4)
    assert duplicates.passes(np.stack([first, nearly, second])).tolist() == [True, False, True]
    assert duplicates.passes(np.stack([nearly, 255 - first])).tolist() == [False, True]


def test_duplicates_are_forgotten_with_the_memory() -> None:
    crops = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)
    assert DuplicateFilter(4, memory=1).passes(crops[[0, 1, 0]]).all()
    assert DuplicateFilter(4, memory=2).passes(crops[[0, 1, 0]]).tolist() == [True, True, False]


def test_distance_zero_lets_everything_through() -> None:
    same = np.zeros((4, 16, 16, 3), np.uint8)
    assert DuplicateFilter(0).passes(same).all()
