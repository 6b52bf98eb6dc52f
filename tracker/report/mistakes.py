"""What the ground truth says about the tracks: figures, and every identity switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reid.files import FileError
from reid.images import read_image
from tracker.evaluation.protocol import Protocol, compare
from tracker.motchallenge import SequenceInfo
from tracker.report.pictures import scene
from tracker.report.recording import Recording
from tracker.tables import TrackTable, read_ground_truth

if TYPE_CHECKING:
    from tracker.evaluation.switches import Switch


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said about a whole sequence.

    Attributes:
        figures: by column, see `tracker.evaluation.COLUMNS`.
        protocol: the rules by which it was counted.
        switches: every identity switch, in order of frames.
    """

    figures: dict[str, float]
    protocol: Protocol
    switches: list[Switch]


def judge(sequence: SequenceInfo, recording: Recording) -> Verdict | None:
    """Compare the tracks with the ground truth, as far as the sequence was tracked; None if it has none.

    Raises:
        FileError: the ground truth is damaged, or does not fit the sequence.
    """
    if not sequence.ground_truth.is_file() or not recording.last_frame:
        return None
    # These libraries take a second to load, and most sequences have no ground truth.
    from tracker.evaluation.figures import figures
    from tracker.evaluation.libraries import combine_hota, count_with_motmetrics, hota_parts
    from tracker.evaluation.switches import identity_switches

    truth = read_ground_truth(sequence.ground_truth)
    if recording.last_frame < sequence.length:
        truth = truth[truth.frames <= recording.last_frame]
    frames = recording.frames
    count = len(frames)
    results = TrackTable(
        frames=frames,
        ids=recording.ids,
        boxes=recording.boxes,
        scores=np.ones(count),
        classes=np.ones(count, dtype=np.int64),
        considered=np.ones(count, dtype=np.bool_),
        visibility=np.ones(count),
        source=sequence.folder,
    )
    protocol = Protocol.choose("auto", sequence)
    comparison = compare(truth, results, replace(sequence, length=recording.last_frame), protocol)
    hota = combine_hota({sequence.name: hota_parts(comparison)})
    return Verdict(
        figures=figures(count_with_motmetrics(comparison), hota, official=False),
        protocol=protocol,
        switches=identity_switches(comparison),
    )


def photograph(
    switches: Sequence[Switch], sequence: SequenceInfo, recording: Recording
) -> dict[tuple[Switch, int], bytes]:
    """Both identities before and after each switch, by switch and frame, as far as there are images."""
    wanted: dict[int, list[Switch]] = {}
    for switch in switches:
        wanted.setdefault(switch.last_frame, []).append(switch)
        wanted.setdefault(switch.frame, []).append(switch)
    pictures = {}
    for frame, concerned in sorted(wanted.items()):
        try:
            image = read_image(sequence.image_path(frame))
        except FileError:
            continue
        tracks = recording.tracks(frame)
        for switch in concerned:
            both = tracks[np.isin(tracks.ids, (switch.last_track, switch.track))]
            track = switch.track if frame == switch.frame else switch.last_track
            (box,) = both.boxes[both.ids == track]
            picture = scene(image, box, frame, both)
            if picture is not None:
                pictures[switch, frame] = picture
    return pictures
