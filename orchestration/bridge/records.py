"""Which source records are others than in the former publication, and what kind of change each is.

A record that no former delivery held is new data when its own date lies in the time since the former cycle, late data
otherwise. A record known before whose content is another one brings new data when it dates an event of that time that
no former version had (a conversion, a closing); else it is a correction. A record that is counted now and was left out
before, or the other way round, without another content, moved by a cleaning decision.
What does NOT belong here: which units of a KPI a record stands in (see attributing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from ingest.contract import Contract, load_contracts
from ingest.sql import ident, literal
from orchestration.bridge.evidence import Evidence, identity, relation_exists

#: Dates of a plan or of bookkeeping: that they lie in the new period makes no event of it.
_NO_EVENT = frozenset({"expected_close_date", "due_date", "left_on", "hired_on", "modified_at"})
#: Where a contract has several dates, the one that says when it happened.
_HAPPENED = (
    "occurred_at",
    "started_at",
    "sent_at",
    "starts_at",
    "started_on",
    "invoice_date",
    "changed_at",
    "created_at",
)


@dataclass(frozen=True)
class Period:
    """The time between two publications. former, fresh: deliveries of the former one, and those that are not of it.

    since, until: the instants they speak for, naive UTC; since_day, until_day: the same as days, exclusive ends.
    """

    former: frozenset[str]
    fresh: frozenset[str]
    since: datetime
    until: datetime
    since_day: date
    until_day: date


def find_record_signs(
    con: duckdb.DuckDBPyConnection,
    dates: Mapping[str, str | None],
    period: Period,
    before: Evidence,
    after: Evidence,
    dispositions: Path,
) -> None:
    """Fill temp table record_signs (contract, record_key, cause). dates: contract -> column that dates its records."""
    con.execute(
        "create or replace temp table record_signs (contract varchar, record_key varchar, cause varchar)"
    )
    con.execute("create or replace temp table former_deliveries (_delivery_id varchar)")
    con.execute("create or replace temp table fresh_deliveries (_delivery_id varchar)")
    _fill(con, "former_deliveries", period.former)
    _fill(con, "fresh_deliveries", period.fresh)
    contracts = load_contracts()
    present = [name for name in dates if relation_exists(con, f"raw.{name}")]
    if period.fresh:
        for name in present:
            con.execute(_changed_sql(contracts[name], dates[name], period, dispositions))
    if before.has("left_out") and after.has("left_out"):
        _add_left_out(con, present, before, after)


def _fill(con: duckdb.DuckDBPyConnection, table: str, deliveries: Iterable[str]) -> None:
    listed = ", ".join(f"({literal(each)})" for each in sorted(deliveries))
    if listed:
        con.execute(f"insert into {table} values {listed}")


def _changed_sql(contract: Contract, dated_by: str | None, period: Period, dispositions: Path) -> str:
    name = contract.name
    key = f"r.source_instance || '/{name}/' || r.source_record_id"
    content = f"hash({', '.join(['r.is_deleted', *(f'r.{ident(each)}' for each in contract.names)])})"
    events = [
        column.name
        for column in contract.columns
        if column.type in ("date", "timestamp") and column.name not in {*_NO_EVENT, *contract.order_by}
    ]
    moments = [each for each in (dated_by, *_HAPPENED, *events) if each in contract.names]
    when = (
        f"coalesce({', '.join(f'cast(f.{ident(each)} as timestamp)' for each in moments)})"
        if moments
        else "null"
    )
    columns = "".join(f", r.{ident(each)}" for each in dict.fromkeys([*events, *moments]))
    same = "".join(
        f", coalesce(bool_or(k.{ident(each)} is not distinct from f.{ident(each)}), false) as is_old_{number}"
        for number, each in enumerate(events)
    )
    happened = " or ".join(
        f"(not o.is_old_{number} and {_in_period(f'f.{ident(each)}', contract.column(each).type, period)})"
        for number, each in enumerate(events)
    )
    disposed = (
        f"and not exists (select 1 from read_parquet({literal(str(dispositions))}) as d where d.contract = '{name}'"
        " and d._delivery_id = r._delivery_id and d._source_row_id = r._source_row_id"
        " and d._record_part = r._record_part)"
        if dispositions.is_file()
        else ""
    )
    return f"""
        insert into record_signs
        with fresh as (
            select {key} as record_key, {content} as content{columns}
            from raw.{ident(name)} as r
            where r._delivery_id in (select _delivery_id from fresh_deliveries)
                and r._set_aside is null and r.source_record_id is not null {disposed}
        ),
        known as (
            select {key} as record_key, {content} as content{columns}
            from raw.{ident(name)} as r
            where r._delivery_id in (select _delivery_id from former_deliveries)
                and {key} in (select record_key from fresh)
        ),
        old as (
            select f.record_key, bool_or(k.content = f.content) as is_same{same}
            from fresh as f join known as k using (record_key) group by f.record_key
        )
        select '{name}', f.record_key,
            case
                when o.record_key is null and {when} >= timestamp '{period.since}' then 'new_data'
                when o.record_key is null then 'late_data'
                when {happened or "false"} then 'new_data'
                else 'correction'
            end
        from fresh as f left join old as o using (record_key)
        where not coalesce(o.is_same, false)
    """


def _in_period(column: str, kind: str, period: Period) -> str:
    if kind == "date":
        return f"({column} >= date '{period.since_day}' and {column} < date '{period.until_day}')"
    return f"({column} >= timestamp '{period.since}' and {column} < timestamp '{period.until}')"


def _add_left_out(
    con: duckdb.DuckDBPyConnection, contracts: list[str], before: Evidence, after: Evidence
) -> None:
    """A difference of what was left out counts where the record is no other one and both publications knew it."""
    former, now = before.file("left_out"), after.file("left_out")
    con.execute(
        f"""
        create or replace temp table moved_out as
        select distinct contract, record_id from (
            (select * from {former} except select * from {now})
            union all
            (select * from {now} except select * from {former})
        )
        """
    )
    found = {name for (name,) in con.execute("select distinct contract from moved_out").fetchall()}
    for name in found.intersection(contracts):
        con.execute(
            f"""
            insert into record_signs
            with known as (
                select distinct r.source_instance || '/{name}/' || r.source_record_id as record_key
                from raw.{ident(name)} as r
                where r._delivery_id in (select _delivery_id from former_deliveries)
            )
            select '{name}', k.record_key, 'cleaning_decision'
            from known as k
            where {identity("k.record_key")} in (select record_id from moved_out where contract = '{name}')
                and k.record_key not in (select record_key from record_signs where contract = '{name}')
            """
        )
