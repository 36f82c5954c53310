"""The worklist of the last run: items by filter, one item, figures by owner, and the list as a spreadsheet.

What does NOT belong here: finding items (building.py), printing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.safe_sheets import ENDINGS, csv_table, safe_cell, write_private, xlsx_table
from orchestration.worklists.errors import WorklistError
from orchestration.worklists.schema import WORKLIST, WORKLIST_FILE, rows_of

#: Columns of an export.
EXPORTED = (*WORKLIST.names, "question")
_WIDTHS = {"item_id": 22, "rule_id": 30, "record_key": 48, "question": 60, "reason": 44, "table_name": 30}


@dataclass(frozen=True)
class WorklistItem:
    """One thing to mend. Columns as in WORKLIST; impact_value in impact_unit (a currency, leads, touches, records)."""

    item_id: str
    rule_id: str
    reason_code: str
    table_name: str
    source_instance: str
    contract: str | None
    record_key: str | None
    field: str | None
    owner: str
    assignee: str | None
    impact_value: Decimal
    impact_unit: str
    status: str
    opened_on: dt.date
    opened_cycle: str
    closed_on: dt.date | None
    days_to_fix: int | None
    age_days: int | None
    impact_rank: int | None
    impact_key: str | None = None


@dataclass(frozen=True)
class OwnerFigures:
    """One role: its open items, those it closed, and the median days from opening to closing (None without any)."""

    owner: str
    n_open: int
    n_closed: int
    median_days_to_fix: Decimal | None


@dataclass(frozen=True)
class WorklistFilter:
    """What to show; None means everything. status: open, closed or None."""

    owner: str | None = None
    assignee: str | None = None
    rule_id: str | None = None
    source_instance: str | None = None
    status: str | None = "open"


def read_items(
    work: Path, wanted: WorklistFilter, *, per_rule: int | None = None, limit: int | None = None
) -> list[WorklistItem]:
    """Items, those that move most first. per_rule: at most so many of one rule.

    Raises WorklistError E-WRK-001 before a run.
    """
    conditions, values = _conditions(wanted)
    ranked = (
        "row_number() over (partition by rule_id order by impact_rank nulls last, closed_on desc, item_id)"
    )
    bounds = f" qualify {ranked} <= {int(per_rule)}" if per_rule else ""
    cut = f" limit {int(limit)}" if limit else ""
    names = ", ".join(field.name for field in fields(WorklistItem))
    with duckdb.connect() as con:
        rows = con.execute(
            f"select {names} from {_worklist(work)} where {conditions}{bounds}"
            f" order by impact_rank nulls last, closed_on desc, item_id{cut}",
            values,
        ).fetchall()
    return [WorklistItem(*row) for row in rows]


def count_items(work: Path, wanted: WorklistFilter) -> int:
    """How many items a filter finds, shown or not. Raises WorklistError E-WRK-001 before a run."""
    conditions, values = _conditions(wanted)
    with duckdb.connect() as con:
        return con.execute(f"select count(*) from {_worklist(work)} where {conditions}", values).fetchall()[
            0
        ][0]


def find_item(work: Path, item_id: str) -> WorklistItem:
    """One item by its id. Raises WorklistError E-WRK-001 before a run, E-WRK-002 for an unknown id."""
    with duckdb.connect() as con:
        names = ", ".join(field.name for field in fields(WorklistItem))
        rows = con.execute(
            f"select {names} from {_worklist(work)} where item_id = $item_id", {"item_id": item_id}
        ).fetchall()
    if not rows:
        raise WorklistError("E-WRK-002", item_id, is_usage=True)
    return WorklistItem(*rows[0])


def owner_figures(work: Path) -> list[OwnerFigures]:
    """Open and closed items and time to fix by role. Raises WorklistError E-WRK-001 before a run."""
    with duckdb.connect() as con:
        rows = con.execute(
            "select owner, count(*) filter (where status = 'open'), count(*) filter (where status = 'closed'),"
            " cast(median(days_to_fix) filter (where status = 'closed') as decimal(9, 1))"
            f" from {_worklist(work)} group by owner order by 2 desc, 1"
        ).fetchall()
    return [OwnerFigures(*row) for row in rows]


def export_items(
    items: Sequence[WorklistItem], questions: dict[str, str], path: Path, headers: dict[str, str],
    title: str, decimal_mark: str = ".",
) -> None:  # fmt: skip
    """Write items as CSV or XLSX without any formula; a new file that its owner alone may read.

    questions: rule id -> the question it answers; headers: column -> what stands above it. decimal_mark: that of CSV,
    which the spreadsheet of its reader takes for a number. Raises WorklistError E-WRK-003 when the file exists,
    E-WRK-004 for another ending.
    """
    if path.suffix.lower() not in ENDINGS:
        raise WorklistError("E-WRK-004", path.name, is_usage=True, possible=", ".join(ENDINGS))
    is_csv = path.suffix.lower() == ".csv"

    def shown(cell: object) -> object:
        if isinstance(cell, Decimal):
            return str(cell).replace(".", decimal_mark) if is_csv else float(cell)
        return safe_cell(cell)

    rows = [
        [
            shown(cell)
            for cell in (*(getattr(item, name) for name in WORKLIST.names), questions.get(item.rule_id, ""))
        ]
        for item in items
    ]
    columns = [headers[name] for name in EXPORTED]
    widths = {headers[name]: width for name, width in _WIDTHS.items() if name in headers}
    content = csv_table(columns, rows) if is_csv else xlsx_table(columns, rows, title, widths)
    try:
        write_private(path, content)
    except FileExistsError as error:
        raise WorklistError("E-WRK-003", path.name, is_usage=True) from error


def _conditions(wanted: WorklistFilter) -> tuple[str, dict[str, str]]:
    values = {
        field.name: getattr(wanted, field.name)
        for field in fields(WorklistFilter)
        if getattr(wanted, field.name) is not None
    }
    return " and ".join(f"{name} = ${name}" for name in values) or "true", values


def _worklist(work: Path) -> str:
    file = work / WORKLIST_FILE
    if not file.is_file():
        raise WorklistError("E-WRK-001", work.parent.name, is_usage=True)
    return rows_of(file)
