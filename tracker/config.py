"""A tracker is a configuration: the typed form of ``configs/trackers/*.yaml``.

Every key is described here; what the numbers of a known tracker mean stands in its file. Distances are
costs throughout: 0 is a perfect match, and a threshold is the largest cost that is still accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from reid.settings import Settings, SettingsError, find_settings, load_settings

if TYPE_CHECKING:
    from reid.descriptor import DescriptorProtocol

_PACKAGE = Path(__file__).parent
# In a checkout the files stand in configs/; a wheel carries them inside the package.
CONFIG_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs" / "trackers")

# Appearance vectors that need no images: "file" are those that stand with the detections, "auto" takes them
# if they are there.
Stored: TypeAlias = Literal["auto", "file", "none"]

_NOISE = re.compile(r"^(?P<root>sqrt\()?(?P<number>[0-9.eE+-]+)(?(root)\))\s*(?P<unit>[wh]?)$")


@dataclass(frozen=True, slots=True)
class Noise:
    """A standard deviation: absolute, or in units of the box's width or height."""

    value: float
    unit: Literal["", "w", "h"] = ""

    @classmethod
    def parse(cls, text: Any) -> Noise:
        """Read ``0.01``, ``"sqrt(10)"``, ``"0.05h"`` or ``"0.05 w"``; what has been read stays as it is."""
        if isinstance(text, cls):
            return text
        match = _NOISE.match(str(text).strip()) if isinstance(text, str | int | float) else None
        try:
            number = float(match["number"]) if match else -1.0
        except ValueError:
            number = -1.0
        if match is None or not 0 <= number < float("inf") or isinstance(text, bool):
            raise ValueError(
                f"{text!r} is no standard deviation; "
                f"expected a number such as 0.01 or sqrt(10), or 0.05h, 0.05w"
            )
        return cls(number**0.5 if match["root"] else number, match["unit"])  # type: ignore[arg-type]

    def written(self) -> float | str:
        """As it would stand in a file."""
        return f"{self.value!r}{self.unit}" if self.unit else self.value


# One deviation for each of the four measured coordinates.
NoiseRow = Annotated[
    tuple[Noise, Noise, Noise, Noise],
    BeforeValidator(
        lambda row: tuple(Noise.parse(entry) for entry in row) if isinstance(row, list | tuple) else row
    ),
    PlainSerializer(lambda row: [noise.written() for noise in row]),
]


class DetectionRules(Settings):
    """Which detections a tracker looks at."""

    min_confidence: float | None = None
    """Drop detections with a lower score; null keeps all."""
    min_height: float = Field(0.0, ge=0)
    """Drop boxes that are less high than this, in pixels."""
    nms: float | None = Field(None, gt=0)
    """Drop a box of which a better one covers more than this share; null keeps all."""


class MotionModel(Settings):
    """A constant-velocity Kalman filter. All noise is given as standard deviations per frame."""

    state: Literal["centre-area-ratio", "centre-ratio-height", "centre-width-height"]
    """What is filtered: the centre, and how the size of the box is written down."""
    initial_position: NoiseRow
    """Uncertainty of a new track about where it is."""
    initial_velocity: NoiseRow
    """Uncertainty of a new track about its velocity."""
    process_position: NoiseRow
    """How far a frame may carry it off a straight path."""
    process_velocity: NoiseRow
    """How much a frame may change its velocity. A coordinate with 0 here and above has no velocity."""
    measurement: NoiseRow
    """How far a detection may lie from the truth."""

    @model_validator(mode="after")
    def _units_exist(self) -> Self:
        units = {
            noise.unit
            for row in (
                self.initial_position,
                self.initial_velocity,
                self.process_position,
                self.process_velocity,
                self.measurement,
            )
            for noise in row
        }
        if self.state == "centre-area-ratio" and units != {""}:
            raise ValueError(
                "centre-area-ratio takes absolute deviations only: it filters neither width nor height"
            )
        if self.state == "centre-ratio-height" and "w" in units:
            raise ValueError("centre-ratio-height filters no width; expected a number or, in heights, 0.05h")
        return self


