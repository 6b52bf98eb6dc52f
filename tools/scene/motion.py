"""How people move through the street: their ways, pauses, groups, and how they avoid each other."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .config import SceneConfig
from .furniture import Obstacle
from .gait import Stance, stride_length
from .people import Cast, Person

Array = NDArray[np.float64]

NEAR, FAR = 6.6, 20.5  # the pavement before the road, in metres from the camera, for a scene of spread 1
OTHER_SIDE = (30.3, 32.5)  # the pavement beyond the road
POINTS = 4  # of a way: up to two in the scene, then the exit (repeated)
_OUTSIDE = 0.9  # metres beyond the edge of the canvas at which people come and go
_MEMORY = 0.45  # seconds that a walker takes to change their velocity


@dataclass(slots=True)
class _Walkers:
    """The people who are there now, one row each."""

    cast: NDArray[np.intp]  # which person
    at: Array  # (N, 2)
    velocity: Array  # (N, 2)
    heading: Array
    look: Array
    phase: Array
    pace: Array
    way: Array  # (N, POINTS, 2)
    pause: Array  # (N, POINTS) seconds still to stand at each point
    leg: NDArray[np.intp]  # which point they walk to
    group: NDArray[np.intp]

    def choose(self, rows: NDArray[np.bool_]) -> _Walkers:
        return _Walkers(*(getattr(self, column.name)[rows] for column in fields(self)))

    def join(self, other: _Walkers) -> _Walkers:
        return _Walkers(
            *(np.concatenate([getattr(self, c.name), getattr(other, c.name)]) for c in fields(self))
        )


class Crowd:
    """Everybody in the street, moved on frame by frame."""

    def __init__(self, config: SceneConfig, camera: Camera, obstacles: list[Obstacle]) -> None:
        self.people: list[Person] = []
        self._rng = config.random("motion")
        self._cast = Cast(config.random("people"), config.lookalikes)
        self._camera = camera
        self._groups_share = config.groups
        self._step = 1.0 / config.frame_rate
        # The canvas is wider than the picture, and people wait outside of it.
        self._wanted = round(config.people * camera.width / config.width * 1.06)
        self._next_group = 0
        centres = [(x, z, o.radius) for o in obstacles for x, z in o.footprint()]
        self._obstacles = np.array(centres).reshape(-1, 3)
        self._walkers = self._arrivals(0, along=False)
        while len(self._walkers.cast) < self._wanted:
            self._walkers = self._walkers.join(self._arrivals(self._group_size(), along=True))
        for _ in range(round(3 * config.frame_rate)):
            self.advance()

    def present(self) -> list[Person]:
        """Who is there now, in the rows' order of ``stance``."""
        return [self.people[index] for index in self._walkers.cast]

    def stance(self) -> Stance:
        """How they stand or walk now."""
        people, walkers = self.present(), self._walkers
        return Stance(
            ground=walkers.at,
            heading=walkers.heading,
            look=walkers.look,
            phase=walkers.phase,
            speed=np.linalg.norm(walkers.velocity, axis=1),
            height=np.array([person.height for person in people]),
            hips=np.array([person.hips for person in people]),
            shoulders=np.array([person.shoulders for person in people]),
            swing=np.array([person.swing for person in people]).reshape(-1, 2),
            bend=np.array([person.bend for person in people]).reshape(-1, 2),
        )

    def sideways(self) -> Array:
        """How fast everybody moves along X, in metres per second."""
        return self._walkers.velocity[:, 0]

    def advance(self) -> None:
        """Move everybody on by one frame; let people leave and arrive."""
        walkers, step = self._walkers, self._step
        wish = self._wishes()
        push = self._keep_apart() + self._go_around()
        walkers.velocity += (wish + push - walkers.velocity) * min(step / _MEMORY, 1.0)
        speed = np.linalg.norm(walkers.velocity, axis=1)
        limit = 1.25 * walkers.pace
        walkers.velocity *= np.minimum(1.0, limit / np.maximum(speed, 1e-9))[:, None]
        speed = np.minimum(speed, limit)
        # Nobody shuffles about because of a slight push.
        walkers.velocity[speed < 0.08] = 0.0
        walkers.at += walkers.velocity * step
        self._turn(speed)
        height = np.array([person.height for person in self.present()])
        walkers.phase = np.mod(walkers.phase + speed * step / stride_length(speed, height), 1.0)
        self._walkers = walkers.choose(~self._has_left())
        missing = self._wanted - len(self._walkers.cast)
        # Newcomers come one after the other, not all in the same frame.
        if missing > 0 and self._rng.random() < 1 - np.exp(-missing * step / 0.8):
            self._walkers = self._walkers.join(self._arrivals(min(self._group_size(), missing), along=False))

    def _wishes(self) -> Array:
        """The velocity everybody would have if they were alone."""
        walkers = self._walkers
        rows = np.arange(len(walkers.leg))
        way = walkers.way[rows, walkers.leg] - walkers.at
        distance = np.linalg.norm(way, axis=1)
        waits = walkers.pause[rows, walkers.leg] > 0
        arrived = distance < np.where(waits, 0.45, 0.9)
        standing = arrived & waits
        walkers.pause[rows[standing], walkers.leg[standing]] -= self._step
        walkers.leg = np.minimum(walkers.leg + (arrived & ~waits), POINTS - 1)
        pace = np.where(waits, np.minimum(walkers.pace, 0.9 * distance), walkers.pace)
        wish = way / np.maximum(distance, 1e-9)[:, None] * np.where(standing, 0.0, pace)[:, None]
        return np.asarray(wish + self._stay_together(standing))

    def _stay_together(self, standing: NDArray[np.bool_]) -> Array:
        """Let who is ahead of their group slow down, and who is behind catch up."""
        walkers = self._walkers
        if not len(walkers.group):
            return np.zeros((0, 2))
        _, member = np.unique(walkers.group, return_inverse=True)
        size = np.bincount(member).astype(float)
        middle = np.stack([np.bincount(member, walkers.at[:, axis]) / size for axis in (0, 1)], axis=-1)
        pull = middle[member] - walkers.at
        pull *= np.where(standing | (size[member] == 1), 0.0, 0.35)[:, None]
        return np.asarray(pull)

    def _keep_apart(self) -> Array:
        walkers = self._walkers
        x, z = (walkers.at[:, axis, None] - walkers.at[None, :, axis] for axis in (0, 1))
        i, j = np.nonzero(x * x + z * z < 9.0)
        i, j = i[i != j], j[i != j]
        x, z = x[i, j], z[i, j]
        distance = np.maximum(np.hypot(x, z), 1e-6)
        force = 1.6 * np.exp((0.55 - distance) / 0.22) / distance
        # Who comes towards one is passed on the right, and already from afar.
        mine, theirs = walkers.velocity[i], walkers.velocity[j]
        ahead = -(x * mine[:, 0] + z * mine[:, 1]) / distance
        meeting = (mine * theirs).sum(-1) < 0
        dodge = np.where(meeting & (ahead > 0.5), 0.7 * np.exp((0.9 - distance) / 0.8) / distance, 0.0)
        count = len(walkers.at)
        push_x = np.bincount(i, x * force - z * dodge, minlength=count)
        push_z = np.bincount(i, z * force + x * dodge, minlength=count)
        return np.stack([push_x, push_z], axis=-1)

    def _go_around(self) -> Array:
        walkers = self._walkers
        apart = walkers.at[:, None] - self._obstacles[None, :, :2]
        distance = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), 1e-6)
        gap = distance - self._obstacles[None, :, 2]
        force = 1.8 * np.exp((0.30 - gap) / 0.22) / distance
        aside = np.stack([-apart[..., 1], apart[..., 0]], axis=-1)
        side = np.sign((aside * walkers.velocity[:, None]).sum(-1))
        heads_for = (apart * walkers.velocity[:, None]).sum(-1) < 0
        slide = np.where(heads_for, 0.8 * np.exp((0.4 - gap) / 0.5) / distance, 0.0) * np.where(
            side, side, 1.0
        )
        push = apart * force[..., None] + aside * slide[..., None]
        return np.asarray(push.sum(axis=1))

    def _turn(self, speed: Array) -> None:
        walkers, step = self._walkers, self._step
        wanted = np.arctan2(walkers.velocity[:, 1], walkers.velocity[:, 0])
        difference = np.mod(wanted - walkers.heading + np.pi, 2 * np.pi) - np.pi
        rate = np.where(speed > 0.15, np.clip(6 * difference, -3.5, 3.5), 0.0)
        walkers.heading += rate * step
        # Heads wander: a damped random walk around straight ahead.
        kick = self._rng.normal(0, 1, len(walkers.look))
        walkers.look += -0.8 * step * walkers.look + 0.45 * np.sqrt(step) * kick
        np.clip(walkers.look, -1.1, 1.1, out=walkers.look)

    def _has_left(self) -> NDArray[np.bool_]:
        walkers = self._walkers
        outside = np.abs(walkers.at[:, 0]) > self._camera.edge(walkers.at[:, 1]) + 0.8 * _OUTSIDE
        leaving = (walkers.leg == POINTS - 1) | (walkers.leg == POINTS - 2)
        return np.asarray(outside & leaving & (walkers.at[:, 0] * walkers.way[:, -1, 0] > 0))

    def _in_sight(self, x: float, z: float) -> bool:
        """Whether the camera sees the feet of somebody at a place; other people may still hide them."""
        posts = self._obstacles[self._obstacles[:, 1] < z]
        return bool((np.abs(x / z - posts[:, 0] / posts[:, 1]) > (posts[:, 2] + 0.3) / posts[:, 1]).all())

    def _group_size(self) -> int:
        if self._rng.random() >= self._groups_share:
            return 1
        return int(self._rng.choice([2, 2, 3]))

    def _arrivals(self, count: int, *, along: bool) -> _Walkers:
        """A group that comes in at the side, or that is already somewhere ``along`` its way."""
        rng = self._rng
        way, pause = self._plan()
        start, points = way[0], way[1:]
        direction = (points[0] - start) / max(float(np.linalg.norm(points[0] - start)), 1e-9)
        leg = 0
        if along:
            leg = int(rng.integers(POINTS - 1)) if rng.random() < 0.8 else 0
            before = start if leg == 0 else points[leg - 1]
            share = rng.uniform(0.1, 0.9)
            direction = points[leg] - before
            start = before + direction * share
            direction = direction / max(float(np.linalg.norm(direction)), 1e-9)
        abreast = np.array([-direction[1], direction[0]])
        offsets = (np.arange(count) - (count - 1) / 2)[:, None] * abreast * 0.72
        offsets += rng.normal(0, 0.08, (count, 2))
        first = len(self.people)
        self.people.extend(self._cast.arrive() for _ in range(count))
        members = self.people[first:]
        pace = min((person.pace for person in members), default=1.3)
        self._next_group += 1
        return _Walkers(
            cast=np.arange(first, first + count),
            at=start + offsets,
            velocity=np.tile(direction * pace, (count, 1)),
            heading=np.full(count, np.arctan2(direction[1], direction[0])),
            look=rng.normal(0, 0.2, count),
            phase=rng.random(count),
            pace=np.full(count, pace),
            way=points[None] + offsets[:, None],
            pause=np.tile(pause, (count, 1)),
            leg=np.full(count, leg),
            group=np.full(count, self._next_group),
        )

    def _plan(self) -> tuple[Array, Array]:
        """A way from a point outside through the scene and out again, and the pauses on it."""
        rng, spread = self._rng, self._camera.spread
        beyond = rng.random() < 0.1
        near, far = OTHER_SIDE if beyond else (NEAR, FAR)

        def depth() -> float:
            # More often near, so that people are large enough to look at.
            return float(near + (far - near) * rng.random() ** 1.4) * spread

        def outside(side: float, z: float) -> tuple[float, float]:
            return side * (float(self._camera.edge(z)) + _OUTSIDE), z

        enters = float(rng.choice([-1.0, 1.0]))
        leaves = -enters if rng.random() < 0.8 else enters
        z = depth()
        way = [outside(enters, z)]
        pause = np.zeros(POINTS)
        for point in range(int(rng.integers(0, 3))):
            z = depth()
            reach = 0.8 * float(self._camera.edge(z))
            way.append((float(rng.uniform(-reach, reach)), z))
            # Nobody stands still where nobody can see them.
            if rng.random() < 0.3 and not beyond and self._in_sight(*way[-1]):
                pause[point] = rng.uniform(2.0, 7.0)
        # The last stretch leads to the nearer depths as often as to the farther ones.
        z = float(np.clip(z + rng.normal(0, 3 * spread), near * spread, far * spread))
        way += [outside(leaves, z)] * (POINTS + 1 - len(way))
        way[-1] = (way[-1][0] + leaves * 3.0, way[-1][1])
        return np.array(way), pause
