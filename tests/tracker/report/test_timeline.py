"""The bars of the timeline."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tracker.report.content import PageContent
from tracker.report.recording import Identity
from tracker.report.timeline import spans, timeline


def identity(frames: list[int], predicted: tuple[int, ...] = (), number: int = 1) -> Identity:
    shown = np.array(frames)
    return Identity(number, shown, shown, ~np.isin(frames, predicted), [])


@pytest.mark.parametrize(
    "frames, predicted, expected",
    [
        ([5], (), [(5, 5, True)]),
        ([1, 2, 3, 4], (), [(1, 4, True)]),
        ([1, 2, 3, 4], (3, 4), [(1, 2, True), (3, 4, False)]),
        ([1, 2, 5, 6], (), [(1, 2, True), (5, 6, True)]),
        ([1, 2, 5, 6], (2, 5), [(1, 1, True), (2, 2, False), (5, 5, False), (6, 6, True)]),
    ],
)
def test_spans(frames: list[int], predicted: tuple[int, ...], expected: list[tuple[int, int, bool]]) -> None:
    assert spans(identity(frames, predicted), 300) == expected


def test_long_sequences_have_no_more_bars_than_can_be_seen() -> None:
    frames = list(range(1, 100_000, 2))
    assert len(spans(identity(frames, tuple(frames[::2])), 100_000)) <= 2000
    assert spans(identity(frames), 100_000) == [(1, 99_999, True)]


def test_bars_stand_where_the_frames_are() -> None:
    content = PageContent("shop", [], 200, [identity([51, 52, 53, 54], (53, 54), number=7)])
    html = timeline(content, {7: [53]})
    assert '<i class=seen data-span="51–52" style="left:25%;width:1%">' in html
    assert '<i class=guessed data-span="53–54" style="left:26%;width:1%">' in html
    assert '<u style="left:26.25%" data-span="53">' in html
    assert (
        'aria-label="Identity 7: frames 51 to 54, detected in 2, predicted in 2, identity switches in 53"'
        in html
    )


@pytest.mark.parametrize("length", [1, 2, 9, 10, 11, 75, 300, 12_345, 10**6])
def test_the_axis_has_round_numbers_at_all_lengths(length: int) -> None:
    html = timeline(PageContent("shop", [], length, []), {})
    first, *ticks = map(int, re.findall(r"<span style=[^>]*>(\d+)<", html))
    assert first == 1
    assert len(ticks) <= 10
    assert all(re.fullmatch(r"[125]?\d?0*|\d", str(tick)) and 1 < tick <= length for tick in ticks)
    if length > 10:
        assert len(ticks) >= 3
