"""What the command line asks for: what to track, with which boxes, and where everything goes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reid.detectors import open_detector
from reid.files import FileError
from reid.footage.frames import FrameSource
from reid.footage.sources import open_source
from reid.settings import Settings, check_settings
from tracker.boxsource import DetectedBoxes
from tracker.config import DetectionRules, SettingsError
from tracker.motchallenge import SequenceInfo, find_sequences
from tracker.results import ResultWriter
from tracker.sinks import Sink, partial

#: What result files and pages may be called.
RESULTS = (".txt", ".csv", ".jsonl")
_PAGES = (".html", ".htm")

# Where neither the tracker nor the user says which detections count.
_USUAL_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to track.

    Attributes:
        name: what to call it, and the files that are made of it.
        place: where it is, for messages.
        frames: the thing.
    """

    name: str
    place: str
    frames: SequenceInfo | FrameSource

    @property
    def files(self) -> Iterable[Path]:
        """All that is read, as far as it lies on this machine."""
        if isinstance(self.frames, FrameSource):
            return self.frames.files
        # Which detections are taken is settled later: none of them is to be written over.
        folder = self.frames.folder
        return [folder / "seqinfo.ini", *(folder / "det").glob("*"), *(folder / "gt").glob("*")]

    def close(self) -> None:
        """Let go of the file or device."""
        if isinstance(self.frames, FrameSource):
            self.frames.close()


def check_choice(
    seq: list[str] | None,
    source: list[str] | None,
    detector: str | None,
    detector_weights: Path | None,
    classes: str | None,
    detections: str | None,
) -> None:
    """Complain about options that do not go together.

    Raises:
        SettingsError: if they do not.
    """
    if seq and source:
        raise SettingsError("--seq and --source: expected one of them")
    if not seq and not source:
        raise SettingsError("nothing to track; expected --source WHAT or --seq NAME")
    if detector is not None and detections is not None:
        raise SettingsError("--detector and --detections: expected one of them")
    if detector is None:
        for option, given in (("--detector-weights", detector_weights), ("--classes", classes)):
            if given is not None:
                raise SettingsError(f"{option} {given}: is for a detector; expected --detector NAME, too")
    if source and detector is None and not all(_is_sequence(spec) for spec in source):
        if detections is None:
            raise SettingsError(
                f"--source {source[0]}: nothing says what is in it; expected --detector NAME, or "
                f"--detections FILE"
            )
        if len(source) > 1:
            raise SettingsError(f"--detections {detections}: is for one --source; expected no other")


class _Shorthand(Settings):
    """The settings that have an option of their own."""

    detections: DetectionRules


def all_overrides(given: list[str], min_confidence: float | None, nms: float | None) -> list[str]:
    """What is set, by whatever option.

    Raises:
        SettingsError: an option's value is impossible; told now, no file is blamed for it.
    """
    changes = list(given)
    for option, key, value in (("--min-confidence", "min_confidence", min_confidence), ("--nms", "nms", nms)):
        if value is not None:
            check_settings(_Shorthand, {"detections": {key: value}}, option)
            changes.append(f"detections.{key}={value}")
    return changes


def sequence_jobs(patterns: Sequence[str], root: Path) -> list[Job]:
    """The sequences that are meant, see `find_sequences`."""
    return [sequence_job(sequence) for sequence in find_sequences(patterns, root)]


def sequence_job(sequence: SequenceInfo) -> Job:
    """A sequence as something to track."""
    return Job(sequence.name, str(sequence.folder), sequence)


def source_jobs(specs: Sequence[str]) -> list[Job]:
    """Whatever else is meant, see `open_source`; the folder of a sequence is that sequence."""
    jobs = []
    for spec in specs:
        if _is_sequence(spec):
            jobs.append(sequence_job(SequenceInfo.read(Path(spec))))
        else:
            source = open_source(spec)
            jobs.append(Job(source.title, source.name, source))
    return jobs


def _is_sequence(spec: str) -> bool:
    return (Path(spec) / "seqinfo.ini").is_file()


def detected_boxes(
    detector: str, weights: Path | None, classes: str | None, min_confidence: float | None, device: str
) -> DetectedBoxes:
    """What a detector finds, see `open_detector`."""
    least = _USUAL_CONFIDENCE if min_confidence is None else min_confidence
    return DetectedBoxes(
        open_detector(detector, weights=weights, classes=classes, min_score=least, device=device)
    )


def targets_of(jobs: Sequence[Job], place: str, suffix: str, kinds: Sequence[str] = ()) -> list[Path]:
    """The file of each job: the one that is named, or one in the folder that is named.

    Args:
        jobs: what is tracked.
        place: a file, or a folder: one that is there, or a name that ends with a slash or has no suffix.
        suffix: of the files in a folder.
        kinds: suffixes that a named file may have; without them any.

    Raises:
        FileError: if two jobs would write to the same, or it is no known kind of file.
    """
    output = Path(place)
    if output.suffix and not output.is_dir() and not place.endswith(("/", os.sep)):
        if len(jobs) > 1:
            raise FileError(f"{output}: {len(jobs)} sequences cannot go into one file; expected a folder")
        if kinds and output.suffix.lower() not in kinds:
            raise FileError(f"{output}: no known kind of file; expected {' or '.join(kinds)}, or a folder/")
        return [output]
    owners: dict[Path, Job] = {}
    for job in jobs:
        target = output / f"{job.name}{suffix}"
        if (owner := owners.setdefault(target, job)) is not job:
            raise FileError(
                f"{target}: would be the result of {owner.place} and of {job.place}; "
                f"expected different names, or one at a time"
            )
    return list(owners)


def sinks_of(
    jobs: Sequence[Job], tracker: str, video: str | None, report: str | None, *, show: bool
) -> list[list[Sink]]:
    """What else is made of each job."""
    sinks: list[list[Sink]] = [[] for _ in jobs]
    # Drawing needs libraries that take a while to load; tracking alone does without.
    if video is not None:
        from tracker.video import VideoSink

        for own, path in zip(sinks, targets_of(jobs, video, ".mp4"), strict=True):
            own.append(VideoSink(path))
    if report is not None:
        from tracker.report import ReportSink

        for own, path in zip(sinks, targets_of(jobs, report, ".html", _PAGES), strict=True):
            own.append(ReportSink(path, tracker))
    if show:
        from tracker.video import WindowSink

        window = WindowSink()
        for own in sinks:
            own.append(window)
    return sinks


def files_made(targets: Sequence[Path], sinks: Sequence[Sequence[Sink]] = ()) -> list[Path]:
    """All files that are written: result files and what else is made, and what they are until whole."""
    others = [path for own in sinks for sink in own if (path := sink.path)]
    unfinished = [*(ResultWriter(target).partial_path for target in targets), *map(partial, others)]
    return [*targets, *others, *unfinished]


def how_far(job: Job, done: int, target: Path, sinks: list[Sink]) -> str:
    """How much was tracked of what was stopped in the middle, and where that is."""
    unfinished = ResultWriter(target).partial_path
    # Stopped while a page or video was being finished, the result is complete already.
    places = [unfinished if unfinished.exists() else target, *(sink.kept for sink in sinks if sink.kept)]
    there = [str(place) for place in places if place.exists()]
    kept = f"; what was tracked is in {', '.join(there)}" if done else ""
    # A video may promise fewer frames than come.
    promised = job.frames.length
    of_all = "" if promised is None or done > promised else f" of {promised}"
    return f"stopped after {done}{of_all} frames of {job.name}{kept}"
