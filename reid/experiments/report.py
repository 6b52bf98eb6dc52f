"""What comes of an experiment: the paper's figures and numbers with ours beside them.

report.html   everything
numbers.csv   one line for each number
numbers.json  the same, with what it took
*.png, *.pdf  the figures
"""

from __future__ import annotations

import csv
import html
import io
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reid.files import write_text, written_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The two that are reproduced.
FMVAE_PAPER = "Chen et al., Learning Flat Latent Manifolds with VAEs, ICML 2020"
METRICS_PAPER = "Chen et al., Metrics for Deep Generative Models, AISTATS 2018"

#: What is said of the paper's number where it has none.
DRAWN = "drawn, not printed"

_COLUMNS = ("figure", "quantity", "model", "paper", "ours", "seeds", "expected")


@dataclass(frozen=True, slots=True)
class Number:
    """One quantity of one model, beside the paper's.

    Attributes:
        figure: the paper's number: "Figure 2" …
        quantity: what it is.
        model: whose.
        paper: what the paper says; "not printed" where it draws without saying.
        values: ours, one for each seed.
        at_least: what each value should reach, if anything.
        at_most: what none should exceed, if anything.
    """

    figure: str
    quantity: str
    model: str
    paper: str
    values: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def expected(self) -> str:
        """The bounds in words."""
        bounds = [
            f"{sign} {bound:g}"
            for sign, bound in (("≥", self.at_least), ("≤", self.at_most))
            if bound is not None
        ]
        return " and ".join(bounds)

    @property
    def met(self) -> bool:
        """Whether all values keep the bounds, if there are any."""
        if not self.expected:
            return True
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return all(low <= value <= high for value in self.values)

    @property
    def ours(self) -> str:
        """Mean and deviation over the seeds."""
        mean = f"{np.mean(self.values):.3g}"
        return mean if len(self.values) == 1 else f"{mean} ± {np.std(self.values, ddof=1):.2g}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "figure": self.figure,
            "quantity": self.quantity,
            "model": self.model,
            "paper": self.paper,
            "mean": _for_json(np.mean(self.values)),
            "values": [_for_json(value) for value in self.values],
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self.met,
        }


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in a file.

    Attributes:
        name: of the file, without suffix.
        title: "Figure 1" and what it is.
        caption: how to read it.
    """

    name: str
    title: str
    caption: str


_QUICK = "A quick run, of a few steps on little data: its numbers and figures mean nothing."


@dataclass(slots=True)
class Report:
    """An experiment's outcome.

    Attributes:
        title: of the experiment.
        paper: which one it reproduces.
        folder: where it is written.
        facts: seeds, times, data and so on.
        numbers: the paper's beside ours.
        pictures: the figures, in order.
        notes: what differs from the paper, and why.
        quick: whether it is a trial, which the report then says.
    """

    title: str
    paper: str
    folder: Path
    facts: dict[str, str] = field(default_factory=dict)
    numbers: list[Number] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    quick: bool = False

    @property
    def page(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"

    @property
    def missed(self) -> list[Number]:
        """Numbers outside their bounds."""
        return [number for number in self.numbers if not number.met]

    def add_picture(self, figure: Figure, picture: Picture) -> None:
        """Store a figure as PNG and PDF."""
        for suffix in ("png", "pdf"):
            with written_atomically(self.folder / f"{picture.name}.{suffix}") as path:
                # Without the date the same numbers give the same file.
                metadata = {"CreationDate": None} if suffix == "pdf" else None
                figure.savefig(path, dpi=200, format=suffix, metadata=metadata, bbox_inches="tight")
        self.pictures.append(picture)

    def write(self) -> None:
        """Write the page and the numbers."""
        facts = self.facts | machine()
        for path, text in (
            (self.page, self._html(facts)),
            (self.folder / "numbers.csv", self._csv()),
            (self.folder / "numbers.json", self._json(facts)),
        ):
            write_text(path, text)

    @property
    def _every_note(self) -> list[str]:
        return [_QUICK] * self.quick + self.notes

    def _csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["figure", "quantity", "model", "paper", "run", "value"])
        for number in self.numbers:
            start = [number.figure, number.quantity, number.model, number.paper]
            writer.writerows([*start, run, value] for run, value in enumerate(number.values))
        return out.getvalue()

    def _json(self, facts: dict[str, str]) -> str:
        numbers = [number.as_dict() for number in self.numbers]
        about = {"title": self.title, "paper": self.paper, "facts": facts, "notes": self._every_note}
        return json.dumps(about | {"numbers": numbers}, indent=2, ensure_ascii=False) + "\n"

    def _html(self, facts: dict[str, str]) -> str:
        parts = [f"<h1>{html.escape(self.title)}</h1>", f"<p>{html.escape(self.paper)}</p>"]
        for picture in self.pictures:
            name, title, caption = (
                html.escape(text) for text in (picture.name, picture.title, picture.caption)
            )
            parts.append(
                f'<figure><a href="{name}.pdf"><img src="{name}.png" alt="{title}"></a>'
                f"<figcaption><b>{title}.</b> {caption}</figcaption></figure>"
            )
        parts += ["<h2>Numbers</h2>", self._number_table()]
        if self._every_note:
            notes = "".join(f"<li>{html.escape(note)}</li>" for note in self._every_note)
            parts += ["<h2>What differs from the paper</h2>", f"<ul>{notes}</ul>"]
        rows = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in facts.items()
        )
        parts += ["<h2>How</h2>", f"<table>{rows}</table>"]
        return _PAGE.format(title=html.escape(self.title), body="\n".join(parts))

    def _number_table(self) -> str:
        head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
        rows = []
        for number in self.numbers:
            seeds = ", ".join(f"{value:.3g}" for value in number.values)
            cells = (number.figure, number.quantity, number.model, number.paper, number.ours, seeds)
            verdict = f"{number.expected} {'✓' if number.met else '✗'}" if number.expected else ""
            row = "".join(f"<td>{html.escape(cell)}</td>" for cell in (*cells, verdict))
            rows.append(f"<tr>{row}</tr>" if number.met else f'<tr class="missed">{row}</tr>')
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _for_json(value: float | np.floating) -> float | None:
    """JSON has neither NaN nor infinity."""
    return float(value) if math.isfinite(value) else None


def machine() -> dict[str, str]:
    """What the numbers were computed on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
    }


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
figure {{ margin: 2rem 0; }}
img {{ max-width: 100%; }}
figcaption {{ color: #444; }}
table {{ border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }}
th, td {{ border-bottom: 1px solid #ddd; padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; }}
.missed td {{ color: #b00020; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
