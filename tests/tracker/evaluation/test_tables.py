from __future__ import annotations

import csv
import json
import math

import pytest

from tracker.evaluation import COLUMNS, OVERALL, TableFormat, render

FIGURES = {column: 10.0 + number + 0.26 for number, column in enumerate(COLUMNS)} | {
    column: 1000 + number for number, column in enumerate(("MT", "PT", "ML", "FP", "FN", "IDs", "FM"))
}
ROWS = {"MOT16-02": FIGURES, "A_B": FIGURES | {"Precision": math.nan}, OVERALL: FIGURES}


@pytest.mark.parametrize("width", [60, 80, 134, 0])
def test_the_terminal_table_is_never_wider_than_the_terminal_and_loses_nothing(width: int) -> None:
    text = render(ROWS, TableFormat.TABLE, title="Some results", width=width)
    lines = text.splitlines()
    assert lines[0] == "Some results"
    assert width == 0 or max(map(len, lines)) <= width
    assert "…" not in text
    shown = [word for line in lines if line.startswith(" MOT16-02") for word in line.split()[1:]]
    assert shown == [
        f"{FIGURES[column]:.2f}" if column == "FAR" else f"{FIGURES[column]:.1f}".removesuffix(".0")
        for column in COLUMNS
    ]
    heads = [word for line in lines if line.startswith(" Sequence") for word in line.split()[1:]]
    assert heads == list(COLUMNS)


def test_markup_in_names_is_text() -> None:
    assert "[bold]x[/bold]" in render({"[bold]x[/bold]": FIGURES}, TableFormat.TABLE, title="[red]")


def test_markdown() -> None:
    text = render(ROWS, TableFormat.MARKDOWN, title="Some results")
    title, empty, head, rule, first, second, overall = text.splitlines()
    assert (title, empty) == ("**Some results**", "")
    assert head == f"| Sequence | {' | '.join(COLUMNS)} |"
    assert {line.count("|") for line in (head, rule, first, second, overall)} == {len(COLUMNS) + 2}
    assert first.startswith("| MOT16-02 | 10.3 | 11.3 |")
    assert second.split(" | ")[5] == "–"
    assert overall.startswith("| **OVERALL** | **10.3** |")


def test_csv_has_all_digits_and_nothing_where_nothing_is_defined() -> None:
    rows = list(csv.DictReader(render(ROWS, TableFormat.CSV, title="ignored").splitlines()))
    assert [row["Sequence"] for row in rows] == list(ROWS)
    assert list(rows[0])[1:] == list(COLUMNS)
    assert float(rows[0]["IDF1"]) == FIGURES["IDF1"]
    assert rows[0]["MT"] == "1000"
    assert rows[1]["Precision"] == ""


def test_json_has_all_digits_and_null_where_nothing_is_defined() -> None:
    rows = json.loads(render(ROWS, TableFormat.JSON))
    assert rows["MOT16-02"] == FIGURES
    assert rows["A_B"]["Precision"] is None
    assert isinstance(rows["A_B"]["IDs"], int)


def test_latex_is_a_booktabs_table_with_its_special_characters_escaped() -> None:
    text = render(ROWS, TableFormat.LATEX, title=r"50% of a_b & c\d")
    assert r"\caption{50\% of a\_b \& c\textbackslash{}d}" in text
    assert text.count(r"\midrule") == 2
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in body} == {len(COLUMNS)}
    assert r"MOTA$\uparrow$" in body[0]
    assert r"IDs$\downarrow$" in body[0]
    assert body[2].startswith(r"A\_B & 10.3")
    assert " & -- & " in body[2]
