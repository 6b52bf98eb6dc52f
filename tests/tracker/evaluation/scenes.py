"""Small random sequences on disk, with everything that makes an evaluation hard."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from tracker.motchallenge import SequenceInfo

FRAMES = 60


def write_sequence(folder: Path, truth: list[str], length: int = FRAMES) -> SequenceInfo:
    """A sequence with the given lines as ground truth."""
    (folder / "gt").mkdir(parents=True)
    (folder / "gt" / "gt.txt").write_text("".join(f"{line}\n" for line in truth))
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname={folder.name}\nimDir=img1\nframeRate=30\nseqLength={length}\n"
        "imWidth=640\nimHeight=480\nimExt=.jpg\n"
    )
    return SequenceInfo.read(folder)


def crowded_scene(folder: Path, results: Path, seed: int, classes: bool = True) -> SequenceInfo:
    """Objects that cross, vanish and return, some of them distractors; results with every kind of error."""
    truth, found = _crowd(seed, classes)
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(found)
    return write_sequence(folder, truth)


@cache
def _crowd(seed: int, classes: bool) -> tuple[list[str], str]:
    """Lines of the ground truth, and the result file."""
    random = np.random.default_rng(seed)
    count = 24
    position = random.uniform(0, 220, (count, 2))
    speed = random.normal(0, 4, (count, 2))
    size = random.uniform([25, 60], [45, 110], (count, 2))
    kind = random.choice([1, 1, 1, 1, 2, 3, 6, 7, 8, 12], count)
    truth, found = [], []
    track = np.arange(count) + 1
    for frame in range(1, FRAMES + 1):
        position += speed + random.normal(0, 1, (count, 2))
        for number in range(count):
            if random.random() < 0.02:
                track[number] = random.integers(1, 3 * count)
            box = np.round([*position[number], *size[number]])
            # Each object is away for a while, so that tracks are taken up again after a gap.
            if not (number * 2 < frame < number * 2 + 8):
                flag = int(random.random() > 0.1)
                tail = f"{kind[number]},{random.random():.3f}" if classes else "-1,-1,-1"
                truth.append(f"{frame},{number + 1},{','.join(f'{v:g}' for v in box)},{flag},{tail}")
            if random.random() < 0.75:
                noisy = box + random.normal(0, 6, 4) * [1, 1, 0.5, 0.5]
                found.append((frame, int(track[number]), *noisy))
    seen = set()
    lines = []
    for frame, track_id, left, top, width, height in found:
        if (frame, track_id) not in seen:
            seen.add((frame, track_id))
            lines.append(f"{frame},{track_id},{left:.2f},{top:.2f},{width:.2f},{height:.2f},1,-1,-1,-1\n")
    return truth, "".join(lines)
