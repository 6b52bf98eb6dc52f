"""What ``--descriptor`` means for the footage at hand, and what that does to the tracker's settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast, get_args

from reid.descriptor import Descriptor, DescriptorError, DescriptorProtocol, default_descriptor
from reid.footage.frames import FrameSource
from tracker.boxsource import BoxSource, StoredBoxes
from tracker.config import Stored, TrackerConfig, load_config
from tracker.motchallenge import SequenceInfo
from tracker.pipeline import SequenceRun


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


def remarks(tracker: str, run: SequenceRun, changes: Sequence[str] = ()) -> Iterator[str]:
    """What a user would like to know where settings and appearance do not go together.

    Args:
        tracker: name of a configuration, or a YAML file.
        run: made with its settings.
        changes: ``KEY=VALUE``, what the user has changed in them.
    """
    if run.appearance and not run.config.uses_appearance:
        yield f"{Path(tracker).stem} compares no appearance: {run.appearance} does not change its tracks"
    if not run.appearance:
        keys = (change.partition("=")[0] for change in changes)
        if idle := [key for key in keys if _is_about_looks(key, run.config)]:
            yield f"{', '.join(idle)}: without effect, because there are no appearance vectors"
    if run.stored and run.config.memory.least_quality > 0:
        yield (
            f"memory.least_quality: without effect on vectors from {run.appearance}, which do not say how "
            f"good a view they come from"
        )
    if Path(tracker).suffix:
        for own, used in zip(load_config(tracker, changes).stages, run.config.stages, strict=True):
            if own.threshold != used.threshold:
                yield (
                    f"{run.appearance} brings its own threshold, {used.threshold:.4g}, in place of "
                    f"{own.threshold:g} in {tracker}; --set stages.{own.name}.threshold=X decides otherwise"
                )


def _is_about_looks(key: str, config: TrackerConfig) -> bool:
    """Whether a setting matters to appearance only."""
    section, _, rest = key.partition(".")
    stage, _, setting = rest.partition(".")
    if section != "stages" or setting == "cost":  # a stage that goes by something else from now on
        return section == "memory"
    called = [
        {str(place), each.name} for place, each in enumerate(config.stages) if each.cost == "appearance"
    ]
    return any(stage in names for names in called)