class Stage(Settings):
    """One round of matching: some tracks against some detections."""

    name: str
    cost: Literal["overlap", "overlap-score", "appearance"]
    """overlap: 1 - IoU. overlap-score: 1 - IoU x score, the score kept within 0 and 1. appearance: distance
    of the descriptors."""
    threshold: float = Field(ge=0)
    """The largest cost at which a pair may match."""
    reject: Literal["before", "after"] = "before"
    """Whether pairs above the threshold are kept out of the assignment, or (as in SORT, overlap only) take
    part in it and are dropped afterwards, unless the pairs below it already are one to one."""
    gate: float | None = Field(None, gt=0)
    """Largest squared Mahalanobis distance from the prediction; null lets every pair through."""
    cascade: bool = False
    """Serve tracks in the order in which they were last seen, most recent first; tracks seen longer than
    lifecycle.max_age frames ago are not served."""
    tracks: Literal["all", "confirmed", "tentative"] = "all"
    max_gap: int | None = Field(None, ge=1)
    """Only tracks seen at most this many frames ago; 1 means the previous frame."""
    min_score: float | None = None
    """Only detections with at least this score."""
    max_score: float | None = None
    """Only detections with a score below this."""

    @model_validator(mode="after")
    def _overlap_is_special(self) -> Self:
        if self.reject == "after" and (self.cost != "overlap" or self.cascade or self.gate):
            raise ValueError("reject: after goes with cost: overlap, without a gate or a cascade")
        if self.cost != "appearance" and self.threshold >= 1:
            raise ValueError("an overlap's threshold lies below 1, the cost of boxes that do not meet")
        return self


class RecallRules(Settings):
    """When a new track is somebody whose track had ended, and goes on under the old identity."""

    threshold: float = Field(ge=0)
    """The largest distance, in the memory's metric, of each of the new track's vectors to the nearest of the
    old one's. Stricter than in a stage: no motion gate helps here, and there are more to be mistaken for."""
    vectors_per_identity: int = Field(20, ge=1)
    """How many vectors are kept of each identity, from all of its life."""
    identities: int = Field(1000, ge=1)
    """How many identities are kept; the one that left longest ago is forgotten first."""


class Memory(Settings):
    """What is remembered of a track's appearance."""

    metric: Literal["cosine", "euclidean"] = "cosine"
    keep: Literal["nearest", "average"] = "nearest"
    """nearest: keep the newest vectors, the nearest one counts. average: keep one moving average."""
    budget: int = Field(100, ge=1)
    """How many vectors are kept of each track (nearest)."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """How much of the old average stays when a new vector comes (average)."""
    least_quality: float = Field(0.0, ge=0, le=1)
    """Vectors from worse views are compared, but not remembered: 0.1 leaves out those that the descriptor is
    less certain about than about nine tenths of its training crops. 0 remembers all."""
    most_covered: float = Field(1.0, ge=0, le=1)
    """The same for boxes of which nearer ones (their lower edge is lower) cover more than this share."""
    recall: RecallRules | None = None
    """Whether identities are given again to those who come back after their track has ended; null: never."""


class Lifecycle(Settings):
    """When a track begins and ends."""

    birth_score: float | None = None
    """Unmatched detections with a lower score start no track; null lets all."""
    confirm_hits: int = Field(1, ge=1)
    """A track is tentative until it has had this many detections, its first included."""
    max_age: int = Field(ge=0)
    """A confirmed track ends when it has gone without a detection for more frames than this; or when a camera
    or stream was away for longer, and for a second at least."""
    tentative_age: int = Field(0, ge=0)
    """The same for a tentative one."""


class Output(Settings):
    """Which tracks are shown, once confirmed, and how."""

    max_gap: int = Field(0, ge=0)
    """Show a track for this many frames after its last detection (the box is then predicted)."""
    min_streak: int = Field(0, ge=0)
    """Show a track only after it was matched in this many frames in a row, its first not counted …"""
    warmup: int = Field(0, ge=0)
    """… except in this many frames at the beginning of the video."""
    box: Literal["filtered", "detected"] = "filtered"
    """Show the Kalman filter's box, or that of the detection where there is one."""


