from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scene import DetectorConfig, SceneConfig, figure, gait, play
from scene.camera import Camera
from scene.detector import Detector
from scene.furniture import Obstacle, furnish
from scene.motion import Crowd
from scene.people import Cast
from scene.render import Painter
from scene.silhouette import Outlines, outlines
from scene.visibility import VisibilityMeter


class Scene:
    """A moment of a scene, taken apart."""

    def __init__(self, config: SceneConfig) -> None:
        self.config = config
        self.camera = Camera.of(config)
        self.furniture: list[Obstacle] = furnish(config.random("furniture"), self.camera)
        self.crowd = Crowd(config, self.camera, self.furniture)
        self.people = self.crowd.present()
        self.stance = self.crowd.stance()
        self.seen = outlines(self.people, self.stance, self.camera)
        self.painter = Painter(config, self.camera, self.furniture)


@pytest.fixture(scope="module")
def busy() -> Scene:
    return Scene(SceneConfig(seed=6, frames=1, people=30, noise=0.0))


def test_boxes_tightly_enclose_what_is_drawn(busy: Scene) -> None:
    for index, person in enumerate(busy.people):
        sprite = figure.draw(person, busy.seen, index)
        rows, columns = np.nonzero(sprite.opacity > 127)
        drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=float)
        drawn += (sprite.left, sprite.top, sprite.left, sprite.top)
        np.testing.assert_allclose(busy.seen.boxes[index], drawn, atol=1.6)


@pytest.mark.parametrize("pixels", [0.4, 1.5, 2.0, 2.9, 5.0])
def test_motion_blur_keeps_light_and_opacity(busy: Scene, pixels: float) -> None:
    for index in range(10):
        sprite = figure.draw(busy.people[index], busy.seen, index)
        blurred = sprite.smeared(pixels)
        assert blurred.opacity.mean() == pytest.approx(sprite.opacity.mean(), rel=0.02)
        assert blurred.colour.mean() == pytest.approx(sprite.colour.mean(), rel=0.02)
        assert np.abs(blurred.opacity.astype(int) - sprite.opacity)[:, 3:-3].mean() < 20 * pixels


def test_visibility_is_the_share_of_pixels_that_change_when_somebody_is_taken_away(busy: Scene) -> None:
    everybody = painted(busy, range(len(busy.people)))
    measured = VisibilityMeter(busy.camera, busy.furniture).measure(busy.seen, busy.camera.path[0])
    height, width = everybody.shape[:2]
    errors = []
    for index, person in enumerate(busy.people):
        sprite = figure.draw(person, busy.seen, index)
        left, top, right, bottom = sprite.box
        inside = left >= 0 and top >= 0 and right <= width and bottom <= height
        if not inside or bottom - top < 60:
            continue  # small people are little more than their blurred border
        others = painted(busy, [other for other in range(len(busy.people)) if other != index])
        difference = np.abs(everybody.astype(int) - others).max(axis=-1)[top:bottom, left:right]
        body = sprite.opacity > 127
        errors.append(measured[index] - (difference[body] > 6).mean())
    assert len(errors) > 15
    assert min(measured) < 0.4
    assert np.abs(errors).mean() < 0.03
    assert np.abs(errors).max() < 0.1


def painted(scene: Scene, who: range | list[int]) -> np.ndarray:
    rows = list(who)
    seen = Outlines(**{name: getattr(scene.seen, name)[rows] for name in Outlines.__dataclass_fields__})
    return scene.painter.paint(0, [scene.people[row] for row in rows], seen, np.zeros(len(rows)))


def test_people_cut_by_the_border_are_partly_hidden() -> None:
    for moment in play(SceneConfig(seed=2, frames=40, people=20), images=False):
        inside = np.clip(moment.boxes, 0, (960, 540, 960, 540))
        share = (inside[:, 2:] - inside[:, :2]).prod(1) / (moment.boxes[:, 2:] - moment.boxes[:, :2]).prod(1)
        assert (moment.visibility[share < 0.4] < 0.75).all()


def test_feet_on_the_ground_do_not_slide() -> None:
    frames, rate, speed, height = 60, 50.0, 1.4, 1.75
    cast = Cast(np.random.default_rng(1), 0.0)
    person = cast.arrive()
    when = np.arange(frames) / rate
    stride = float(gait.stride_length(np.array([speed]), np.array([height]))[0])

    def many(value: object) -> np.ndarray:
        return np.repeat(np.array([value], dtype=float), frames, axis=0)

    stance = gait.Stance(
        ground=np.stack([speed * when, many(10.0)], axis=-1),
        heading=many(0.0),
        look=many(0.0),
        phase=np.mod(when * speed / stride, 1.0),
        speed=many(speed),
        height=many(height),
        hips=many(person.hips),
        shoulders=many(person.shoulders),
        swing=many(person.swing),
        bend=many(person.bend),
    )
    joints = gait.joints(stance)
    ankles = joints[:, gait.ANKLE : gait.ANKLE + 2]
    # Somebody walking always has a foot on the ground, and a planted ankle stays where it is.
    assert (joints[:, gait.TOE : gait.TOE + 2, 1].min(axis=1) < 0.05).all()
    planted = (stance.phase > 0.08) & (stance.phase < 0.3)
    steps = np.diff(ankles[:, 0, 0])[planted[1:] & planted[:-1]]
    assert len(steps) > 5
    assert np.abs(steps).max() < 0.03 * speed / rate
    assert joints[..., 1].min() >= 0.0


