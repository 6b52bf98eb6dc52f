"""What a scene is made of, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

# Pixels of a side. Painting takes half a KiB of memory for each pixel: 4 GiB for 3840×2160.
_LARGEST = 4096

CameraKind = Literal["static", "moving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConfig:
    """How good the imagined detector is.

    Attributes:
        miss_rate: Chance to miss a person who is wholly visible and large. It rises towards 1 as a person is
            hidden or small. Misses come in runs, as with real detectors.
        false_alarms: Mean number of boxes per frame where there is nobody.
        jitter: Standard deviation of each side of a box, as a share of the person's width or height.
    """

    miss_rate: float = 0.05
    false_alarms: float = 0.4
    jitter: float = 0.03

    def __post_init__(self) -> None:
        if not 0.0 <= self.miss_rate < 1.0:
            raise ValueError(f"miss_rate must be in [0, 1), not {self.miss_rate}")
        if not 0.0 <= self.false_alarms < float("inf"):
            raise ValueError(f"false_alarms must be 0 or a positive number, not {self.false_alarms}")
        if not 0.0 <= self.jitter < 0.5:
            raise ValueError(f"jitter must be in [0, 0.5), not {self.jitter}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneConfig:
    """A street scene. The same values give the same files, byte for byte.

    Attributes:
        seed: Of everything random.
        frames: Length of the sequence.
        width: Of the pictures, in pixels, 4096 at most.
        height: Of the pictures, in pixels, 4096 at most.
        people: About how many are in view at the same time; who leaves is replaced by somebody else. Above 40
            the camera stands farther away, so that they have room.
        frame_rate: Pictures per second.
        camera: "static", or "moving": a slow pan with the shake of a hand.
        lookalikes: Share of people who wear the clothes of somebody else in the scene.
        groups: Share of arrivals that are two or three people walking together.
        noise: Standard deviation of the sensor's noise, in grey levels.
        image_quality: JPEG quality.
        detector: The quality of ``det.txt``.
    """

    seed: int = 1
    frames: int = 300
    width: int = 960
    height: int = 540
    people: int = 12
    frame_rate: float = 25.0
    camera: CameraKind = "static"
    lookalikes: float = 0.15
    groups: float = 0.3
    noise: float = 3.0
    image_quality: int = 92
    detector: DetectorConfig = field(default_factory=DetectorConfig)

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("frames", 1), ("people", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        for name, least in (("width", 160), ("height", 120)):
            if not least <= getattr(self, name) <= _LARGEST:
                raise ValueError(f"{name} must be between {least} and {_LARGEST}, not {getattr(self, name)}")
        if not 1.0 <= self.frame_rate <= 240.0:
            raise ValueError(f"frame_rate must be between 1 and 240, not {self.frame_rate}")
        if self.camera not in ("static", "moving"):
            raise ValueError(f"camera must be 'static' or 'moving', not {self.camera!r}")
        for name in ("lookalikes", "groups"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if not 0.0 <= self.noise <= 50.0:
            raise ValueError(f"noise must be between 0 and 50, not {self.noise}")
        if not 1 <= self.image_quality <= 100:
            raise ValueError(f"image_quality must be between 1 and 100, not {self.image_quality}")

    def random(self, purpose: str) -> np.random.Generator:
        """An independent random stream, so that e.g. drawing pictures does not change the ground truth."""
        return np.random.default_rng([self.seed, *purpose.encode()])
