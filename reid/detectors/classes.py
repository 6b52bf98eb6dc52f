"""The classes that a detector tells apart, and choosing among them by name or number."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

PERSON = "person"
ALL = "all"

#: COCO's 80 classes in the order of every YOLO that was trained on them.
COCO = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    *("traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse"),
    *("sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie"),
    *("suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove"),
    *("skateboard", "surfboard", "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon"),
    *("bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut"),
    *("cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse"),
    *("remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book"),
    *("clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"),
)


def choose_classes(wanted: str | None, names: Mapping[int, str]) -> NDArray[np.int64]:
    """The numbers of the wanted classes.

    Args:
        wanted: names or numbers, separated by commas, or "all". None means people, or the only class there
            is.
        names: what the numbers mean.

    Raises:
        ValueError: if one of them is none of the detector's.
    """
    if wanted is None:
        wanted = ALL if len(names) == 1 else PERSON
    if wanted.strip() == ALL:
        return np.array(sorted(names), dtype=np.int64)
    by_name = {name.casefold(): number for number, name in names.items()}
    by_name |= {str(number): number for number in names}
    chosen = []
    for word in wanted.split(","):
        key = word.strip().casefold()
        if key not in by_name:
            near = difflib.get_close_matches(key, by_name, n=3)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {_some(names)}"
            raise ValueError(f"no class {word.strip()!r}; {hint}")
        chosen.append(by_name[key])
    return np.unique(np.array(chosen, dtype=np.int64))


def _some(names: Mapping[int, str], most: int = 8) -> str:
    listed = [name if name == str(number) else f"{number} {name}" for number, name in names.items()]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
