"""What stands on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracker.report.confusions import Lookalike, Looks
from tracker.report.mistakes import Verdict
from tracker.report.recording import Identity

if TYPE_CHECKING:
    from tracker.evaluation.switches import Switch


@dataclass(frozen=True, slots=True)
class PageContent:
    """All that stands on the page.

    Attributes:
        name: of the sequence.
        facts: what was done, as pairs of a heading and words.
        length: number of frames.
        identities: those that are told about in detail, in order of their numbers.
        others: how many there were besides.
        looks: how well each can be told from the others, by number; empty without appearance vectors.
        threshold: two vectors further apart are taken for two people; None if there is none.
        verdict: what the ground truth says, if there is one.
        switches: the identity switches that are shown, in order of frames.
        scenes: pictures of them, by switch and frame.
        notes: what else a reader should know.
    """

    name: str
    facts: Sequence[tuple[str, str]]
    length: int
    identities: Sequence[Identity]
    others: int = 0
    looks: Mapping[int, Looks] = field(default_factory=dict)
    threshold: float | None = None
    verdict: Verdict | None = None
    switches: Sequence[Switch] = ()
    scenes: Mapping[tuple[Switch, int], bytes] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def all_switches(self) -> Sequence[Switch]:
        """Every identity switch, those that are not shown too."""
        return self.verdict.switches if self.verdict else ()

    def alike(self, number: int) -> list[Lookalike]:
        """The identities that look so much like this one that the descriptor alone would confuse them."""
        if number not in self.looks or self.threshold is None:
            return []
        return [other for other in self.looks[number].nearest if other.distance <= self.threshold]

    def flags(self, identity: Identity) -> str:
        """What the page's filter needs to know of an identity."""
        switched = any(identity.number in (switch.track, switch.last_track) for switch in self.all_switches)
        flags = {
            "guessed": not identity.detected.all(),
            "alike": bool(self.alike(identity.number)),
            "switched": switched,
        }
        return " ".join(flag for flag, holds in flags.items() if holds)
