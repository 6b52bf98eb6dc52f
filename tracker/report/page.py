"""The page itself."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from tracker.evaluation.protocol import Protocol
from tracker.report.cards import identities_section
from tracker.report.content import PageContent
from tracker.report.markup import identity_link, picture
from tracker.report.timeline import timeline

if TYPE_CHECKING:
    from tracker.evaluation.switches import Switch

_PARTS = files(__package__)
_FIGURES = {
    "IDF1": "share of the boxes that carry the right identity, in percent",
    "HOTA": "accuracy of detection and of identities together, in percent",
    "MOTA": "one minus misses, false alarms and switches for each true box, in percent",
    "Recall": "share of the true boxes that were found, in percent",
    "Precision": "share of the reported boxes that are right, in percent",
    "IDs": "identity switches",
    "FP": "false alarms",
    "FN": "misses",
}
_COUNTS = ("IDs", "FP", "FN")


def render(content: PageContent) -> str:
    """The page as HTML, with everything it needs inside."""
    sections = [
        _header(content),
        _figures(content),
        _timeline(content),
        _switches(content),
        identities_section(content),
    ]
    return Template(_part("page.html")).substitute(
        title=escape(f"{content.name}: tracks"),
        style=_part("style.css"),
        script=_part("script.js"),
        body="\n".join(filter(None, sections)),
    )


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _header(content: PageContent) -> str:
    facts = "".join(
        f"<div><dt>{escape(heading)}</dt><dd>{escape(words)}</dd></div>" for heading, words in content.facts
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in content.notes)
    return f"<header><h1>{escape(content.name)}</h1><dl class=facts>{facts}</dl>{notes}</header>"


def _figures(content: PageContent) -> str:
    if content.verdict is None:
        return ""
    cells = "".join(
        f"<div><dt>{name}</dt>"
        f"<dd>{_number(content.verdict.figures[name], name)}</dd><p>{escape(meaning)}</p></div>"
        for name, meaning in _FIGURES.items()
    )
    protocol = content.verdict.protocol
    rules = (
        "Every box of the ground truth and of the tracker counts."
        if protocol is Protocol.NONE
        else f"What counts is decided by the rules of {protocol.upper()}."
    )
    return f"<section><h2>Against the ground truth</h2><p>{rules}</p><dl class=figures>{cells}</dl></section>"


def _number(value: float, name: str) -> str:
    if value != value:
        return "–"
    return f"{value:,.0f}" if name in _COUNTS else f"{value:.1f}"


def _timeline(content: PageContent) -> str:
    if not content.identities:
        return "<section><h2>Timeline</h2><p>Nobody was tracked.</p></section>"
    marks: dict[int, list[int]] = {}
    for switch in content.all_switches:
        marks.setdefault(switch.track, []).append(switch.frame)
    cut = (
        f"<p class=note>The {len(content.identities)} identities that were seen longest are shown, "
        f"{content.others} shorter ones are not.</p>"
        if content.others
        else ""
    )
    mark = "<li><u></u> identity switch: takes over somebody from another track" if marks else ""
    rows = timeline(content, marks)
    return (
        f"<section><h2>Timeline</h2>{cut}"
        f"<ul class=legend><li><i class=seen></i> detected<li><i class=guessed></i> predicted{mark}</ul>"
        f"{_filter(content)}{rows}</section>"
    )


def _filter(content: PageContent) -> str:
    choices = [("", "all identities"), ("guessed", "partly predicted")]
    if content.looks and content.threshold is not None:
        choices.append(("alike", "with a lookalike"))
    if content.all_switches:
        choices.append(("switched", "in an identity switch"))
    options = "".join(f'<option value="{value}">{words}</option>' for value, words in choices)
    return (
        "<form class=filter hidden><label>Show <select name=flag>"
        f"{options}</select></label> <label>numbers <input name=ids placeholder='such as 3, 7-12' size=14>"
        "</label> <output></output></form>"
    )


def _switches(content: PageContent) -> str:
    if content.verdict is None:
        return ""
    shown = content.switches
    if not shown:
        words = "There is none: nobody in the ground truth is ever found by another track than before."
        return f"<section><h2>Identity switches</h2><p>{words}</p></section>"
    words = "Somebody of the ground truth is found by another track than the last time."
    if content.scenes:
        words += (
            " Left: the last frame with the old identity; right: the first with the new one. A dashed box "
            "is predicted."
        )
        cards = "".join(_switch(content, switch) for switch in shown)
        details = f"<div class=switches>{cards}</div>"
    else:
        details = _switch_table(content)
    cut = (
        f"<p class=note>The first {len(shown)} of {len(content.all_switches)} are shown.</p>"
        if len(shown) < len(content.all_switches)
        else ""
    )
    return f"<section><h2>Identity switches</h2><p>{words}</p>{cut}{details}</section>"


def _switch_table(content: PageContent) -> str:
    rows = "".join(
        f"<tr><td>{switch.frame}<td>{switch.object}<td>{identity_link(content, switch.last_track)}"
        f"<td>{switch.last_frame}<td>{identity_link(content, switch.track)}</tr>"
        for switch in content.switches
    )
    heads = "".join(
        f"<th scope=col>{head}</th>"
        for head in ("frame", "object", "from identity", "last in frame", "to identity")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _switch(content: PageContent, switch: Switch) -> str:
    scenes = "".join(
        "<figure>"
        + (
            picture(jpeg, f"Identity {track} and its surroundings in frame {frame}")
            if (jpeg := content.scenes.get((switch, frame)))
            else "<p class=nothing>no image</p>"
        )
        + f"<figcaption>{when}: frame {frame}, identity {track}</figcaption></figure>"
        for when, frame, track in (
            ("before", switch.last_frame, switch.last_track),
            ("after", switch.frame, switch.track),
        )
    )
    return (
        f"<article class=switch><h3>Frame {switch.frame}: object {switch.object} goes from "
        f"{identity_link(content, switch.last_track)} to {identity_link(content, switch.track)}</h3>"
        f"<div>{scenes}</div></article>"
    )
