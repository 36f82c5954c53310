"""One row of an extract: its fate, the decisions about it, its golden record, and the KPIs in which it stands.

What does NOT belong here: deciding fates (ingest, matching and dbt did), words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from expectations.connection import connect
from expectations.journal import JournalFilter, journal_rows
from ingest.quarantine import shape_of
from orchestration.dbt_running import WAREHOUSE
from orchestration.explaining.definitions import Definition, definitions
from orchestration.fate import Fate, fates, text_of_line


@dataclass(frozen=True)
class Counted:
    """A KPI and month in which a record stands, with its state there."""

    metric_name: str
    period_month: date
    state: str


@dataclass(frozen=True)
class RowExplained:
    """decisions: entries of the journal (journal_rows). text: the line, its letters and digits hidden unless raw; None
    where the file has no lines. counted: the KPIs of the run.
    """

    fate: Fate
    text: str | None
    decisions: tuple[dict[str, Any], ...]
    counted: tuple[Counted, ...]


def explain_row(work: Path, address: str, *, raw: bool = False, limit: int = 50) -> list[RowExplained]:
    """Explain the row at an address of `etalon where`. limit: decisions listed. Raises UnknownRowError."""
    found = []
    for fate in fates(work, address):
        text = text_of_line(work, fate.delivery_id, fate.line) if fate.fate_code != "refused" else None
        shown = text if raw or text is None else shape_of(text)
        if not (work / WAREHOUSE).is_file():
            found.append(RowExplained(fate, shown, (), ()))
            continue
        wanted = JournalFilter(contract=fate.contract, delivery_id=fate.delivery_id, line=fate.line)
        decisions = tuple(journal_rows(work, wanted, limit, raw=raw))
        counted: tuple[Counted, ...] = ()
        if fate.fate_code == "kept" and fate.record_key:
            with connect(work / WAREHOUSE) as con:
                counted = tuple(_counted(con, fate.contract or "", fate.record_key))
        found.append(RowExplained(fate, shown, decisions, counted))
    return found


def _counted(con: duckdb.DuckDBPyConnection, contract: str, record_key: str) -> list[Counted]:
    found = []
    for definition in definitions().values():
        query = definition.of_record.get(contract)
        if query is not None:
            found += _states(con, definition, query, record_key)
    return found


def _states(
    con: duckdb.DuckDBPyConnection, definition: Definition, query: str, record_key: str
) -> list[Counted]:
    rows = con.execute(
        f"select distinct cast(date_trunc('month', {definition.month}) as date), {definition.state}"
        f" from {definition.rows} as r where ({definition.where}) and {definition.key} in ({query})"
        " order by 1, 2",
        {"record": record_key},
    ).fetchall()
    return [Counted(definition.metric_name, month, state) for month, state in rows]
