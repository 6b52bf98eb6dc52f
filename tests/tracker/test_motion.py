"""The closed-form filters against a general Kalman filter with full matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter  # type: ignore[import-untyped]
from numpy.typing import NDArray

from tracker.config import MotionModel, load_config
from tracker.motion import COVARIANCE, POSITION, VAR_POSITION, VAR_VELOCITY, VELOCITY, Motion

Array = NDArray[np.float64]

# BoT-SORT's filter: deviations go with the width across and with the height down.
BOT_SORT = MotionModel.model_validate(
    {
        "state": "centre-width-height",
        "initial_position": ["0.1w", "0.1h", "0.1w", "0.1h"],
        "initial_velocity": ["0.0625w", "0.0625h", "0.0625w", "0.0625h"],
        "process_position": ["0.05w", "0.05h", "0.05w", "0.05h"],
        "process_velocity": ["0.00625w", "0.00625h", "0.00625w", "0.00625h"],
        "measurement": ["0.05w", "0.05h", "0.05w", "0.05h"],
    }
)


@dataclass(frozen=True)
class Original:
    """A published filter, written down as its authors did: full matrices, one track at a time.

    Attributes:
        model: the same as a configuration.
        velocities: how many of the four coordinates have one.
        measure: (left, top, right, bottom) to the measured vector.
        initial: the diagonal of the first covariance, for a measured vector.
        process: the diagonal of the process noise, for the mean before the prediction.
        measurement: the diagonal of the measurement noise, for the predicted mean.
    """

    model: MotionModel
    velocities: int
    measure: Callable[[Array], Array]
    initial: Callable[[Array], Array]
    process: Callable[[Array], Array]
    measurement: Callable[[Array], Array]

    def begin(self, box: Array) -> KalmanFilter:
        size = 4 + self.velocities
        kalman = KalmanFilter(dim_x=size, dim_z=4)
        kalman.F = np.eye(size) + np.eye(size, k=4)
        kalman.H = np.eye(4, size)
        kalman.x = np.zeros((size, 1))
        kalman.x[:4, 0] = self.measure(box)
        kalman.P = np.diag(self.initial(kalman.x[:, 0]))
        return kalman

    def predict(self, kalman: KalmanFilter) -> None:
        if self.velocities == 3 and kalman.x[2, 0] + kalman.x[6, 0] <= 0:
            kalman.x[6, 0] = 0.0
        kalman.predict(Q=np.diag(self.process(kalman.x[:, 0])))

    def update(self, kalman: KalmanFilter, box: Array) -> None:
        kalman.update(self.measure(box), R=np.diag(self.measurement(kalman.x[:, 0])))


def measure_area_ratio(box: Array) -> Array:
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width * height, width / height])


def measure_ratio_height(box: Array) -> Array:
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width / height, height])


def measure_width_height(box: Array) -> Array:
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width, height])


def of_height(
    position: float, ratio: float, velocity: float, ratio_velocity: float
) -> Callable[[Array], Array]:
    """Variances of DeepSORT's eight states from deviations in units of the height, and absolute ones."""

    def variances(mean: Array) -> Array:
        p, v = position * mean[3], velocity * mean[3]
        return np.array([p, p, ratio, p, v, v, ratio_velocity, v]) ** 2

    return variances


def of_width_and_height(position: float, velocity: float) -> Callable[[Array], Array]:
    def variances(mean: Array) -> Array:
        width, height = mean[2], mean[3]
        size = np.array([width, height, width, height])
        return np.concatenate((position * size, velocity * size)) ** 2

    return variances


ORIGINALS = {
    "centre-area-ratio": Original(
        model=load_config("sort").motion,
        velocities=3,
        measure=measure_area_ratio,
        initial=lambda _: np.array([10.0, 10, 10, 10, 1e4, 1e4, 1e4]),
        process=lambda _: np.array([1.0, 1, 1, 1, 0.01, 0.01, 0.0001]),
        measurement=lambda _: np.array([1.0, 1, 10, 10]),
    ),
    "centre-ratio-height": Original(
        model=load_config("deepsort").motion,
        velocities=4,
        measure=measure_ratio_height,
        initial=of_height(2 / 20, 1e-2, 10 / 160, 1e-5),
        process=of_height(1 / 20, 1e-2, 1 / 160, 1e-5),
        measurement=lambda mean: of_height(1 / 20, 1e-1, 0, 0)(mean)[:4],
    ),
    "centre-width-height": Original(
        model=BOT_SORT,
        velocities=4,
        measure=measure_width_height,
        initial=of_width_and_height(2 / 20, 10 / 160),
        process=of_width_and_height(1 / 20, 1 / 160),
        measurement=lambda mean: of_width_and_height(1 / 20, 0)(mean)[:4],
    ),
}

