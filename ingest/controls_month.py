"""Whether what came for a month tells of it: at least one record whose event lies in that month.

The date of a folder says when a file was sent. Late legs of April and corrections of May come in June's folder too, and
are no delivery of June. What does NOT belong here: which deliveries came for a month (collecting.py), how many records
they have (controls_deliveries.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import duckdb

from ingest.company import Company
from ingest.contract import Contract, load_contract
from ingest.controls_result import ControlResult
from ingest.deliveries import Delivery, raw_file
from ingest.local_time import first_instant
from ingest.mapping import FileSpec, Mapping
from ingest.sql import files_literal, ident


def tells_of_month(
    connection: duckdb.DuckDBPyConnection, company: Company, mapping: Mapping, came: list[Delivery],
    active: Iterable[Delivery],
) -> bool:  # fmt: skip
    """True when a record of `came`, deliveries of one file of the mapping, lies in the month of the cycle.

    Records count however they were disposed of. A reference is dated by the record that it names, which any delivery of
    `active` that is not withdrawn may hold. Where no contract of the file says what its event is, or the mapping does
    not fill it, there is nothing to ask and the date of the folder stands; so it does where a change is an event and
    the mapping does not fill it, as an extract without a new record may hold changed ones. The first record found ends
    the search.
    """
    if not came:
        return False
    first = dt.date.fromisoformat(f"{company.cycle}-01")
    days = (first, (first + dt.timedelta(days=31)).replace(day=1))
    instants = (first_instant(first, company.timezone), company.as_of)
    counting = [d for d in active if not d.withdrawn]
    work, is_asked = company.work, False
    for _, table, contract in mapping.tables_of(came[0].file_key):
        if any(change in contract.order_by and change not in table.columns for change in contract.event):
            continue
        conditions, values = [], []
        for column in contract.event:
            if column not in table.columns:
                continue
            target = dict(contract.references).get(column)
            owner = load_contract(target) if target else contract
            for moment in owner.event if target else (column,):
                bounds = days if owner.column(moment).type == "date" else instants
                inside = f"{ident(moment)} >= ? AND {ident(moment)} < ?"
                if target:
                    # A table of the owner that does not fill the date tells of no month: its nulls are no answer.
                    telling = [d for d in counting if _fills(mapping, d, owner, moment)]
                    named = _raw_files(work, owner, telling, came[0].source_instance)
                    if not named:
                        continue
                    inside = (
                        f"{ident(column)} IN (SELECT source_record_id FROM read_parquet({files_literal(named)}) "
                        f"WHERE {inside})"
                    )
                conditions.append(inside)
                values += bounds
        files = _raw_files(work, contract, came, came[0].source_instance)
        if not conditions or not files:
            continue
        is_asked = True
        found = connection.execute(
            f"SELECT 1 FROM read_parquet({files_literal(files)}) WHERE {' OR '.join(conditions)} LIMIT 1",
            values,
        ).fetchone()
        if found:
            return True
    return not is_asked


def came_for_cycle(
    instance: str, key: str, path: str, came: bool, deliveries: list[Delivery], cycle: str, spec: FileSpec
) -> ControlResult:
    """The control of a monthly file: it came for the month of the cycle, or what came last instead."""
    last = max((d for d in deliveries if d.day), key=lambda d: str(d.day), default=None)
    latest = last.delivered_on if last else "-"
    name = "delivered_for_cycle"
    holds_others = not came and last is not None and last.day and spec.month_told(last.day) == cycle
    return ControlResult(
        instance, name, name, "warn", "pass" if came else "warn", "delivered_of_other_months" if holds_others else name,
        file_path=path, measured=last.file_path if holds_others and last else latest, threshold=cycle,
        params={"file": key, "last": latest, "cycle": cycle, "path": last.file_path if last else ""},
    )  # fmt: skip


def _fills(mapping: Mapping, delivery: Delivery, contract: Contract, column: str) -> bool:
    """Whether a table of the mapping fills a column of the contract from the file of the delivery."""
    return delivery.file_key in mapping.model.files and any(
        name == contract.name and column in table.columns
        for name, table, _ in mapping.tables_of(delivery.file_key)
    )


def _raw_files(work: Path, contract: Contract, deliveries: Iterable[Delivery], instance: str) -> list[Path]:
    return [
        raw_file(work, contract.name, instance, d.delivery_id)
        for d in deliveries
        if d.source_instance == instance and contract.name in d.tables
    ]
