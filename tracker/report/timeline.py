"""The timeline: one row for each identity, one bar for each time that it was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import numpy as np

from tracker.report.content import PageContent
from tracker.report.markup import css_colour
from tracker.report.recording import Identity

_FINEST = 2000  # parts of the timeline that can be told apart
_TICKS = 10


def spans(identity: Identity, length: int) -> list[tuple[int, int, bool]]:
    """First frame, last frame and whether it was detected, of every uninterrupted time of one kind.

    In long sequences times that could not be told apart on the page are joined.
    """
    grain = max(1, -(-length // _FINEST))
    parts, starts = np.unique((identity.frames - 1) // grain, return_index=True)
    detected = np.logical_or.reduceat(identity.detected, starts)
    ends = np.concatenate((starts[1:], [len(identity.frames)])) - 1
    # A frame that was never tracked is no time that somebody was away.
    away = identity.places[starts[1:]] - identity.places[ends[:-1]] > 1
    breaks = np.flatnonzero(((np.diff(parts) > 1) & away) | (np.diff(detected.astype(int)) != 0)) + 1
    return [
        (int(identity.frames[starts[run[0]]]), int(identity.frames[ends[run[-1]]]), bool(detected[run[0]]))
        for run in np.split(np.arange(len(parts)), breaks)
    ]


def timeline(content: PageContent, switches: Mapping[int, Sequence[int]]) -> str:
    """The timeline as HTML.

    Args:
        content: whose rows.
        switches: frames with an identity switch, by identity.
    """
    length = content.length
    ticks = "".join(
        f'<span style="left:{_percent(frame - 1, length)}">{frame}</span>' for frame in _tick_frames(length)
    )
    rows = "\n".join(
        _row(identity, length, switches.get(identity.number, ()), content.flags(identity))
        for identity in content.identities
    )
    return (
        f'<div class="timeline" data-length="{length}">\n'
        f'<div class="axis" aria-hidden="true"><b>frame</b><div>{ticks}</div></div>\n{rows}\n'
        '<div class="cursor" hidden></div></div>'
    )


def _row(identity: Identity, length: int, switches: Sequence[int], flags: str) -> str:
    number, frames = identity.number, identity.frames
    bars = "".join(
        f'<i class={"seen" if detected else "guessed"} data-span="{first}–{last}" '
        f'style="left:{_percent(first - 1, length)};width:{_percent(last - first + 1, length)}"></i>'
        for first, last, detected in spans(identity, length)
    )
    marks = "".join(
        f'<u style="left:{_percent(frame - 0.5, length)}" data-span="{frame}"></u>' for frame in switches
    )
    words = (
        f"Identity {number}: frames {frames[0]} to {frames[-1]}, detected in {identity.detected.sum()}, "
        f"predicted in {(~identity.detected).sum()}"
        + (f", identity switches in {', '.join(map(str, switches))}" if switches else "")
    )
    return (
        f'<div class=row data-id="{number}" data-flags="{flags}" style="--c:{css_colour(number)}">'
        f'<a href="#id-{number}">{number}</a><div role="img" aria-label="{words}">{bars}{marks}</div></div>'
    )


def _percent(part: float, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.4g}%"


def _tick_frames(length: int) -> Iterator[int]:
    """The first frame, and at most ten round numbers behind it."""
    steps = (base * 10**power for power in count() for base in (1, 2, 5))
    step = next(step for step in steps if length <= step * _TICKS)
    yield 1
    # A number at the very end would stand outside.
    yield from range(max(step, 2), int(0.97 * length) + 1, step)