class TrackerConfig(Settings):
    """Everything that makes one tracker differ from another."""

    description: str = ""
    detections: DetectionRules = DetectionRules()
    motion: MotionModel
    stages: list[Stage] = Field(min_length=1)
    memory: Memory = Memory()
    lifecycle: Lifecycle
    output: Output = Output()
    classes: Literal["separate", "ignore"] = "separate"
    """separate: a track only ever takes detections of its own class."""

    @field_validator("stages")
    @classmethod
    def _names_differ(cls, stages: list[Stage]) -> list[Stage]:
        if len({stage.name for stage in stages}) < len(stages):
            raise ValueError("two stages have the same name")
        return stages

    @property
    def uses_appearance(self) -> bool:
        """Whether appearance vectors are compared: in any stage, or to recall who was there before."""
        return self.memory.recall is not None or any(stage.cost == "appearance" for stage in self.stages)

    @property
    def score_thresholds(self) -> dict[str, float]:
        """The keys that tell sure detections from doubtful ones by their score, and where they do."""
        thresholds = {"lifecycle.birth_score": self.lifecycle.birth_score}
        for stage in self.stages:
            thresholds[f"stages.{stage.name}.min_score"] = stage.min_score
            thresholds[f"stages.{stage.name}.max_score"] = stage.max_score
        return {key: score for key, score in thresholds.items() if score is not None}


def load_config(choice: str | Path, overrides: Iterable[str] = ()) -> TrackerConfig:
    """The configuration called ``choice`` ("sort", "deepsort" …) or in the file at that path.

    Args:
        choice: a name from ``configs/trackers`` or a path to a YAML file.
        overrides: changes such as ``"stages.0.threshold=0.3"`` or ``"stages.overlap.threshold=0.3"``.

    Raises:
        SettingsError: names the key that is unknown or has the wrong type.
    """
    return load_settings(TrackerConfig, find_settings(choice, CONFIG_FOLDERS, "tracker"), overrides)


def calibrated_config(
    tracker: str | Path, descriptor: DescriptorProtocol | Stored, changes: Iterable[str] = ()
) -> TrackerConfig:
    """A tracker's settings, with the metric and the threshold of the descriptor that its vectors come from.

    Args:
        tracker: name of a configuration, or a YAML file.
        descriptor: what makes the vectors; "auto", "file" and "none", for vectors that no descriptor makes
            now, change nothing.
        changes: ``KEY=VALUE``; they come later and win.

    Raises:
        SettingsError: the settings cannot be used, or the descriptor is another word, such as its name.

    Example:
        >>> from reid.descriptor import Descriptor
        >>> config = calibrated_config("deepsort", Descriptor.load("histogram"))
        >>> config.memory.metric
        'euclidean'
    """
    if isinstance(descriptor, str):
        if descriptor not in get_args(Stored):
            raise SettingsError(
                f"descriptor {descriptor!r}: found a word; expected a loaded one, "
                f"Descriptor.load({descriptor!r}), or one of {', '.join(get_args(Stored))}"
            )
        return load_config(tracker, changes)
    thresholds = [
        f"stages.{position}.threshold={descriptor.threshold}"
        for position, stage in enumerate(load_config(tracker).stages)
        if stage.cost == "appearance"
    ]
    return load_config(tracker, [f"memory.metric={descriptor.metric}", *thresholds, *changes])


__all__ = ["SettingsError", "TrackerConfig", "calibrated_config", "load_config"]
