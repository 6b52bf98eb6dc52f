"""Collects while a sequence is tracked, and writes the page when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from reid.files import FileError
from tracker.report.confusions import compare_looks
from tracker.report.content import PageContent
from tracker.report.mistakes import judge, photograph
from tracker.report.page import render
from tracker.report.recording import Identity, Recording
from tracker.sinks import Sink, Step, partial

if TYPE_CHECKING:
    from tracker.pipeline import SequenceRun

_MOST_IDENTITIES = 200
_MOST_SWITCHES = 60


class ReportSink(Sink):
    """One self-contained HTML page about a sequence.

    It shows who was there when, what they looked like, whom the descriptor would mix up and, where there is
    ground truth, every identity switch. A run that is stopped leaves the page so far at
    ``<name>.partial.html``.

    Args:
        path: the file to write. Missing folders above it are created.
        tracker: what to call the tracker.
        most_identities: how many are told about; the longest, if there are more.
        most_switches: how many are shown in pictures.
    """

    images: ClassVar[Literal["welcome"]] = "welcome"
    path: Path

    def __init__(
        self,
        path: Path,
        tracker: str,
        *,
        most_identities: int = _MOST_IDENTITIES,
        most_switches: int = _MOST_SWITCHES,
    ) -> None:
        self.path = path
        self._tracker = tracker
        self._most_identities = most_identities
        self._most_switches = most_switches

    def begin(self, run: SequenceRun) -> None:
        """Find out at once whether the page can be written; in the end it would be a pity."""
        if self.path.is_dir():
            raise FileError(f"{self.path}: is a folder; expected the name of an HTML file")
        self._run = run
        self._recording = Recording()
        self._write("")
        partial(self.path).unlink()

    def add(self, step: Step) -> None:
        """The next frame is tracked."""
        self._recording.add(step)
        self.kept = partial(self.path)

    def end(self, *, complete: bool) -> None:
        """Write the page."""
        if not complete and self.kept is None:
            return
        self._write(render(self._content(complete=complete)))
        if complete:
            partial(self.path).replace(self.path)

    def _write(self, text: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial(self.path).write_text(text, encoding="utf-8", errors="replace", newline="\n")
        except OSError as error:
            raise FileError(
                f"{self.path}: cannot be written ({error.strerror}); expected a writable place"
            ) from error

    def _content(self, *, complete: bool) -> PageContent:
        run, recording = self._run, self._recording
        notes = list(run.notes)
        # What a video promises holds only for as long as nothing else is known.
        length = recording.last_frame if complete else max(run.length or 0, recording.last_frame)
        if not complete:
            of_all = "" if length == recording.last_frame else f" of {length}"
            notes.insert(0, f"The run was stopped after frame {recording.last_frame}{of_all}.")
        verdict = None
        if run.sequence is not None:
            try:
                verdict = judge(run.sequence, recording)
            except FileError as error:
                notes.append(f"Not compared with the ground truth: {error}")
        switches = verdict.switches[: self._most_switches] if verdict else []
        identities = recording.identities()
        chosen = _longest(identities, self._most_identities)
        return PageContent(
            name=run.name,
            facts=self._facts(),
            length=length,
            identities=chosen,
            others=len(identities) - len(chosen),
            looks=compare_looks(chosen, identities, run.config.memory.metric),
            threshold=next(
                (stage.threshold for stage in run.config.stages if stage.cost == "appearance"), None
            ),
            verdict=verdict,
            switches=switches,
            scenes={} if run.sequence is None else photograph(switches, run.sequence, recording),
            notes=notes,
        )

    def _facts(self) -> list[tuple[str, str]]:
        run, frames = self._run, self._recording.last_frame
        speed = run.tracked / max(run.seconds, 1e-9)
        size = "" if run.size is None else f" of {run.size[0]}×{run.size[1]}"
        rate = run.frame_rate
        time = [] if rate is None else [("Time", f"{frames / rate:,.1f} s at {rate:g} per second")]
        return [
            ("Frames", f"{frames:,}{size}"),
            *time,
            ("Identities", f"{run.identities:,}"),
            ("Tracker", self._tracker),
            ("Appearance", run.appearance or "none"),
            ("Detections", run.boxes.name),
            ("Speed", f"{speed:,.0f} frames per second"),
        ]


def _longest(identities: list[Identity], most: int) -> list[Identity]:
    """Those that were shown in the most frames, in order of their numbers."""
    longest = sorted(identities, key=lambda identity: -len(identity.frames))[:most]
    return sorted(longest, key=lambda identity: identity.number)
