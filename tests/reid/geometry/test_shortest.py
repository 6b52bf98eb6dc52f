from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reid.geometry.shortest import shortest_curves
from tests.reid.geometry.conftest import Surface


def test_curves_do_not_depend_on_how_often_a_point_is_asked_for(sphere: Surface) -> None:
    data = np.random.default_rng(0).uniform([0.4, -1.5], [2.7, 1.5], (200, 2))
    start, end = np.array([[0.6, -1.2]]), np.array([[0.7, 1.2]])
    settings: Any = {"data": data, "nodes": 2000, "neighbours": 20}
    (alone,) = shortest_curves(sphere.decode, start, end, **settings)
    many = shortest_curves(
        sphere.decode, np.repeat(start, 60, axis=0), np.repeat(end, 60, axis=0), **settings
    )
    assert {one.length for one in many} == {alone.length}
    # Over the top of the sphere it is shorter than along the straight line in its coordinates.
    assert alone.length < 0.97 * alone.straight_length
    for one in many:
        np.testing.assert_allclose(one.path[[0, -1]], [start[0], end[0]])


def test_each_curve_joins_its_own_ends(sphere: Surface) -> None:
    points = np.random.default_rng(1).uniform([0.6, -1.2], [2.5, 1.2], (9, 2))
    start, end = np.repeat(points[:1], 8, axis=0), points[1:]
    curves = shortest_curves(sphere.decode, start, end, data=points, nodes=1000, neighbours=20, unit=2.0)
    for curve, target in zip(curves, end, strict=True):
        np.testing.assert_allclose(curve.path[[0, -1]], [points[0], target])
    lengths = [curve.length for curve in curves]
    assert len(set(lengths)) == 8
    assert all(
        length == pytest.approx(curve.straight_length, rel=0.5)
        for length, curve in zip(lengths, curves, strict=True)
    )