def test_ids_are_unique_and_everybody_comes_and_goes_over_the_border() -> None:
    config = SceneConfig(seed=7, frames=250, people=10, frame_rate=10)
    before: dict[int, np.ndarray] = {}
    arrivals = 0
    for moment in play(config, images=False):
        now = dict(zip(moment.ids.tolist(), moment.boxes, strict=True))
        assert len(now) == len(moment.ids)
        arrived = [now[identity] for identity in now.keys() - before.keys()] if before else []
        for left, _, right, bottom in [
            *arrived,
            *(before[identity] for identity in before.keys() - now.keys()),
        ]:
            assert left < 25 or right > config.width - 25 or bottom > config.height
        arrivals += len(arrived)
        before = now
    assert arrivals > 5


@pytest.mark.parametrize("people", [0, 1, 12, 40])
def test_as_many_people_as_wanted_are_in_view(people: int) -> None:
    config = SceneConfig(seed=1, frames=50, people=people, frame_rate=5)
    counts = [len(moment.ids) for moment in play(config, images=False)]
    assert abs(np.mean(counts) - people) <= max(1.0, 0.12 * people)


@pytest.mark.slow
def test_a_crowd_of_three_hundred_has_room() -> None:
    config = SceneConfig(seed=1, frames=10, people=300, width=1920, height=1080)
    for moment in play(config, images=False):
        assert 260 <= len(moment.ids) <= 330
        assert np.median(moment.visibility) > 0.6


def test_people_neither_stand_in_each_other_nor_in_the_furniture() -> None:
    scene = Scene(SceneConfig(seed=1, frames=1, people=20))
    posts = np.array([(x, z, thing.radius) for thing in scene.furniture for x, z in thing.footprint()])
    close, inside = [], []
    for _ in range(400):
        at = scene.crowd.stance().ground
        apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
        np.fill_diagonal(apart, np.inf)
        close.append(apart.min())
        gap = np.hypot(*(at[:, None] - posts[None, :, :2]).transpose(2, 0, 1)) - posts[:, 2]
        inside.append(gap.min())
        scene.crowd.advance()
    assert np.quantile(close, 0.02) > 0.25
    assert min(inside) > 0.0


def test_some_people_stop_to_stand_and_groups_stay_together() -> None:
    scene = Scene(SceneConfig(seed=3, frames=1, people=20, groups=1.0))
    stood = False
    nearest = []
    for _ in range(300):
        stance = scene.crowd.stance()
        stood |= bool((stance.speed < 0.05).any())
        apart = np.hypot(*(stance.ground[:, None] - stance.ground[None]).transpose(2, 0, 1))
        np.fill_diagonal(apart, np.inf)
        nearest.append(np.median(apart.min(axis=1)))
        scene.crowd.advance()
    assert stood
    assert np.median(nearest) < 1.5


def test_lookalikes_wear_the_same_clothes_on_other_bodies() -> None:
    cast = Cast(np.random.default_rng(0), 0.5)
    people = [cast.arrive() for _ in range(60)]
    pairs = [(a, b) for i, a in enumerate(people) for b in people[:i] if a.clothes is b.clothes]
    assert len(pairs) > 10
    assert all(a.height != b.height and a.identity != b.identity for a, b in pairs)
    cast = Cast(np.random.default_rng(0), 0.0)
    clothes = [cast.arrive().clothes for _ in range(60)]
    assert len({id(worn) for worn in clothes}) == 60


def test_a_person_looks_more_like_themselves_than_like_others() -> None:
    """The clothes of a 64 × 64 crop tell people apart, which is what a descriptor is trained on."""
    config = SceneConfig(seed=4, frames=13, people=24, width=1280, height=720, lookalikes=0.0)
    crops: dict[int, list[np.ndarray]] = {}
    for moment in play(config):
        if moment.picture is None or moment.number % 12 != 1:
            continue
        for identity, box, visible in zip(moment.ids, moment.boxes, moment.visibility, strict=True):
            left, top, right, bottom = np.round(box).astype(int)
            if visible > 0.9 and bottom - top > 60:
                third = (right - left) // 3
                crop = moment.picture[top:bottom, left + third : right - third]
                small = cv2.resize(crop, (2, 8), interpolation=cv2.INTER_AREA)
                crops.setdefault(int(identity), []).append(small.astype(float).ravel())
    both = [pair for pair in crops.values() if len(pair) == 2]
    assert len(both) >= 8
    first, second = (np.array([pair[side] for pair in both]) for side in (0, 1))
    distance = np.linalg.norm(first[:, None] - second[None], axis=-1)
    assert (distance.argmin(axis=1) == np.arange(len(both))).mean() >= 0.8


