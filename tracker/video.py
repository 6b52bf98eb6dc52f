"""Videos with the tracks drawn in, and a window that shows them."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reid.files import FileError
from reid.footage.frames import USUAL_FRAME_RATE
from reid.footage.opencv import silent_opencv
from tracker.drawing import Image, Painter
from tracker.sinks import Sink, SinkError, Step, partial

if TYPE_CHECKING:
    from tracker.pipeline import SequenceRun

# H.264 plays everywhere but is not in every build of OpenCV; MPEG-4 is, and plays in everything but browsers.
_CODECS = {
    ".mp4": ("avc1", "mp4v"),
    ".m4v": ("avc1", "mp4v"),
    ".mov": ("avc1", "mp4v"),
    ".avi": ("MJPG",),
}
_FINEST_CLOCK = 65535  # ticks a second that MPEG-4 can count
_WITHOUT_IMAGE = 40  # grey level of a frame whose image is missing
_WIDEST_WINDOW = 1600
_LONGEST_STILL = 2.0  # seconds that a picture stays where a live source dropped frames, or was away


class VideoWriter:
    """Writes pictures to a video file, with the best codec that this OpenCV has.

    They go to ``<name>.partial.<suffix>``, which is a whole video at any time that ``close`` is called, and
    gets its name when all are there.

    Args:
        path: the file: .mp4, .m4v, .mov or .avi. Missing folders above it are created.
        frame_rate: pictures per second; where no file can have it, the nearest that one can have is taken.

    Raises:
        FileError: if nothing can be written there.

    Attributes:
        path: the file.
        partial_path: where the pictures are until then.
        codec: the codec in use, "" before the first picture.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        _check_kind(path)
        if path.is_dir():
            raise FileError(f"{path}: is a folder; expected the name of a video file")
        self.path = path
        self.partial_path = partial(path)
        self.codec = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # OpenCV does not say why a file cannot be written.
            self.partial_path.open("wb").close()
            self.partial_path.unlink()
        except OSError as error:
            raise FileError(
                f"{path}: cannot be written ({error.strerror}); expected a writable place"
            ) from error
        self._frame_rate = _nearest_writable(frame_rate)
        self._video: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._count = 0

    def write(self, picture: Image) -> None:
        """Add a picture (height, width, 3), RGB.

        Raises:
            FileError: if it is of another size than the first, or no codec works.
        """
        height, width = picture.shape[:2]
        if self._video is None:
            self._size = (width, height)
            self._video = self._open()
        if self._size != (width, height):
            raise FileError(
                f"{self.path}: picture {self._count + 1} is {width}×{height}; "
                f"expected {self._size[0]}×{self._size[1]}, as the first"
            )
        self._video.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._count += 1

    def close(self, *, complete: bool) -> None:
        """Finish the file.

        Args:
            complete: whether it gets its name; what was written so far stays at ``partial_path`` otherwise.

        Raises:
            FileError: if it did not arrive on the disk.
        """
        if self._video is None:
            return
        self._video.release()
        self._video = None
        arrived = _count_frames(self.partial_path)
        # OpenCV writes on as if nothing were when the disk is full.
        if arrived < self._count:
            raise FileError(
                f"{self.partial_path}: {arrived} of {self._count} pictures can be read back; "
                f"expected all (is the disk full?)"
            )
        if complete:
            try:
                self.partial_path.replace(self.path)
            except OSError as error:
                raise FileError(
                    f"{self.path}: cannot be written ({error.strerror}); expected a writable place"
                ) from error

    def _open(self) -> cv2.VideoWriter:
        codecs = _CODECS[self.path.suffix.lower()]
        # A codec that is not there is no reason to complain: the next one is tried.
        with silent_opencv():
            for codec in codecs:
                video = cv2.VideoWriter(
                    str(self.partial_path),
                    cv2.VideoWriter.fourcc(*codec),
                    self._frame_rate,
                    self._size,
                )
                if video.isOpened():
                    self.codec = codec
                    return video
        raise FileError(
            f"{self.path}: this OpenCV cannot write {self.path.suffix} videos (none of its codecs "
            f"{', '.join(codecs)} works); expected one with FFmpeg, or a name that ends with .avi"
        )


