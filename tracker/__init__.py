"""Online multi-object tracking: a tracker is a configuration.

Example:
    >>> import numpy as np
    >>> from tracker import Detections, Tracker
    >>> tracker = Tracker("sort")
    >>> tracks = tracker.update(Detections(np.array([[10.0, 20.0, 50.0, 120.0]])))
    >>> tracks.ids, tracks.boxes.round()
    (array([1]), array([[ 10.,  20.,  50., 120.]]))
"""

from tracker.detections import Detections

__all__ = ["Detections"]