def test_moving_camera_moves_the_picture_as_its_path_says() -> None:
    config = SceneConfig(seed=1, frames=12, people=0, width=480, height=270, camera="moving", noise=0.0)
    path = Camera.of(config).path
    pictures = [cv2.cvtColor(m.picture, cv2.COLOR_BGR2GRAY) for m in play(config) if m.picture is not None]
    assert np.ptp(path[:, 0]) > 3
    for a, b in ((0, 5), (5, 11)):
        (x, y), _ = cv2.phaseCorrelate(pictures[a].astype(np.float64), pictures[b].astype(np.float64))
        np.testing.assert_allclose((x, y), path[a] - path[b], atol=0.6)


def test_light_changes_slowly_and_noise_is_as_strong_as_wanted() -> None:
    config = SceneConfig(seed=1, frames=60, people=0, width=320, height=180, frame_rate=5, noise=4.0)
    means, noise = [], []
    before = None
    for moment in play(config):
        assert moment.picture is not None
        means.append(moment.picture.mean())
        if before is not None:
            noise.append((moment.picture.astype(float) - before).std() / np.sqrt(2))
        before = moment.picture.astype(float)
    assert np.ptp(means) > 4
    assert np.abs(np.diff(means)).max() < 2.5
    assert np.median(noise) == pytest.approx(4.0, rel=0.2)


BOXES = np.stack([np.linspace(20, 1700, 100), np.full(100, 300.0)], axis=-1)
BOXES = np.hstack([BOXES, BOXES + np.array([60, 180])])
IDS = np.arange(1, 101)


def detect(
    config: DetectorConfig, visibility: float, frames: int = 200
) -> list[tuple[np.ndarray, np.ndarray]]:
    detector = Detector(config, (1920, 1080), np.random.default_rng(0))
    return [detector.detect(IDS, BOXES, np.full(100, visibility)) for _ in range(frames)]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4])
def test_clearly_visible_people_are_missed_as_often_as_configured(rate: float) -> None:
    found = [len(boxes) for boxes, _ in detect(DetectorConfig(miss_rate=rate, false_alarms=0.0), 1.0)]
    assert np.mean(found) / 100 == pytest.approx(1 - rate, abs=0.02)


def test_hidden_and_small_people_are_missed_more() -> None:
    config = DetectorConfig(miss_rate=0.05, false_alarms=0.0)
    whole, half, hidden = (np.mean([len(b) for b, _ in detect(config, v, 50)]) for v in (1.0, 0.35, 0.1))
    assert whole > half + 20 > hidden + 20
    assert hidden == 0
    detector = Detector(config, (1920, 1080), np.random.default_rng(0))
    tiny = BOXES.copy()
    tiny[:, 2:] = tiny[:, :2] + np.array([6, 18])
    assert np.mean([len(detector.detect(IDS, tiny, np.ones(100))[0]) for _ in range(50)]) < 40


def test_false_alarms_are_as_many_as_configured_and_score_less() -> None:
    detector = Detector(DetectorConfig(false_alarms=2.5), (1920, 1080), np.random.default_rng(0))
    nobody = np.array([], dtype=np.int64), np.empty((0, 4)), np.empty(0)
    frames = [detector.detect(*nobody) for _ in range(3000)]
    assert np.mean([len(boxes) for boxes, _ in frames]) == pytest.approx(2.5, abs=0.25)
    false_score = np.mean(np.concatenate([scores for _, scores in frames]))
    people = np.concatenate([scores for _, scores in detect(DetectorConfig(false_alarms=0.0), 1.0, 20)])
    assert people.mean() > false_score + 0.3


def test_sides_of_boxes_jitter_as_configured() -> None:
    frames = detect(DetectorConfig(miss_rate=0.0, false_alarms=0.0, jitter=0.04), 1.0)
    boxes = np.concatenate([boxes[np.argsort(boxes[:, 0] + boxes[:, 2])] for boxes, _ in frames])
    bottom = boxes[:, 3] - 480
    assert bottom.std() / 180 == pytest.approx(0.04, rel=0.1)
    assert bottom.mean() == pytest.approx(0.0, abs=0.5)


def test_misses_come_in_runs() -> None:
    detector = Detector(
        replace(DetectorConfig(), miss_rate=0.2, false_alarms=0.0, jitter=0.0), (1920, 1080),
        np.random.default_rng(0),
    )  # fmt: skip
    lefts = BOXES[:, 0]
    found = np.array([np.isin(lefts, detector.detect(IDS, BOXES, np.ones(100))[0][:, 0]) for _ in range(200)])
    missed = ~found
    again = (missed[1:] & missed[:-1]).sum() / missed[:-1].sum()
    assert again > 2 * missed.mean()
