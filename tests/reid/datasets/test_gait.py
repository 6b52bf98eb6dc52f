from __future__ import annotations

import numpy as np

from reid.datasets.gait import stick_figure, synthetic_motion


def test_made_up_motion_has_the_form_of_the_measured_one() -> None:
    motion = synthetic_motion(400)
    assert motion.names == ("walking", "jogging", "balancing")
    np.testing.assert_array_equal(np.bincount(motion.movement), [240, 60, 100])
    assert motion.angles.shape == (400, 50)
    assert "no measurement" in motion.source


def test_the_seed_decides() -> None:
    one, same, other = synthetic_motion(50), synthetic_motion(50), synthetic_motion(50, seed=1)
    np.testing.assert_array_equal(one.angles, same.angles)
    assert not np.array_equal(one.angles, other.angles)


def test_the_figure_stands_upright_and_alike_on_both_sides() -> None:
    skeleton = stick_figure()
    (joints,) = skeleton.joints(np.zeros((1, 62)))
    place = {"root": 0} | {bone.name: number + 1 for number, bone in enumerate(skeleton.bones)}
    assert joints[place["head"], 1] == joints[:, 1].max()
    assert joints[place["ltoes"], 1] == joints[:, 1].min()
    for name in ("tibia", "hand"):
        np.testing.assert_allclose(joints[place[f"l{name}"]] * [-1, 1, 1], joints[place[f"r{name}"]])


def test_knees_and_elbows_bend_the_right_way() -> None:
    motion = synthetic_motion(600)
    channels = motion.channels
    assert motion.angles[:, channels.index("ltibia rx")].min() >= 0
    jogging = motion.angles[motion.movement == 1]
    assert jogging[:, channels.index("lradius rx")].max() < 0
