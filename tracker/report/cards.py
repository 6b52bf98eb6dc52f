"""The cards: what each identity looks like, and who looks like it."""

from __future__ import annotations

from collections.abc import Mapping

from tracker.report.content import PageContent
from tracker.report.markup import css_colour, identity_link, picture
from tracker.report.recording import GLIMPSES, Identity


def identities_section(content: PageContent) -> str:
    """A card for each identity."""
    if not content.identities:
        return ""
    covers = {
        identity.number: shown.picture
        for identity in content.identities
        if identity.strip and (shown := identity.strip[len(identity.strip) // 2]).picture
    }
    furthest = max(
        (other.distance for looks in content.looks.values() for other in looks.nearest), default=0.0
    )
    # One scale for all, so that bars can be compared, with the threshold well inside.
    scale = max(furthest, 1.5 * (content.threshold or 0.0)) or 1.0
    cards = "\n".join(_card(content, identity, covers, scale) for identity in content.identities)
    return (
        f"<section><h2>Identities</h2>{_explanation(content, pictures=bool(covers))}"
        f"<div class=cards>{cards}</div></section>"
    )


def _explanation(content: PageContent, *, pictures: bool) -> str:
    words = []
    if pictures:
        words.append(f"Up to {GLIMPSES} views of each, evenly spread, from frames in which it was detected.")
    if content.looks:
        words.append(
            "Each comes with the identities that look most like it, and how far they are: the median "
            "distance of its views to the nearest view of the other."
        )
        if content.threshold is not None:
            words.append(
                f"The line marks {content.threshold:.3g}: up to there the tracker takes two views for the "
                f"same person if their places allow it. Two identities that are too alike and never share a "
                f"frame may be one person."
            )
    return f"<p>{' '.join(words)}</p>" if words else ""


def _card(content: PageContent, identity: Identity, covers: Mapping[int, bytes], scale: float) -> str:
    number, frames = identity.number, identity.frames
    predicted = int((~identity.detected).sum())
    facts = [f"frames {frames[0]}–{frames[-1]}", f"detected in {int(identity.detected.sum())}"]
    if predicted:
        facts.append(f"predicted in {predicted}")
    if identity.longest_gap:
        facts.append(f"out of view for up to {identity.longest_gap}")
    strip = "".join(
        f"<figure>{picture(glimpse.picture, f'Identity {number} in frame {glimpse.frame}')}"
        f"<figcaption>{glimpse.frame}</figcaption></figure>"
        for glimpse in identity.strip
        if glimpse.picture
    )
    return (
        f'<article class=card id="id-{number}" data-id="{number}" data-flags="{content.flags(identity)}" '
        f'style="--c:{css_colour(number)}"><h3>Identity {number}</h3><p>{", ".join(facts)}</p>'
        + (f"<div class=strip>{strip}</div>" if strip else "")
        + _lookalikes(content, number, covers, scale)
        + "</article>"
    )


def _lookalikes(content: PageContent, number: int, covers: Mapping[int, bytes], scale: float) -> str:
    if number not in content.looks:
        return "<p class=nothing>no appearance vectors</p>" if content.looks else ""
    looks = content.looks[number]
    rows = []
    if looks.own is not None:
        rows.append(
            f"<li class=own><span></span><b>itself</b>{_bar(content, looks.own, scale)}"
            f"<span>{looks.own:.3f}</span><small></small></li>"
        )
    alike = {other.number for other in content.alike(number)}
    for other in looks.nearest:
        cover = covers.get(other.number)
        met = f"together in {other.together} frames" if other.together else "never in the same frame"
        judgement = f"<em>too alike</em>, {met}" if other.number in alike else met
        rows.append(
            f"<li{' class=alike' if other.number in alike else ''}>"
            f"{picture(cover, '') if cover else '<span></span>'}{identity_link(content, other.number)}"
            f"{_bar(content, other.distance, scale)}<span>{other.distance:.3f}</span>"
            f"<small>{judgement}</small></li>"
        )
    return f"<ul class=looks aria-label='Distance to the most similar identities'>{''.join(rows)}</ul>"


def _bar(content: PageContent, distance: float, scale: float) -> str:
    """A distance as a bar, with the threshold marked."""
    threshold = content.threshold
    mark = "" if threshold is None else f"<u style='left:{100 * threshold / scale:.4g}%'></u>"
    return f"<span class=bar><i style='width:{min(100.0, 100 * distance / scale):.4g}%'></i>{mark}</span>"
