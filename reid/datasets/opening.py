"""From a path to crops, whatever is there."""

from __future__ import annotations

from pathlib import Path

from reid.datasets.crops import CropFolder, CropSource
from reid.datasets.market import MarketFolder, is_market_folder
from reid.datasets.motchallenge import detected_footage, is_sequence

#: What is told of files that hold no crops.
_FOOTAGE = "footage such as a video goes by --source"
_VIDEO_SUFFIXES = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"))


def open_crops(path: Path) -> CropSource:
    """The crops at a path.

    Args:
        path: a folder of crops, in the style of Market-1501 or any other; a MOTChallenge sequence with one
            detection file; or, where it has several, one of them.

    Raises:
        ValueError: if it is none of these.
    """
    if path.suffix.lower() in _VIDEO_SUFFIXES and not path.is_dir():
        found = "a video" if path.exists() else "no such file"
        raise ValueError(f"{path}: {found}; expected a folder of crops; {_FOOTAGE}")
    if path.is_file():
        sequence = path.resolve().parent.parent
        if not is_sequence(sequence):
            raise ValueError(
                f"{path}: expected a folder of crops, or a detection file in the folder det of a sequence; "
                f"{_FOOTAGE}"
            )
        return detected_footage(sequence, path)
    if is_sequence(path):
        files = sorted((path / "det").glob("*.txt"))
        if len(files) != 1:
            found = ", ".join(file.name for file in files) or "none"
            raise ValueError(f"{path / 'det'}: detection files: {found}; name the one to use by its path")
        return detected_footage(path, files[0])
    return MarketFolder(path) if is_market_folder(path) else CropFolder(path)