class VideoSink(Sink):
    """An annotated video of a sequence.

    Args:
        path: see :class:`VideoWriter`.

    Raises:
        FileError: if it is no known kind of video.
    """

    path: Path

    def __init__(self, path: Path) -> None:
        _check_kind(path)
        self.path = path

    def begin(self, run: SequenceRun) -> None:
        """A sequence is ready to be tracked."""
        self._painter = Painter()
        self._blank = _blank(run)
        rate = run.frame_rate or USUAL_FRAME_RATE
        self._writer = VideoWriter(self.path, rate)
        self._longest_still = round(_LONGEST_STILL * rate)
        self._last: tuple[int, Image] | None = None

    def add(self, step: Step) -> None:
        """The next frame is tracked."""
        image = self._blank if step.image is None else step.image
        if image is None:
            return
        picture = self._painter.paint(image, step.number, step.tracks)
        if self._last is not None:
            # What is live drops frames: the last picture stays, or the video would play too fast.
            number, still = self._last
            for _ in range(min(step.number - number - 1, self._longest_still)):
                self._writer.write(still)
        self._writer.write(picture)
        self._last = step.number, picture
        self.kept = self._writer.partial_path

    def end(self, *, complete: bool) -> None:
        """Finish the file."""
        self._writer.close(complete=complete)


class WindowSink(Sink):
    """A window that shows the sequence while it is tracked, not faster than it was filmed.

    Closing it, q and Esc do what Ctrl-C does.

    Raises:
        SinkError: if there is no screen for it.
    """

    def __init__(self) -> None:
        # Where there is no screen, some windowing libraries end the whole process: better another one.
        trial = [sys.executable, "-c", "import cv2; cv2.namedWindow('trial'); cv2.waitKey(1)"]
        outcome = subprocess.run(trial, capture_output=True, text=True, check=False)
        if outcome.returncode:
            complaints = [line.strip() for line in outcome.stderr.splitlines() if line.strip()]
            reason = f" ({complaints[0]})" if complaints else ""
            raise SinkError(
                f"no window can be opened{reason}; expected a screen, and an OpenCV with windows (without "
                f"them a video can be written instead)"
            )

    def begin(self, run: SequenceRun) -> None:
        """Open the window."""
        self._painter = Painter()
        self._blank = _blank(run)
        self._title = run.name
        # What is live comes at its own pace.
        self._interval = 0.0 if run.live else 1 / (run.frame_rate or USUAL_FRAME_RATE)
        self._due = time.perf_counter()
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        if run.size is not None:
            width, height = run.size
            shrink = min(1.0, _WIDEST_WINDOW / width)
            cv2.resizeWindow(self._title, round(width * shrink), round(height * shrink))

    def add(self, step: Step) -> None:
        """Show the next frame.

        Raises:
            KeyboardInterrupt: the user has seen enough.
        """
        image = self._blank if step.image is None else step.image
        if image is None:
            return
        picture = self._painter.paint(image, step.number, step.tracks)
        cv2.imshow(self._title, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._due = max(self._due + self._interval, time.perf_counter())
        key = cv2.waitKey(max(1, round(1000 * (self._due - time.perf_counter()))))
        closed = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        if closed or key & 0xFF in (ord("q"), 27):
            raise KeyboardInterrupt

    def end(self, *, complete: bool) -> None:
        """Close the window."""
        cv2.destroyAllWindows()


def _check_kind(path: Path) -> None:
    if path.suffix.lower() not in _CODECS:
        raise FileError(f"{path}: no known kind of video; expected a name with {', '.join(_CODECS)}")


def _blank(run: SequenceRun) -> Image | None:
    """What is shown where an image is missing, so that the frames after it keep their time."""
    if run.size is None:
        return None
    return np.full((run.size[1], run.size[0], 3), _WITHOUT_IMAGE, dtype=np.uint8)


def _nearest_writable(frame_rate: float) -> float:
    """The frame rate nearest to another that a video file can have.

    OpenCV hands rates on as fractions of thousandths, in lowest terms, and takes none below two of them. In
    these terms MPEG-4 cannot count every rate.
    """
    wished = 1000 * min(max(frame_rate, 0.002), _FINEST_CLOCK)
    # Whole numbers are always possible, and one is at most 500 thousandths away.
    near = range(max(2, round(wished) - 500), round(wished) + 501)
    return next(
        thousandths / 1000
        for thousandths in sorted(near, key=lambda each: abs(each - wished))
        if Fraction(thousandths, 1000).numerator <= _FINEST_CLOCK
    )


def _count_frames(path: Path) -> int:
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    video.release()
    return count
