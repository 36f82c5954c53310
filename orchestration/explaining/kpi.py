"""A KPI of one month and segment: its value, the rows behind it by what became of them, and what was left out and why.

What does NOT belong here: definitions (definitions.py), words (the commands).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from expectations.connection import connect
from expectations.journal import JournalFilter, journal_rows
from ingest.contract import load_contracts
from ingest.sql import ident, literal
from orchestration.dbt_running import WAREHOUSE
from orchestration.explaining.definitions import Definition
from orchestration.fate import UnknownRowError, fates
from orchestration.publication.reach import KPI_MART

WHOLE = ("all", "all")


class UnknownFigureError(LookupError):
    """There is no such figure; str() says what there is."""


@dataclass(frozen=True)
class RowState:
    """Rows of the month that ended in one state of the KPI. keys: some of them."""

    state: str
    n_rows: int
    keys: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """Records of a contract that never became rows of the KPI, by action and reason.

    is_of_month: they are of this month; False where their contract has no date and all months are counted.
    """

    contract: str
    action: str
    reason_code: str
    n_records: int
    is_of_month: bool


@dataclass(frozen=True)
class Sample:
    """A source record behind a row of the KPI. place: `file:line`. n_decisions: entries of the journal about it."""

    state: str
    key: str
    record_key: str
    address: str | None
    n_decisions: int


@dataclass(frozen=True)
class KpiExplained:
    """A figure of the mart and the same counted again from its rows; the two are equal or one of them is wrong."""

    metric_name: str
    period_month: date
    segment: tuple[str, str]
    metric_value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    unit_code: str
    reason_code: str | None
    caveat_code: str | None
    counted: dict[str, Decimal | None]
    states: tuple[RowState, ...]
    left_out: tuple[LeftOut, ...]
    samples: tuple[Sample, ...]


def explain_kpi(
    work: Path, definition: Definition, month: date, segment: tuple[str, str] = WHOLE, *, n_samples: int = 2
) -> KpiExplained:
    """Explain one figure of the candidate. segment: (cut, segment) of the mart. n_samples: rows named per state.

    Raises UnknownFigureError without such a figure, duckdb.IOException while another process writes the warehouse.
    """
    with connect(work / WAREHOUSE) as con:
        figure = _figure(con, definition, month, segment)
        condition, values = _of_cell(definition, month, segment)
        counted = recounted(con, definition, month, segment)
        states = tuple(
            RowState(state, n, tuple(keys))
            for state, n, keys in con.execute(
                f"select {definition.state}, count(*), list({definition.key} order by {definition.key})[:$n]"
                f" from {definition.rows} as r where {condition} group by 1 order by 2 desc, 1",
                values | {"n": n_samples},
            ).fetchall()
        )
        left_out = tuple(_left_out(con, definition, month))
        records = [
            (each.state, key, record)
            for each in states
            for key, record in _records(con, definition, each.keys)
        ]
    return KpiExplained(
        definition.metric_name,
        month,
        segment,
        *figure,
        counted,
        states,
        left_out,
        tuple(_sample(work, *each) for each in records),
    )


def recounted(
    con: duckdb.DuckDBPyConnection, definition: Definition, month: date, segment: tuple[str, str]
) -> dict[str, Decimal | None]:
    """numerator, denominator and value counted from the rows, those that the KPI has."""
    condition, values = _of_cell(definition, month, segment)
    given = {
        name: sql
        for name in ("numerator", "denominator", "value")
        if (sql := getattr(definition, name)) is not None
    }
    row = con.execute(
        f"select {', '.join(f'cast({sql} as decimal(38, 6))' for sql in given.values())}"
        f" from {definition.rows} as r where {condition}",
        values,
    ).fetchone()
    return dict(zip(given, row or (), strict=True))


def months_of(work: Path, definition: Definition) -> list[date]:
    """Months in which the KPI has a figure, the last one last."""
    with connect(work / WAREHOUSE) as con:
        rows = con.execute(
            f"select period_month from marts.{ident(KPI_MART)} where metric_name = $name and segment_kind_code = 'all'"
            " and metric_value is not null order by 1",
            {"name": definition.metric_name},
        ).fetchall()
    return [row[0] for row in rows]


def _figure(
    con: duckdb.DuckDBPyConnection, definition: Definition, month: date, segment: tuple[str, str]
) -> tuple[Any, ...]:
    given = {"name": definition.metric_name, "month": month}
    try:
        rows = con.execute(
            "select segment_kind_code, segment_code, metric_value, numerator, denominator, unit_code, reason_code,"
            f" caveat_code from marts.{ident(KPI_MART)} where metric_name = $name and period_month = $month"
            " order by 1, 2",
            given,
        ).fetchall()
    except duckdb.CatalogException as error:
        raise UnknownFigureError("no marts have been built here yet: run `etalon run`") from error
    found = {row[:2]: row[2:] for row in rows}
    if segment not in found:
        known = ", ".join(f"{kind}={code}" for kind, code in found if kind != "all") or "-"
        raise UnknownFigureError(
            f"{definition.metric_name} has no figure for {month:%Y-%m} and {segment[0]}={segment[1]}; known: {known}"
        )
    return found[segment]


def _of_cell(definition: Definition, month: date, segment: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    conditions = [f"({definition.where})", f"date_trunc('month', {definition.month}) = $month"]
    values: dict[str, Any] = {"month": month}
    kind, code = segment
    if kind != "all":
        if kind not in definition.segments:
            raise UnknownFigureError(
                f"{definition.metric_name} is cut by {', '.join(definition.segments)}, not by {kind}"
            )
        conditions.append(f"coalesce(cast({definition.segments[kind]} as varchar), 'unknown') = $code")
        values["code"] = code
    return " and ".join(conditions), values


def _records(
    con: duckdb.DuckDBPyConnection, definition: Definition, keys: tuple[str, ...]
) -> list[tuple[str, str]]:
    con.execute(
        "create or replace temp table sample as select unnest($keys::varchar[]) as key", {"keys": list(keys)}
    )
    return con.execute(
        f"select key, record_key from ({definition.records}) order by key, record_key limit 20"
    ).fetchall()


def _left_out(con: duckdb.DuckDBPyConnection, definition: Definition, month: date) -> list[LeftOut]:
    """Dispositions and exclusions of the contracts that feed the KPI, placed by the record's own date."""
    found = []
    for contract, dated_by in definition.contracts.items():
        raw = f"raw.{ident(contract)}"
        if not con.execute(
            "select 1 from information_schema.tables where table_schema = 'raw' and table_name = $name",
            {"name": contract},
        ).fetchone():
            continue
        placed = "true"
        if dated_by:
            moment = f"r.{ident(dated_by)}"
            if load_contracts()[contract].column(dated_by).type == "timestamp":
                moment = f"({moment} at time zone 'UTC') at time zone s.timezone"
            placed = f"date_trunc('month', {moment}) = $month"
        rows = con.execute(
            "select j.action, j.reason_code, cast(sum(j.n_decisions) as bigint)"
            f" from quality_dbt.dq_journal as j cross join run.settings as s join {raw} as r"
            " on j._delivery_id = r._delivery_id and j._source_row_id = r._source_row_id"
            " and j._record_part = r._record_part"
            f" where j.contract = {literal(contract)} and j.step_code in ('record', 'exclusion') and {placed}"
            " group by 1, 2 order by 3 desc, 1, 2",
            {"month": month} if dated_by else {},
        ).fetchall()
        found += [LeftOut(contract, action, reason, n, bool(dated_by)) for action, reason, n in rows]
    return found


def _sample(work: Path, state: str, key: str, record_key: str) -> Sample:
    source, _, rest = record_key.split("/", 2) if record_key.count("/") >= 2 else ("", "", "")
    address, line = None, None
    try:
        fate = next(each for each in fates(work, f"{source}:{rest}") if each.record_key == record_key)
        address, line = f"{fate.source_instance}:{fate.file_path}:{fate.line}", fate
    except (UnknownRowError, StopIteration):
        pass
    wanted = JournalFilter(delivery_id=line.delivery_id, line=line.line) if line else None
    n = len(journal_rows(work, wanted, 1000)) if wanted else 0
    return Sample(state, key, record_key, address, n)
