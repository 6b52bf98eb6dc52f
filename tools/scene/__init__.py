"""Street scenes with walking people, made up: pictures, ground truth and the errors of a detector."""

from .config import DetectorConfig, SceneConfig
from .sequence import Moment, make_sequence, play

__all__ = ["DetectorConfig", "Moment", "SceneConfig", "make_sequence", "play"]
