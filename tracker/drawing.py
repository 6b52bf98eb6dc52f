"""Boxes, ids, trails and the frame number on a picture.

Identities are told apart by their number and by twelve colours, which stay apart under the three kinds of
colour blindness too, the more so the earlier they come. An identity has the same colour in every picture,
video and report.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from tracker.tracks import Tracks

Image = NDArray[np.uint8]
Rgb = tuple[int, int, int]

# Found by taking, again and again, the colour furthest (in OKLab, seen with normal, protan, deutan and tritan
# eyes, the worst of the four) from all those before, among the vivid ones that are neither dark nor pale.
COLOURS: tuple[Rgb, ...] = (
    (0, 120, 240),
    (195, 255, 0),
    (255, 0, 0),
    (255, 180, 255),
    (165, 15, 150),
    (45, 195, 150),
    (240, 165, 30),
    (180, 120, 180),
    (15, 135, 75),
    (120, 255, 210),
    (150, 165, 255),
    (105, 60, 210),
)

_TRAIL_FRAMES = 40
_MOST_SPREAD_LABELS = 60  # moving them apart takes time with the cube of their number
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def colour_of(identity: int) -> Rgb:
    """The colour of an identity, as red, green, blue."""
    # supervision counts palettes from 0 by the tracker's number, so this does too.
    return COLOURS[identity % len(COLOURS)]


def ink_on(colour: Rgb) -> Rgb:
    """Black or white, whichever is easier to read on a colour (WCAG's relative luminance)."""
    linear = (np.array(colour) / 255) ** 2.2
    return _BLACK if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else _WHITE


def line_width(image: Image) -> int:
    """Width of lines that are seen and do not hide anything: 2 pixels in 540 rows."""
    return max(2, int(min(image.shape[:2]) / 300 + 0.5))


def draw_box(image: Image, box: Sequence[float], colour: Rgb, width: int, *, dashed: bool) -> None:
    """Draw one box into an image, on a thin dark edge that sets it off from any background."""
    left, top, right, bottom = (round(edge) for edge in _on_screen(np.array(box), image))
    if dashed:
        lines = _dashes(left, top, right, bottom, 4 * width)
        cv2.polylines(image, lines, False, _BLACK, width + 2)
        cv2.polylines(image, lines, False, colour, width)
    else:
        cv2.rectangle(image, (left, top), (right, bottom), _BLACK, width + 2)
        cv2.rectangle(image, (left, top), (right, bottom), colour, width)


class Painter:
    """Paints what a tracker says about the frames of one video, in order.

    A box that was detected is drawn in full, one that is predicted in dashes. Lines and letters grow with
    the picture.

    Example:
        >>> picture = Painter().paint(np.zeros((90, 160, 3), np.uint8), 1, Tracks.empty())
        >>> picture.shape
        (90, 160, 3)
    """

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None

    def paint(self, image: Image, number: int, tracks: Tracks) -> Image:
        """A copy of a frame (height, width, 3), RGB, with its tracks and its number."""
        scene = np.ascontiguousarray(image).copy()
        if self._size != scene.shape[:2]:
            self._size = scene.shape[:2]
            self._prepare(scene)
        # Who stands nearer to the camera, lower in the picture, is drawn later.
        tracks = tracks[np.argsort(tracks.boxes[:, 3], kind="stable")]
        shown = tracks.to_supervision()
        shown.xyxy = _on_screen(tracks.boxes, scene)
        self._trails.annotate(scene, shown)
        for identity, box, detection in zip(
            tracks.ids.tolist(), tracks.boxes.tolist(), tracks.detections.tolist(), strict=True
        ):
            draw_box(scene, box, colour_of(identity), self._width, dashed=detection < 0)
        self._labels.smart_position = len(tracks) <= _MOST_SPREAD_LABELS
        self._labels.annotate(scene, shown, labels=[str(identity) for identity in tracks.ids.tolist()])
        self._write_number(scene, number)
        return scene

    def _prepare(self, scene: Image) -> None:
        width = self._width = line_width(scene)
        self._scale: float = max(0.35, min(scene.shape[:2]) / 1200)
        self._padding = max(2, 2 * width)
        # supervision writes colours as blue, green, red; the pictures here are red, green, blue.
        fills, inks = (
            sv.ColorPalette([sv.Color(r=blue, g=green, b=red) for red, green, blue in colours])
            for colours in (COLOURS, [ink_on(colour) for colour in COLOURS])
        )
        by_track = sv.ColorLookup.TRACK
        self._trails = sv.TraceAnnotator(
            color=fills,
            position=sv.Position.BOTTOM_CENTER,
            trace_length=_TRAIL_FRAMES,
            thickness=width,
            color_lookup=by_track,
        )
        self._labels = sv.LabelAnnotator(
            color=fills,
            text_color=inks,
            text_scale=self._scale,
            text_thickness=self._stroke,
            text_padding=self._padding,
            color_lookup=by_track,
        )

    @property
    def _stroke(self) -> int:
        return max(1, int(2 * self._scale + 0.5))

    def _write_number(self, scene: Image, number: int) -> None:
        text = f"frame {number}"
        (across, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, self._scale, self._stroke)
        room = self._padding
        cv2.rectangle(scene, (0, 0), (across + 2 * room, high + 2 * room), _BLACK, cv2.FILLED)
        cv2.putText(
            scene,
            text,
            (room, high + room),
            cv2.FONT_HERSHEY_SIMPLEX,
            self._scale,
            _WHITE,
            self._stroke,
            cv2.LINE_AA,
        )


def _on_screen(boxes: NDArray[np.float64], image: Image) -> NDArray[np.float64]:
    """Boxes cut off a little outside the image: a prediction may lie further away than OpenCV can count."""
    height, width = image.shape[:2]
    return np.clip(boxes, -8.0, np.array([width, height, width, height]) + 8.0)


def _dashes(left: int, top: int, right: int, bottom: int, length: int) -> list[NDArray[np.int32]]:
    """Lines around a box, as long as the gaps between them."""
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], dtype=float)
    lines: list[NDArray[np.int32]] = []
    for start, end in pairwise(corners):
        # An odd number of equal pieces: every side begins and ends with a dash, so that corners are seen.
        pieces = 2 * max(1, round(float(np.abs(end - start).sum()) / length / 2)) + 1
        points = np.linspace(start, end, pieces + 1).round().astype(np.int32)
        lines.extend(points[piece : piece + 2] for piece in range(0, pieces, 2))
    return lines
