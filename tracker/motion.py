"""The Kalman filter of all tracks at once, in closed form.

With the diagonal noise that these trackers use, the covariance of a track never couples one measured
coordinate with another: each coordinate and its velocity are a filter of their own with two states. Its
covariance is three numbers, so the filters of all tracks are five arrays of shape (tracks, 4),

    position, velocity, var(position), cov(position, velocity), var(velocity),

kept together as one array (5, tracks, 4), and a step is a handful of element-wise operations. This is exact,
not an approximation; the tests hold it against a general Kalman filter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.config import MotionModel, Noise

Array: TypeAlias = NDArray[np.float64]

POSITION, VELOCITY, VAR_POSITION, COVARIANCE, VAR_VELOCITY = range(5)


def empty_state() -> Array:
    """The state of no tracks."""
    return np.empty((5, 0, 4))


class Motion:
    """Constant-velocity motion in one of three descriptions of a box."""

    def __init__(self, model: MotionModel) -> None:
        self._from_boxes, self._to_boxes, width, height = _STATES[model.state]
        self._initial_position = _Variance(model.initial_position, width, height)
        self._initial_velocity = _Variance(model.initial_velocity, width, height)
        self._process_position = _Variance(model.process_position, width, height)
        self._process_velocity = _Variance(model.process_velocity, width, height)
        self._measurement = _Variance(model.measurement, width, height)
        self._size_is_area = model.state == "centre-area-ratio"

    def measure(self, boxes: Array) -> Array:
        """Boxes (N, 4) in the filter's coordinates."""
        return self._from_boxes(boxes)

    def initiate(self, measured: Array) -> Array:
        """The state of new tracks that were measured once and have an unknown velocity."""
        state = np.zeros((5, *measured.shape))
        state[POSITION] = measured
        state[VAR_POSITION] = self._initial_position(measured)
        state[VAR_VELOCITY] = self._initial_velocity(measured)
        return state

    def predict(self, state: Array) -> None:
        """Move all tracks on by one frame, in place."""
        position, velocity, var_position, covariance, var_velocity = state
        if self._size_is_area:
            # An area that would become negative stays as it is, as in SORT.
            velocity[position[:, 2] + velocity[:, 2] <= 0, 2] = 0.0
        process_position = self._process_position(position)
        process_velocity = self._process_velocity(position)
        position += velocity
        covariance += var_velocity
        # With the covariance already moved on, v_pp + 2 v_pv + v_vv is v_pp + (2 v_pv' - v_vv).
        var_position += covariance
        var_position += covariance
        var_position -= var_velocity
        var_position += process_position
        var_velocity += process_velocity

    def expected_spread(self, state: Array) -> Array:
        """Variance of the measurement that each predicted track expects next, (N, 4)."""
        return np.asarray(state[VAR_POSITION] + self._measurement(state[POSITION]))

    def update(self, state: Array, rows: NDArray[np.intp], measured: Array, spread: Array) -> None:
        """Correct the tracks in ``rows`` by one measurement each, in place.

        Args:
            state: all tracks, predicted.
            rows: which of them.
            measured: their measurements, (len(rows), 4).
            spread: :meth:`expected_spread` of all tracks.
        """
        part = state[:, rows]
        position, velocity, var_position, covariance, var_velocity = part
        gains = part[VAR_POSITION : COVARIANCE + 1] / spread[rows]
        gain, velocity_gain = gains
        innovation = measured - position
        position += gain * innovation
        velocity += velocity_gain * innovation
        var_velocity -= velocity_gain * covariance
        remaining = 1.0 - gain
        var_position *= remaining
        covariance *= remaining
        state[:, rows] = part

    def gate(
        self, position: Array, spread: Array, measured: Array, limit: float
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs of track and measurement whose squared Mahalanobis distance is at most ``limit``.

        Args:
            position: (N, 4) predicted positions of the tracks.
            spread: (N, 4) their :meth:`expected_spread`.
            measured: (M, 4) measurements.
            limit: a quantile of the chi-squared distribution with 4 degrees of freedom.

        Returns:
            Indices of tracks, ascending, and of measurements.
        """
        # A pair within the ellipsoid lies within its bounding box: that leaves few to be worked out.
        reach = np.sqrt(limit * spread[:, :2])
        low, high = (position[:, :2] - reach).T, (position[:, :2] + reach).T
        across, down = measured[:, 0], measured[:, 1]
        near = low[0, :, None] <= across
        near &= across <= high[0, :, None]
        near &= low[1, :, None] <= down
        near &= down <= high[1, :, None]
        rows, columns = near.nonzero()
        difference = position[rows] - measured[columns]
        difference *= difference
        difference /= spread[rows]
        inside = difference.sum(axis=1) <= limit
        return rows[inside], columns[inside]

    def boxes(self, state: Array) -> Array:
        """Where the tracks are, as boxes (N, 4)."""
        return self._to_boxes(state[POSITION])


class _Variance:
    """A row of deviations, ready to give the variances for many boxes at once."""

    def __init__(self, row: tuple[Noise, ...], width: int | None, height: int | None) -> None:
        self._constant = np.array([noise.value if noise.unit == "" else 0.0 for noise in row]) ** 2
        self._relative = [
            (np.array([noise.value if noise.unit == unit else 0.0 for noise in row]) ** 2, column)
            for unit, column in (("w", width), ("h", height))
            if column is not None and any(noise.unit == unit for noise in row)
        ]

    def __call__(self, position: Array) -> Array:
        variance = self._constant
        for factor, column in self._relative:
            size = position[:, column, None]
            variance = variance + factor * (size * size)
        return variance


def _centre_area_ratio(boxes: Array) -> Array:
    out = _centre_and_size(boxes)
    width, height = out[:, 2].copy(), out[:, 3]
    out[:, 2] = width * height
    out[:, 3] = width / height
    return out


def _centre_ratio_height(boxes: Array) -> Array:
    out = _centre_and_size(boxes)
    out[:, 2] /= out[:, 3]
    return out


def _centre_and_size(boxes: Array) -> Array:
    out = np.empty_like(boxes)
    np.subtract(boxes[:, 2:], boxes[:, :2], out=out[:, 2:])
    np.multiply(out[:, 2:], 0.5, out=out[:, :2])
    out[:, :2] += boxes[:, :2]
    return out


def _boxes_from_area_ratio(position: Array) -> Array:
    size = np.empty((len(position), 2))
    np.sqrt(position[:, 2] * position[:, 3], out=size[:, 0])
    np.divide(position[:, 2], size[:, 0], out=size[:, 1])
    return _boxes_from_size(position, size)


def _boxes_from_ratio_height(position: Array) -> Array:
    size = position[:, 2:].copy()
    size[:, 0] *= size[:, 1]
    return _boxes_from_size(position, size)


def _boxes_from_width_height(position: Array) -> Array:
    return _boxes_from_size(position, position[:, 2:])


def _boxes_from_size(position: Array, size: Array) -> Array:
    out = np.empty((len(position), 4))
    np.multiply(size, -0.5, out=out[:, :2])
    out[:, :2] += position[:, :2]
    np.add(out[:, :2], size, out=out[:, 2:])
    return out


# For each state: from boxes, to boxes, and which coordinate is the box's width and its height.
_STATES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], int | None, int | None]] = {
    "centre-area-ratio": (_centre_area_ratio, _boxes_from_area_ratio, None, None),
    "centre-ratio-height": (_centre_ratio_height, _boxes_from_ratio_height, None, 3),
    "centre-width-height": (_centre_and_size, _boxes_from_width_height, 2, 3),
}