EVERY_STATE = pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS)


def random_boxes(rng: np.random.Generator, count: int) -> Array:
    centres = rng.uniform(0, 1900, (count, 2))
    sizes = np.exp(rng.uniform(np.log(8), np.log(500), (count, 2)))
    return np.hstack((centres - sizes / 2, centres + sizes / 2))


def random_walks(rng: np.random.Generator, count: int, frames: int) -> list[Array]:
    """Boxes that drift, jitter, grow and shrink."""
    boxes = random_boxes(rng, count)
    velocity = rng.normal(0, 6, (count, 2))
    walks = []
    for _ in range(frames):
        sizes = (boxes[:, 2:] - boxes[:, :2]) * np.exp(rng.normal(0, 0.05, (count, 2)))
        centres = (boxes[:, 2:] + boxes[:, :2]) / 2 + velocity + rng.normal(0, 3, (count, 2))
        boxes = np.hstack((centres - sizes / 2, centres + sizes / 2))
        walks.append(boxes)
    return walks


def assert_same(state: Array, kalmans: list[KalmanFilter], velocities: int) -> None:
    """Mean and covariance agree to 1e-9, and the general filter has nothing that ours leaves out."""
    for row, kalman in enumerate(kalmans):
        mean, covariance = kalman.x[:, 0], kalman.P
        ours = state[:, row]
        scale = np.abs(mean).max()
        np.testing.assert_allclose(ours[POSITION], mean[:4], rtol=1e-9)
        np.testing.assert_allclose(ours[VELOCITY, :velocities], mean[4:], rtol=1e-9, atol=1e-12 * scale)
        expected = np.zeros_like(covariance)
        coordinates = np.arange(4)
        moving = np.arange(velocities)
        expected[coordinates, coordinates] = ours[VAR_POSITION]
        expected[moving, 4 + moving] = expected[4 + moving, moving] = ours[COVARIANCE, :velocities]
        expected[4 + moving, 4 + moving] = ours[VAR_VELOCITY, :velocities]
        np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=0)
        assert not ours[[VELOCITY, COVARIANCE, VAR_VELOCITY], velocities:].any()


