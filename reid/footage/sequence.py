"""The ``seqinfo.ini`` of a sequence in MOTChallenge's layout, read and written. Shared by both packages."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reid.files import FileError, folders_below, write_text

_BENCHMARK_FOLDER = re.compile(r"(?:2D)?MOT(?:20)?(15|16|17|20)(?:Det|Labels)?", re.IGNORECASE)
_BENCHMARK_PREFIX = re.compile(r"MOT(15|16|17|20)-\d")
_USUAL_DIGITS = 6  # in the names of images


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """One sequence, as its ``seqinfo.ini`` describes it.

    Attributes:
        name: The name of its folder.
        folder: Its folder.
        length: Number of frames.
        frame_rate: Frames per second.
        width: Width of a frame in pixels.
        height: Height of a frame in pixels.
        image_folder: Where the frames are; the folder may be missing.
        image_extension: With the dot.
        benchmark: "MOT15", "MOT16", "MOT17", "MOT20", or "" if it is none of them.
    """

    name: str
    folder: Path
    length: int
    frame_rate: float
    width: int
    height: int
    image_folder: Path
    image_extension: str
    benchmark: str

    @classmethod
    def read(cls, folder: Path) -> SequenceInfo:
        """Read ``seqinfo.ini`` in a sequence's folder.

        Raises:
            FileError: if it is missing or does not say what it must.
        """
        folder = folder.resolve()
        path = folder / "seqinfo.ini"
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
            section = parser["Sequence"]
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}; expected the description of a sequence") from error
        except UnicodeDecodeError as error:
            raise FileError(f"{path}: not a text file; expected the description of a sequence") from error
        except KeyError as error:
            raise FileError(
                f"{path}: no section [Sequence]; expected one with seqLength, frameRate …"
            ) from error
        except configparser.Error as error:
            raise FileError(f"{path}: {' '.join(str(error).split())}; expected lines key=value") from error

        def number(key: str) -> float:
            text = section.get(key, "")
            try:
                value = float(text)
            except ValueError:
                value = 0.0
            if not 0.0 < value < float("inf"):
                found = f"is {text!r}" if text else "is missing"
                raise FileError(f"{path}: {key} {found}; expected a number above 0")
            return value

        return cls(
            name=folder.name,
            folder=folder,
            length=int(number("seqLength")),
            frame_rate=number("frameRate"),
            width=int(number("imWidth")),
            height=int(number("imHeight")),
            image_folder=folder / section.get("imDir", "img1"),
            image_extension=f".{section.get('imExt', '').lstrip('.') or 'jpg'}",
            benchmark=_benchmark(folder),
        )

    @property
    def ground_truth(self) -> Path:
        """Where its ground truth is, if it has one."""
        return self.folder / "gt" / "gt.txt"

    @property
    def has_images(self) -> bool:
        """Whether its frames are there."""
        return self.image_folder.is_dir() and any(self.image_folder.glob(f"*{self.image_extension}"))

    def images(self) -> dict[int, Path]:
        """The images that are there, by their frame, whatever the number of digits in their names."""
        # Datasets differ in it. Where a frame is there twice, the name with MOTChallenge's six digits counts.
        paths = [path for path in self.image_folder.glob(f"*{self.image_extension}") if path.stem.isdecimal()]
        paths.sort(key=lambda path: (len(path.stem) == _USUAL_DIGITS, path.name))
        return {int(path.stem): path for path in paths}

    def image_path(self, frame: int) -> Path:
        """The image of a frame, counted from 1; where it would have to be if it is not there."""
        usual = self.image_folder / f"{frame:0{_USUAL_DIGITS}d}{self.image_extension}"
        return usual if usual.is_file() else self.images().get(frame, usual)


def write_description(
    folder: Path,
    name: str,
    length: int,
    frame_rate: float,
    size: tuple[int, int],
    image_extension: str = ".jpg",
) -> None:
    """Write the ``seqinfo.ini`` of a sequence whose frames, ``size`` (width, height), are in ``img1``.

    Raises:
        FileError: if it cannot be written.
    """
    width, height = size
    write_text(
        folder / "seqinfo.ini",
        f"[Sequence]\nname={name}\nimDir=img1\nframeRate={frame_rate:g}\nseqLength={length}\n"
        f"imWidth={width}\nimHeight={height}\nimExt={image_extension}\n",
    )


def sequence_folders(root: Path) -> Iterator[Path]:
    """All folders with a ``seqinfo.ini`` below ``root``, each once however many links lead to it."""
    for folder, subfolders, files in folders_below(root):
        if "seqinfo.ini" in files:
            subfolders.clear()
            yield folder


def _benchmark(folder: Path) -> str:
    for parent in folder.parents:
        if found := _BENCHMARK_FOLDER.fullmatch(parent.name):
            return f"MOT{found[1]}"
    prefix = _BENCHMARK_PREFIX.match(folder.name)
    return f"MOT{prefix[1]}" if prefix else ""
