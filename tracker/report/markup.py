"""Small pieces of HTML that several parts of the page are made of."""

from __future__ import annotations

from html import escape

from tracker.drawing import colour_of
from tracker.report.content import PageContent
from tracker.report.pictures import as_uri


def css_colour(identity: int) -> str:
    """The colour of an identity, for a style sheet."""
    return "#{:02x}{:02x}{:02x}".format(*colour_of(identity))


def picture(jpeg: bytes, words: str) -> str:
    """A picture, with words for those who do not see it; none if it stands beside them anyway."""
    return f'<img src="{as_uri(jpeg)}" alt="{escape(words)}">'


def identity_link(content: PageContent, number: int) -> str:
    """The number of an identity, in its colour, that leads to what is told about it."""
    style = f'class=id style="--c:{css_colour(number)}"'
    if any(identity.number == number for identity in content.identities):
        return f'<a {style} href="#id-{number}">{number}</a>'
    return f"<span {style}>{number}</span>"