@EVERY_STATE
@pytest.mark.parametrize("seed", range(3))
def test_every_step_is_that_of_the_general_filter(original: Original, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, frames = 12, 60
    motion = Motion(original.model)
    first, *walk = random_walks(rng, count, frames)
    state = motion.initiate(motion.measure(first))
    kalmans = [original.begin(box) for box in first]
    assert_same(state, kalmans, original.velocities)
    missed_until = np.zeros(count)
    for frame, boxes in enumerate(walk):
        motion.predict(state)
        for kalman in kalmans:
            original.predict(kalman)
        assert_same(state, kalmans, original.velocities)

        spread = motion.expected_spread(state)
        for row, kalman in enumerate(kalmans):
            projected = kalman.P[:4, :4] + np.diag(original.measurement(kalman.x[:, 0]))
            np.testing.assert_allclose(np.diag(spread[row]), projected, rtol=1e-9, atol=0)

        # Single misses and long ones.
        vanish = rng.random(count) < 0.1
        missed_until[vanish] = frame + rng.integers(1, 12, vanish.sum())
        seen = (missed_until <= frame).nonzero()[0]
        order = rng.permutation(seen)
        motion.update(state, order, motion.measure(boxes[order]), spread)
        for row in seen.tolist():
            original.update(kalmans[row], boxes[row])
        assert_same(state, kalmans, original.velocities)


@EVERY_STATE
def test_boxes_come_back_as_they_were_measured(original: Original) -> None:
    boxes = random_boxes(np.random.default_rng(5), 50)
    motion = Motion(original.model)
    measured = motion.measure(boxes)
    np.testing.assert_allclose(measured, [original.measure(box) for box in boxes], rtol=1e-12)
    np.testing.assert_allclose(motion.boxes(motion.initiate(measured)), boxes, rtol=1e-9, atol=1e-9)


@EVERY_STATE
def test_no_tracks_are_no_trouble(original: Original) -> None:
    motion = Motion(original.model)
    nobody, nothing = np.empty((0, 4)), np.empty(0, dtype=np.intp)
    state = motion.initiate(motion.measure(nobody))
    motion.predict(state)
    spread = motion.expected_spread(state)
    motion.update(state, nothing, nobody, spread)
    rows, columns = motion.gate(state[POSITION], spread, nobody, 9.4877)
    assert (len(rows), len(columns), motion.boxes(state).shape) == (0, 0, (0, 4))


@EVERY_STATE
def test_an_update_touches_only_its_tracks(original: Original) -> None:
    rng = np.random.default_rng(3)
    motion = Motion(original.model)
    state = motion.initiate(motion.measure(random_boxes(rng, 6)))
    motion.predict(state)
    before = state.copy()
    rows = np.array([4, 1])
    motion.update(state, rows, motion.measure(random_boxes(rng, 2)), motion.expected_spread(state))
    untouched = [0, 2, 3, 5]
    np.testing.assert_array_equal(state[:, untouched], before[:, untouched])
    assert (state[POSITION, rows] != before[POSITION, rows]).all()


@EVERY_STATE
@pytest.mark.parametrize("limit", [0.5, 9.4877, 200.0])
def test_the_gate_is_the_mahalanobis_distance(original: Original, limit: float) -> None:
    rng = np.random.default_rng(7)
    motion = Motion(original.model)
    walks = random_walks(rng, 40, 5)
    state = motion.initiate(motion.measure(walks[0]))
    kalmans = [original.begin(box) for box in walks[0]]
    for boxes in walks[1:]:
        motion.predict(state)
        motion.update(state, np.arange(40), motion.measure(boxes), motion.expected_spread(state))
        for kalman, box in zip(kalmans, boxes, strict=True):
            original.predict(kalman)
            original.update(kalman, box)
    motion.predict(state)
    for kalman in kalmans:
        original.predict(kalman)
    # Measurements at every distance from somebody, and those of the last frame.
    somebody = rng.integers(0, 40, 200)
    spread = motion.expected_spread(state)
    scatter = rng.normal(0, 1, (200, 4)) * np.sqrt(spread[somebody]) * rng.uniform(0, 2, (200, 1))
    near = state[POSITION, somebody] + scatter
    measured = np.vstack((near, motion.measure(walks[-1])))
    rows, columns = motion.gate(state[POSITION], spread, measured, limit)
    expected = set()
    for row, kalman in enumerate(kalmans):
        projected = kalman.P[:4, :4] + np.diag(original.measurement(kalman.x[:, 0]))
        inverse = np.linalg.inv(projected)
        for column, vector in enumerate(measured):
            difference = vector - kalman.x[:4, 0]
            if difference @ inverse @ difference <= limit:
                expected.add((row, column))
    assert len(expected) > 10
    assert {*zip(rows.tolist(), columns.tolist(), strict=True)} == expected
    assert (np.diff(rows) >= 0).all()


def test_an_area_that_would_become_negative_stays() -> None:
    motion = Motion(ORIGINALS["centre-area-ratio"].model)
    state = motion.initiate(np.array([[50.0, 50, 100, 0.5], [50, 50, 100, 0.5], [50, 50, 100, 0.5]]))
    state[VELOCITY, :, 2] = [-99, -100, -150]
    motion.predict(state)
    assert state[POSITION, :, 2].tolist() == [1, 100, 100]
    assert state[VELOCITY, :, 2].tolist() == [-99, 0, 0]
    assert np.isfinite(motion.boxes(state)).all()


def test_other_states_have_no_such_guard() -> None:
    motion = Motion(ORIGINALS["centre-ratio-height"].model)
    state = motion.initiate(np.array([[50.0, 50, 0.5, 100]]))
    state[VELOCITY, 0, 2] = -1
    motion.predict(state)
    assert state[POSITION, 0, 2] == -0.5


def test_units_of_noise() -> None:
    model = MotionModel.model_validate(
        {
            "state": "centre-width-height",
            "initial_position": ["0.5w", "0.25h", 3, "sqrt(7)"],
            "initial_velocity": ["2h", 0, "1e-2 w", "0.1"],
            "process_position": [0, 0, 0, 0],
            "process_velocity": [0, 0, 0, 0],
            "measurement": [1, "1w", "1h", 0],
        }
    )
    motion = Motion(model)
    measured = np.array([[0.0, 0, 30, 80], [0, 0, 10, 20]])
    state = motion.initiate(measured)
    np.testing.assert_allclose(state[VAR_POSITION], [[15**2, 20**2, 9, 7], [5**2, 5**2, 9, 7]])
    np.testing.assert_allclose(state[VAR_VELOCITY], [[160**2, 0, 0.3**2, 0.01], [40**2, 0, 0.1**2, 0.01]])
    spread = motion.expected_spread(state) - state[VAR_POSITION]
    np.testing.assert_allclose(spread, [[1, 30**2, 80**2, 0], [1, 10**2, 20**2, 0]])
