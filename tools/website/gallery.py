"""The gallery: what ``reid experiment`` has left behind, experiment by experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_NONE = """\
!!! note
    There are no pictures here yet: they are not kept with the program, but made by it. Run
    `reid experiment all` (or one of the experiments), then `make docs` again.
"""


def gallery_page(folder: Path) -> tuple[str, list[Path]]:
    """Markdown with the figures and numbers of all experiments in a folder, and the pictures it shows.

    The pictures are expected at ``gallery/EXPERIMENT/NAME.png`` beside the page.
    """
    parts, pictures = ["# Gallery\n"], []
    for numbers in sorted(folder.glob("*/numbers.json")):
        if numbers.parent.name.endswith("-quick"):
            continue
        shown = sorted(numbers.parent.glob("*.png"), key=_order)
        parts.append(_experiment(json.loads(numbers.read_text(encoding="utf-8")), numbers.parent.name, shown))
        pictures += shown
    return "\n".join(parts if len(parts) > 1 else [*parts, _NONE]), pictures


def _experiment(report: dict[str, Any], name: str, pictures: list[Path]) -> str:
    lines = [f"## {report['title']}", "", f"{report['paper']}; `reid experiment {name}`.", ""]
    for picture in pictures:
        title = picture.stem.replace("-", " ").capitalize()
        lines += [f"![{title}](gallery/{name}/{picture.name})", "", f"*{title}*", ""]
    lines += ["| figure | quantity | model | paper | ours, mean of seeds |", "|---|---|---|---|---:|"]
    for number in report["numbers"]:
        cells = [number[key] for key in ("figure", "quantity", "model", "paper")]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + f" | {_ours(number)} |")
    lines += ["", *(f"- {note}" for note in report["notes"]), ""]
    lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in report["facts"].items()), ""]
    return "\n".join(lines)


def _ours(number: dict[str, Any]) -> str:
    return f"{number['mean']:.3g}" + ("" if number["met"] else " (outside what was expected)")


def _order(picture: Path) -> tuple[int, str]:
    """Figures by their numbers, then the others by name."""
    number = picture.stem.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 1000, picture.stem)
