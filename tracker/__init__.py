"""Online multi-object tracking: a tracker is a configuration.

Example:
    >>> import numpy as np
    >>> from tracker import Detections, Tracker
    >>> tracker = Tracker("sort")
    >>> tracks = tracker.update(Detections(np.array([[10.0, 20.0, 50.0, 120.0]])))
    >>> tracks.ids.tolist(), tracks.boxes.round().tolist()
    ([1], [[10.0, 20.0, 50.0, 120.0]])
"""

from tracker.config import SettingsError, TrackerConfig, calibrated_config, load_config
from tracker.detections import Detections
from tracker.engine import Tracker
from tracker.tracks import Tracks

__all__ = [
    "Detections",
    "SettingsError",
    "Tracker",
    "TrackerConfig",
    "Tracks",
    "calibrated_config",
    "load_config",
]
