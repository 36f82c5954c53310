"""A page upright on one A4 made of titled parts: sentences and tables, as finished text.

What does not belong here: what a page says (decision_page.py, charter_page.py, note_page.py, standup_page.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A cell of a table. light: a colour or state, then drawn as a light; note: smaller, after the text."""

    text: str
    light: str = ""
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """A table. columns: (kind, heading), kind '' or 'n' for numbers; the first cell of a row is its heading."""

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell | str]]


@dataclass(frozen=True)
class Part:
    """One part of a page. name: its anchor; is_list: its sentences are points; blanks: empty lines to write on.

    drawing: an SVG that charts.py made, between the sentences and the table that says the same.
    """

    name: str
    title: str
    sentences: Sequence[str] = ()
    grid: Grid | None = None
    is_list: bool = False
    blanks: int = 0
    drawing: str = ""


def cells(*values: Cell | str) -> list[Cell]:
    """A row: texts become cells."""
    return [value if isinstance(value, Cell) else Cell(value) for value in values]
