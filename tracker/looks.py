"""What ``--descriptor`` means for the footage at hand, and what that does to the tracker's settings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import cast, get_args

from reid.descriptor import Descriptor, DescriptorError, DescriptorProtocol, default_descriptor
from reid.footage.frames import FrameSource
from tracker.boxsource import BoxSource, StoredBoxes
from tracker.config import TrackerConfig, load_config
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import Stored


class Looks:
    """Where appearance vectors come from.

    Args:
        choice: "auto", "file", "none", or whatever `Descriptor.load` takes.
        device: where a network is to compute.

    Raises:
        DescriptorError: if there is no such descriptor, or it cannot be read.
    """

    def __init__(self, choice: str, device: str = "auto") -> None:
        self._device = device
        self._choice: Stored | DescriptorProtocol
        stored = get_args(Stored)
        if choice in stored:
            self._choice = cast(Stored, choice)
            return
        try:
            self._choice = Descriptor.load(choice, device)
        except DescriptorError as error:
            raise DescriptorError(f"{error}; without a network: {', '.join(stored)}") from error

    def choose(
        self, frames: SequenceInfo | FrameSource, boxes: BoxSource, config: TrackerConfig
    ) -> Stored | DescriptorProtocol:
        """What is used for this footage.

        With "auto" that is what stands with the detections, else the best descriptor that ships if there are
        images, else nothing.
        """
        if self._choice != "auto" or (isinstance(boxes, StoredBoxes) and boxes.has_vectors):
            return self._choice
        images = isinstance(frames, FrameSource) or frames.has_images
        return self._default if images and config.uses_appearance else "none"

    @cached_property
    def _default(self) -> DescriptorProtocol:
        return Descriptor.load(default_descriptor(), self._device)


def calibrated_config(
    tracker: str, descriptor: Stored | DescriptorProtocol, changes: Iterable[str] = ()
) -> TrackerConfig:
    """A tracker's settings, with the metric and the threshold of the descriptor.

    Args:
        tracker: name of a configuration, or a YAML file.
        descriptor: what is used.
        changes: ``KEY=VALUE``; they come later and win.
    """
    if isinstance(descriptor, str):
        return load_config(tracker, changes)
    thresholds = [
        f"stages.{position}.threshold={descriptor.threshold}"
        for position, stage in enumerate(load_config(tracker).stages)
        if stage.cost == "appearance"
    ]
    return load_config(tracker, [f"memory.metric={descriptor.metric}", *thresholds, *changes])
