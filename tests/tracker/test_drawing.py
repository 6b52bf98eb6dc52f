"""What is painted on frames."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.drawing import COLOURS, Painter, Rgb, colour_of, ink_on, line_width
from tracker.tracks import Tracks

# Machado, Oliveira and Fernandes 2009: how red, green and blue (linear) look without one kind of cone.
EYES = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def tracks(boxes: list[list[float]], ids: list[int], detections: list[int] | None = None) -> Tracks:
    count = len(ids)
    return Tracks(
        np.array(ids),
        np.array(boxes, dtype=float).reshape(-1, 4),
        np.ones(count),
        np.zeros(count, dtype=np.int64),
        np.array(range(count) if detections is None else detections, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
    )


def is_colour(image: NDArray[np.uint8], colour: Rgb) -> NDArray[np.bool_]:
    return np.asarray((image == colour).all(axis=-1))


def grey(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 128, dtype=np.uint8)


def test_a_box_is_drawn_in_the_colour_of_its_identity_in_rgb() -> None:
    for identity in (1, 2, 3, 25):
        picture = Painter().paint(grey(), 1, tracks([[50, 60, 120, 200]], [identity]))
        marked = is_colour(picture, colour_of(identity))
        assert marked[130, 50]
        assert marked[130, 120]
        assert marked[200, 85]
        assert not marked[70:190, 60:110].any()


def test_the_frame_itself_is_not_painted_on() -> None:
    frame = grey()
    Painter().paint(frame, 1, tracks([[50, 60, 120, 200]], [1]))
    assert (frame == 128).all()


def test_predicted_boxes_are_dashed() -> None:
    box = [50.0, 60.0, 120.0, 200.0]
    detected = Painter().paint(grey(), 1, tracks([box], [2], [0]))
    predicted = Painter().paint(grey(), 1, tracks([box], [2], [-1]))
    bottom_detected, bottom_predicted = (
        is_colour(picture, colour_of(2))[200, 52:118] for picture in (detected, predicted)
    )
    assert bottom_detected.all()
    assert 0.3 < bottom_predicted.mean() < 0.8
    # Several dashes, not one half line.
    assert np.count_nonzero(np.diff(bottom_predicted.astype(int)) == 1) >= 3


def test_an_identity_keeps_its_colour_and_neighbours_differ() -> None:
    first = Painter().paint(grey(), 1, tracks([[50, 60, 120, 200], [150, 60, 220, 200]], [7, 8]))
    # Another picture, another order, another painter.
    later = Painter().paint(grey(), 9, tracks([[150, 60, 220, 200], [20, 60, 90, 200]], [8, 7]))
    assert is_colour(first, colour_of(7))[130, 50]
    assert is_colour(later, colour_of(7))[130, 20]
    assert is_colour(first, colour_of(8))[130, 150]
    assert is_colour(later, colour_of(8))[130, 150]
    for identity in range(1, 40):
        assert len({colour_of(identity + step) for step in range(len(COLOURS))}) == len(COLOURS)


@pytest.mark.parametrize("eyes", EYES)
def test_colours_can_be_told_apart_by_all_eyes(eyes: str) -> None:
    linear = (np.array(COLOURS) / 255) ** 2.2
    seen = np.clip(linear @ np.array(EYES[eyes]).T, 0, 1)
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    lab = np.cbrt(seen @ np.array(to_cones).T) @ np.array(to_lab).T
    distances = [np.linalg.norm(a - b) for a, b in combinations(lab, 2)]
    # Two hundredths are just noticeable side by side.
    assert min(distances) > 0.05


def test_ink_is_readable_on_every_colour() -> None:
    def luminance(colour: Rgb) -> float:
        return float((np.array(colour) / 255) ** 2.2 @ (0.2126, 0.7152, 0.0722))

    for colour in COLOURS:
        light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5


def test_the_number_of_the_identity_and_of_the_frame_are_written() -> None:
    boxes = [[50.0, 60.0, 120.0, 200.0]]
    one, other = (Painter().paint(grey(), 1, tracks(boxes, [identity])) for identity in (1, 13))
    # 1 and 13 have the same colour and differ in their labels only.
    assert colour_of(1) == colour_of(13)
    rows, columns = np.nonzero((one != other).any(axis=-1))
    assert rows.max() <= 62
    assert columns.min() >= 48
    first, second = (Painter().paint(grey(), number, Tracks.empty()) for number in (1, 2))
    rows, columns = np.nonzero((first != second).any(axis=-1))
    assert len(rows)
    assert rows.max() < 40
    assert columns.max() < 120


def test_labels_of_overlapping_people_do_not_hide_each_other() -> None:
    picture = Painter().paint(grey(), 1, tracks([[100, 80, 160, 200], [102, 82, 162, 203]], [1, 2]))
    for identity in (1, 2):
        # A label is a filled rectangle of 80 pixels at least; box lines are thinner.
        marked = is_colour(picture, colour_of(identity))
        filled = marked[:-3, :-3] & marked[3:, 3:] & marked[3:, :-3] & marked[:-3, 3:]
        assert filled.sum() > 20


def test_trails_follow_and_fall_behind() -> None:
    painter = Painter()
    for number in range(1, 31):
        left = 10.0 + 5 * number
        picture = painter.paint(grey(), number, tracks([[left, 100, left + 30, 180]], [3]))
    behind = is_colour(picture, colour_of(3))[176:184, 60:150]
    assert behind.any(axis=0).mean() > 0.95


@pytest.mark.parametrize("size", [(90, 160), (540, 960), (2160, 3840)])
def test_lines_grow_with_the_picture(size: tuple[int, int]) -> None:
    height, width = size
    box = [0.3 * width, 0.4 * height, 0.5 * width, 0.9 * height]
    picture = Painter().paint(grey(*size), 1, tracks([box], [4]))
    middle = is_colour(picture, colour_of(4))[:, int(0.4 * width)]
    thickness = np.count_nonzero(middle[int(0.8 * height) :])
    assert thickness == pytest.approx(line_width(picture), rel=0.35, abs=1)
    assert max(2, height / 400) <= thickness <= max(4, height / 200)


def test_boxes_outside_the_picture_do_no_harm() -> None:
    wild = [[-1e12, -5, -1e11, 1e15], [300, 200, 1e9, 1e9], [-50, -50, 20, 20]]
    picture = Painter().paint(grey(), 1, tracks(wild, [1, 2, 3], [-1, -1, 0]))
    assert picture.shape == (240, 320, 3)


def test_the_size_may_change_on_the_way() -> None:
    painter = Painter()
    painter.paint(grey(), 1, tracks([[50, 60, 120, 200]], [1]))
    assert painter.paint(grey(480, 640), 2, tracks([[50, 60, 120, 200]], [1])).shape == (480, 640, 3)


@pytest.mark.parametrize("people, rate", [(12, 60), (300, 5)])
def test_painting_keeps_up(people: int, rate: float) -> None:
    painter, frame = Painter(), grey(540, 960)
    boxes = [[70.0 * (n % 12) + n // 12, 200, 70 * (n % 12) + 50 + n // 12, 350] for n in range(people)]
    painted = tracks(boxes, list(range(1, people + 1)), [0, -1] * (people // 2))
    painter.paint(frame, 1, painted)
    started = time.process_time()
    for number in range(2, 12):
        painter.paint(frame, number, painted)
    assert 10 / (time.process_time() - started) > rate
