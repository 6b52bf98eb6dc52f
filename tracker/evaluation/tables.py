"""Figures as a table: for the terminal, a README, a spreadsheet, a paper, a program.

People get rounded figures (percent with one decimal), programs (CSV, JSON) get all digits. A figure that
is not defined, such as the precision of an empty result, is "–" for people, empty in CSV and null in JSON.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracker.evaluation.figures import COLUMNS, COUNT_COLUMNS, LOWER_IS_BETTER, OVERALL
from tracker.evaluation.pairing import EvaluationError

if TYPE_CHECKING:
    from tracker.evaluation.scoring import EvaluationResult

Rows = Mapping[str, Mapping[str, float]]
UNDEFINED = "–"
_WIDTH_OF_FILES = 200
_LATEX_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)


class TableFormat(StrEnum):
    """How a table is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    LATEX = "latex"
    JSON = "json"


def render(
    rows: Rows, style: TableFormat, *, title: str = "", label: str = "Sequence", width: int = 0
) -> str:
    """A table as text.

    Args:
        rows: Figures by the name of the row; a row called ``OVERALL`` is set apart as the last one.
        style: How to write it.
        title: Heading above it; CSV and JSON have none.
        label: What the names of the rows are.
        width: Columns of the terminal; a wider table is broken into several. 0 for a file.
    """
    match style:
        case TableFormat.TABLE:
            return _terminal(rows, title, label, width or _WIDTH_OF_FILES)
        case TableFormat.MARKDOWN:
            return _markdown(rows, title, label)
        case TableFormat.CSV:
            return _csv(rows, label)
        case TableFormat.LATEX:
            return _latex(rows, title, label)
        case TableFormat.JSON:
            return _json(rows)


def render_results(results: Sequence[EvaluationResult], style: TableFormat, *, width: int = 0) -> str:
    """One result sequence by sequence, or several compared by their overall figures.

    Raises:
        EvaluationError: The results to compare are not of the same sequences.
    """
    first, *others = results
    if not others:
        return render(first.to_dict(), style, title=first.title, width=width)
    for other in others:
        apart = sorted(first.rows.keys() ^ other.rows.keys())
        if apart:
            raise EvaluationError(
                f"{first.name} and {other.name} cannot be compared: only one of them has {', '.join(apart)}; "
                "expected results of the same sequences (--seq chooses them)"
            )
    rows = {result.name: result.overall for result in results}
    sequences = "1 sequence" if len(first.rows) == 1 else f"{len(first.rows)} sequences together"
    title = f"{sequences}, {first.method}"
    return render(rows, style, title=title, label="Results", width=width)


def format_figure(column: str, value: float) -> str:
    """A figure as people read it."""
    if not math.isfinite(value):
        return UNDEFINED
    if column in COUNT_COLUMNS:
        return str(int(value))
    return f"{value:.2f}" if column == "FAR" else f"{value:.1f}"


def _cells(name: str, row: Mapping[str, float], columns: Sequence[str] = COLUMNS) -> list[str]:
    return [name, *(format_figure(column, row[column]) for column in columns)]


def _terminal(rows: Rows, title: str, label: str, width: int) -> str:
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False)
    if title:
        console.print(title, markup=False)
    for columns in _blocks(rows, label, width):
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column(label, no_wrap=True)
        for column in columns:
            table.add_column(column, justify="right", no_wrap=True)
        for name, row in rows.items():
            if name == OVERALL:
                table.add_section()
            table.add_row(*map(Text, _cells(name, row, columns)))
        console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()).strip("\n") + "\n"


def _blocks(rows: Rows, label: str, width: int) -> list[list[str]]:
    """The columns that fit beside the names, block by block."""
    edges, gap = 2, 2
    names = edges + gap + max(map(len, [label, *rows]))
    blocks: list[list[str]] = [[]]
    used = names
    for column in COLUMNS:
        needed = gap + max(map(len, [column, *(format_figure(column, row[column]) for row in rows.values())]))
        if blocks[-1] and used + needed > width:
            blocks.append([])
            used = names
        blocks[-1].append(column)
        used += needed
    return blocks


def _markdown(rows: Rows, title: str, label: str) -> str:
    lines = [f"**{title}**", ""] if title else []
    lines += [_pipes([label, *COLUMNS]), _pipes(["---", *["---:"] * len(COLUMNS)])]
    lines += [
        _pipes([f"**{cell}**" for cell in cells] if cells[0] == OVERALL else cells)
        for cells in (_cells(name.replace("|", r"\|"), row) for name, row in rows.items())
    ]
    return "\n".join(lines) + "\n"


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _csv(rows: Rows, label: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([label, *COLUMNS])
    for name, row in rows.items():
        writer.writerow([name, *(row[column] if math.isfinite(row[column]) else "" for column in COLUMNS)])
    return text.getvalue()


def _latex(rows: Rows, title: str, label: str) -> str:
    """A booktabs table; arrows say whether more or less is better."""
    heads = [column + (r"$\downarrow$" if column in LOWER_IS_BETTER else r"$\uparrow$") for column in COLUMNS]
    heads[COLUMNS.index("PT")] = "PT"
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        *([rf"\caption{{{title.translate(_LATEX_SPECIAL)}}}"] if title else []),
        rf"\begin{{tabular}}{{l{'r' * len(COLUMNS)}}}",
        r"\toprule",
        f"{' & '.join([label, *heads])} \\\\",
        r"\midrule",
    ]
    for name, row in rows.items():
        if name == OVERALL and len(rows) > 1:
            lines.append(r"\midrule")
        cells = _cells(name.translate(_LATEX_SPECIAL), row)
        lines.append(f"{' & '.join(cell.replace(UNDEFINED, '--') for cell in cells)} \\\\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _json(rows: Rows) -> str:
    plain = {
        name: {column: row[column] if math.isfinite(row[column]) else None for column in COLUMNS}
        for name, row in rows.items()
    }
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
