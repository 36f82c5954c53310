"""What becomes of every raw record: kept, or one disposition with its reason; versions of a key converge
here.

Computed as sets over all raw files of a contract, so the result does not depend on the order of arrival. A
part is computed again only when the deliveries of its contract, its keys or this code changed.
What does NOT belong here: reading files, and decisions on meaning (dbt's exclusions, matching).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ingest.contract import Contract
from ingest.conversion import ITEM_SEPARATOR, PART_SEPARATOR
from ingest.deliveries import Delivery, fingerprint, raw_file, sha256_of
from ingest.mapping import Dedupe, Mapping
from ingest.mapping_model import Retention
from ingest.reasons import codes_of, competing_codes, reasons
from ingest.snapshots import ABSENT, HELD, SnapshotFile, key_columns, key_list, names_a_record
from ingest.sql import files_literal, ident, literal, write_parquet

DISPOSITIONS_VERSION = "3"
DISPOSITION_COLUMNS = {
    "contract": "VARCHAR", "source_instance": "VARCHAR", "_delivery_id": "VARCHAR",
    "_source_row_id": "BIGINT",
    "_record_part": "INTEGER", "disposition": "VARCHAR", "reason_code": "VARCHAR",
    "winner_delivery_id": "VARCHAR", "winner_source_row_id": "BIGINT",
}  # fmt: skip
CHANGE_COLUMNS = {
    "contract": "VARCHAR", "source_instance": "VARCHAR", "_delivery_id": "VARCHAR",
    "_source_row_id": "BIGINT",
    "_record_part": "INTEGER", "source_record_id": "VARCHAR", "field": "VARCHAR", "value_before": "VARCHAR",
    "value_after": "VARCHAR", "reason_code": "VARCHAR", "action": "VARCHAR",
}  # fmt: skip
COUNT_COLUMNS = {
    "contract": "VARCHAR", "source_instance": "VARCHAR", "_delivery_id": "VARCHAR", "name": "VARCHAR",
    "value": "BIGINT",
}  # fmt: skip
PARTS = {"dispositions": DISPOSITION_COLUMNS, "changes": CHANGE_COLUMNS, "counts": COUNT_COLUMNS}
_ROW = "source_instance, _delivery_id, _source_row_id, _record_part"


@dataclass(frozen=True)
class KeyRule:
    """Which columns make two records versions of one, for some instances of a contract, and how long they are used."""

    instances: tuple[str, ...]
    key: tuple[str, ...]
    dedupe: Dedupe | None
    retention: Retention | None = None

    @property
    def label(self) -> str:
        """Text that is equal for equal rules."""
        parts = [part.model_dump() if part else None for part in (self.dedupe, self.retention)]
        return json.dumps([self.key, *parts])


def empty_query(columns: dict[str, str]) -> str:
    """SQL of no row with these columns."""
    return (
        "SELECT " + ", ".join(f"CAST(NULL AS {t}) AS {ident(n)}" for n, t in columns.items()) + " WHERE false"
    )


def key_rules(contract: Contract, instances: set[str], mappings: dict[str, Mapping]) -> list[KeyRule]:
    """Key rules of a contract, grouping the instances that share one."""
    groups: dict[str, list[KeyRule]] = {}
    for instance in sorted(instances):
        for name, table in mappings[instance].model.tables.items():
            if (table.contract or name) == contract.name:
                rule = KeyRule((instance,), tuple(table.key), table.dedupe, table.retention)
                groups.setdefault(rule.label, []).append(rule)
                break
    return [
        replace(alike[0], instances=tuple(rule.instances[0] for rule in alike)) for alike in groups.values()
    ]


def refresh_part(
    connection: duckdb.DuckDBPyConnection, work: Path, contract: Contract, deliveries: list[Delivery],
    mappings: dict[str, Mapping], as_of: dt.datetime, damaged: list[Path], snapshots: list[SnapshotFile],
) -> bool:  # fmt: skip
    """Compute the dispositions, cell changes and counts of one contract;
    True when they had to be computed. as_of: UTC, what a retention is counted from. damaged: gets the parts that were
    not what had been written.
    """
    rules = key_rules(contract, {d.source_instance for d in deliveries}, mappings)
    known = {delivery.delivery_id for delivery in deliveries}
    concerned = [
        file for file in snapshots if known & {each.delivery.delivery_id for each in file.judgements}
    ]
    state = fingerprint(
        DISPOSITIONS_VERSION,
        contract.fingerprint,
        sorted(
            (d.delivery_id, d.fingerprint, d.last_delivered_on, d.withdrawn, d.replaced_by)
            for d in deliveries
        ),
        [(r.instances, r.label) for r in rules],
        as_of.isoformat() if any(r.retention for r in rules) else None,
        [(file.held, file.present, file.applied) for file in concerned],
    )
    folder = work / "collect" / "parts"
    marker = folder / f"{contract.name}.json"
    written = [folder / f"{contract.name}.{part}.parquet" for part in PARTS]
    if _is_current(marker, state, written, damaged):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    files = [raw_file(work, contract.name, d.source_instance, d.delivery_id) for d in deliveries]
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW raw_now AS SELECT *, {_last_delivered(deliveries)} AS _last_delivered_on "
        f"FROM read_parquet({files_literal(files)})"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE disposed AS {_set_aside_query(contract)}")
    _withdraw(connection, contract, deliveries, concerned, mappings)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE expired AS SELECT {_ROW} FROM raw_now WHERE false")
    for rule in rules:
        _converge(connection, contract, rule)
        if rule.dedupe:
            _dedupe(connection, contract, rule)
        if rule.retention:
            _suppress(connection, contract, rule, as_of)
    ordered = f"SELECT * FROM disposed ORDER BY {_ROW}"
    write_parquet(connection, ordered, folder / f"{contract.name}.dispositions.parquet")
    write_parquet(connection, _changes_query(contract), folder / f"{contract.name}.changes.parquet")
    write_parquet(connection, _counts_query(contract), folder / f"{contract.name}.counts.parquet")
    connection.execute("DROP VIEW contending")
    connection.execute("DROP TABLE withdrawn")
    connection.execute("DROP TABLE expired")
    connection.execute("DROP TABLE disposed")
    connection.execute("DROP VIEW raw_now")
    _mark(marker, state, written)
    return True


def _last_delivered(deliveries: list[Delivery]) -> str:
    """SQL of the latest date at which the content of a row came: that of a copy, where there is a later one."""
    again = [d for d in deliveries if d.last_delivered_on and d.last_delivered_on != d.delivered_on]
    cases = " ".join(f"WHEN {literal(d.delivery_id)} THEN DATE {literal(d.last_delivered_on)}" for d in again)
    return f"CASE _delivery_id {cases} ELSE delivered_on END" if again else "delivered_on"


def _is_current(marker: Path, state: str, files: list[Path], damaged: list[Path]) -> bool:
    """True when `files` were made from `state` and are still what was written."""
    try:
        known = json.loads(marker.read_text())
        if known["state"] != state:
            return False
        changed = [path for path in files if known["files"][path.name] != sha256_of(path)]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return False
    damaged += changed
    return not changed


def _mark(marker: Path, state: str, files: list[Path]) -> None:
    content = {"state": state, "files": {path.name: sha256_of(path) for path in files}}
    temporary = marker.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, sort_keys=True))
    temporary.replace(marker)


def _same_row(alias: str) -> str:
    """SQL condition that a row of `alias` is the row r."""
    return " AND ".join(f"{alias}.{c} = r.{c}" for c in _ROW.split(", "))


def _in(codes: list[str]) -> str:
    return "(" + ", ".join(literal(c) for c in codes) + ")"


def _set_aside_query(contract: Contract) -> str:
    """Records that reading itself set aside: quarantined or excluded."""
    return (
        f"SELECT {literal(contract.name)} AS contract, {_ROW}, "
        f"CASE WHEN _set_aside IN {_in(codes_of('excluded'))} THEN 'excluded' ELSE 'quarantined' END AS "
        f"disposition, "
        f"_set_aside AS reason_code, CAST(NULL AS VARCHAR) AS winner_delivery_id, "
        f"CAST(NULL AS BIGINT) AS winner_source_row_id FROM raw_now WHERE _set_aside IS NOT NULL"
    )


def _withdraw(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: list[Delivery],
    snapshots: list[SnapshotFile], mappings: dict[str, Mapping],
) -> None:  # fmt: skip
    """Take rows out of the contest: those of deliveries that count no more (nothing in them waits for anybody, so what
    reading set aside is excluded too), those of snapshots that are held, and those whose record the newest snapshot
    does not hold. The other rows are in the view `contending`.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE withdrawn AS SELECT {_ROW}, _set_aside, "
        f"CAST(NULL AS VARCHAR) AS reason_code, CAST(NULL AS VARCHAR) AS winner FROM raw_now WHERE false"
    )
    gone = [d for d in deliveries if d.withdrawn]
    for delivery in gone:
        mine = f"_delivery_id = {literal(delivery.delivery_id)}"
        connection.execute(f"DELETE FROM disposed WHERE {mine}")
        connection.execute(
            f"INSERT INTO withdrawn SELECT {_ROW}, NULL, {literal(delivery.withdrawn)}, "
            f"{literal(delivery.replaced_by) if delivery.replaced_by else 'NULL'} FROM raw_now WHERE {mine}"
        )
    for file in snapshots:
        for held in file.held:
            connection.execute(
                f"INSERT INTO withdrawn SELECT {_ROW}, _set_aside, {literal(HELD)}, NULL FROM raw_now "
                f"WHERE _delivery_id = {literal(held)}"
            )
        if not file.present:
            continue
        key = key_list(key_columns(mappings[file.source_instance], contract.name))
        connection.execute(
            f"INSERT INTO withdrawn SELECT {_ROW}, _set_aside, {literal(ABSENT)}, {literal(file.present[-1])} "
            f"FROM raw_now WHERE _delivery_id IN {_in(list(file.applied))} AND {names_a_record()} "
            f"AND {key} NOT IN (SELECT {key} FROM raw_now WHERE _delivery_id IN {_in(list(file.present))} "
            f"AND {names_a_record()})"
        )
    connection.execute(
        f"INSERT INTO disposed SELECT {literal(contract.name)}, {_ROW}, 'excluded', reason_code, winner, NULL "
        "FROM withdrawn WHERE _set_aside IS NULL"
    )
    rest = (
        f" WHERE NOT EXISTS (SELECT 1 FROM withdrawn w WHERE {_same_row('w')})" if snapshots or gone else ""
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW contending AS SELECT * FROM raw_now r{rest}")


def _converge(connection: duckdb.DuckDBPyConnection, contract: Contract, rule: KeyRule) -> None:
    """Add the losing versions of each key. Keys with several records are found first; only they are ordered.

    An excluded newest version still supersedes the older ones; a quarantined one does not compete.
    """
    key = ["source_instance", *(ident(c) for c in rule.key)]
    competes = (
        f"source_instance IN {_in(list(rule.instances))} AND source_record_id IS NOT NULL "
        f"AND (_set_aside IS NULL OR _set_aside IN {_in(competing_codes())})"
    )
    hashed = f"hash({', '.join(key)})"
    order = [f"{ident(c)} DESC NULLS LAST" for c in contract.order_by]
    order += [
        "_last_delivered_on DESC NULLS LAST",
        "_delivery_id DESC",
        "_source_row_id DESC",
        "_record_part DESC",
    ]
    content = ", ".join(["is_deleted", *(ident(c) for c in contract.names)])
    duplicate = "repeated_event" if contract.update == "append" else "exact_duplicate"
    window = f"OVER (PARTITION BY {', '.join(key)} ORDER BY {', '.join(order)})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE contested_keys AS SELECT {hashed} AS h FROM contending WHERE {competes} "
        f"GROUP BY ALL HAVING count(*) > 1"
    )
    connection.execute(
        f"INSERT INTO disposed SELECT {literal(contract.name)}, {_ROW}, "
        f"CASE WHEN content = best THEN 'exact_duplicate' ELSE 'superseded' END, "
        f"CASE WHEN content = best THEN {literal(duplicate)} ELSE 'superseded_by_newer' END, winner, "
        f"winner_row "
        f"FROM (SELECT {_ROW}, _set_aside, content, row_number() {window} AS rank, "
        f"first_value(content) {window} AS best, first_value(_delivery_id) {window} AS winner, "
        f"first_value(_source_row_id) {window} AS winner_row "
        f"FROM (SELECT *, hash({content}) AS content FROM contending WHERE {competes} "
        f"AND {hashed} IN (SELECT h FROM contested_keys))) WHERE rank > 1 AND _set_aside IS NULL"
    )
    connection.execute("DROP TABLE contested_keys")


def _dedupe(connection: duckdb.DuckDBPyConnection, contract: Contract, rule: KeyRule) -> None:
    """Add the losers on a key declared by the mapping, among the records that are still kept."""
    dedupe = rule.dedupe
    assert dedupe is not None  # called for rules with one
    columns = [ident(c) for c in dedupe.key]
    way, nulls = ("DESC", "LAST") if dedupe.keep == "last" else ("ASC", "FIRST")
    order = [f"{ident(c)} {way} NULLS {nulls}" for c in (dedupe.order_by or contract.order_by)]
    day = "_last_delivered_on" if dedupe.keep == "last" else "delivered_on"
    order += [f"{c} {way} NULLS {nulls}" for c in (day, "_delivery_id", "_source_row_id", "_record_part")]
    window = f"OVER (PARTITION BY source_instance, {', '.join(columns)} ORDER BY {', '.join(order)})"
    filled = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    connection.execute(
        f"INSERT INTO disposed SELECT {literal(contract.name)}, {_ROW}, 'exact_duplicate', "
        f"'duplicate_by_declared_key', winner, winner_row FROM (SELECT {_ROW}, row_number() {window} AS "
        f"rank, "
        f"first_value(_delivery_id) {window} AS winner, first_value(_source_row_id) {window} AS winner_row "
        f"FROM raw_now r WHERE source_instance IN {_in(list(rule.instances))} AND {filled} "
        f"AND NOT EXISTS (SELECT 1 FROM disposed d WHERE {_same_row('d')})) WHERE rank > 1"
    )


def _suppress(
    connection: duckdb.DuckDBPyConnection, contract: Contract, rule: KeyRule, as_of: dt.datetime
) -> None:
    """Add the records, among those still kept, that are older than their retention; an undated one is not.

    Every row that tells of such a record, whatever became of it, goes into `expired`: all versions of a key whose
    newest date is too old, and rows without a key by their own date.
    """
    assert rule.retention is not None  # called for rules with one
    limit = literal((as_of - dt.timedelta(days=rule.retention.days)).isoformat(sep=" "))
    own = f"r.source_instance IN {_in(list(rule.instances))}"
    date = f"CAST({ident(rule.retention.column)} AS TIMESTAMP)"
    connection.execute(
        f"INSERT INTO disposed SELECT {literal(contract.name)}, {_ROW}, 'suppressed', 'retention_expired', NULL, NULL "
        f"FROM raw_now r WHERE {own} AND {date} < TIMESTAMP {limit} "
        f"AND NOT EXISTS (SELECT 1 FROM disposed d WHERE {_same_row('d')})"
    )
    key = ["source_instance", *(ident(c) for c in rule.key)]
    same_key = " AND ".join(f"e.{c} IS NOT DISTINCT FROM r.{c}" for c in key)
    columns = ", ".join(f"r.{c}" for c in key)
    connection.execute(
        f"INSERT INTO expired SELECT {_ROW} FROM raw_now r "
        f"WHERE {own} AND source_record_id IS NULL AND {date} < TIMESTAMP {limit} "
        f"UNION ALL SELECT {_ROW} FROM raw_now r SEMI JOIN (SELECT {columns} FROM raw_now r "
        f"LEFT JOIN disposed d ON {_same_row('d')} WHERE {own} AND source_record_id IS NOT NULL GROUP BY ALL "
        f"HAVING max({date}) < TIMESTAMP {limit} OR bool_or(d.disposition = 'suppressed')) e ON {same_key}"
    )


def _changes_query(contract: Contract) -> str:
    """Cell journal: one row per issue, unpacked from _issues; no version of an expired record is quoted."""
    part = [f"split_part(item, {literal(PART_SEPARATOR)}, {i})" for i in (1, 2, 3)]
    actions = " ".join(
        f"WHEN {literal(code)} THEN {literal(reason.action)}"
        for code, reason in reasons().items()
        if reason.action
    )
    kept = " ".join(f"WHEN {literal(c)} THEN CAST({ident(c)} AS VARCHAR)" for c in contract.names)
    return (
        f"SELECT {literal(contract.name)} AS contract, {_ROW}, source_record_id, {part[0]} AS field, "
        f"{part[2]} AS value_before, CASE {part[0]} {kept} END AS value_after, {part[1]} AS reason_code, "
        f"CASE {part[1]} {actions} END AS action "
        f"FROM (SELECT *, unnest(string_split(_issues, {literal(ITEM_SEPARATOR)})) AS item FROM raw_now r "
        f"WHERE _issues IS NOT NULL "
        f"AND NOT EXISTS (SELECT 1 FROM expired e WHERE {_same_row('e')})) "
        f"ORDER BY {_ROW}, field, reason_code"
    )


def _counts_query(contract: Contract) -> str:
    """Per delivery: records_in and kept, each counted by itself, and one count per disposition."""
    name = literal(contract.name)
    return (
        f"SELECT {name} AS contract, source_instance, _delivery_id, 'records_in' AS name, count(*) AS value "
        f"FROM raw_now GROUP BY ALL "
        f"UNION ALL SELECT {name}, source_instance, _delivery_id, 'kept', count(*) FROM raw_now r "
        f"WHERE NOT EXISTS (SELECT 1 FROM disposed d WHERE {_same_row('d')}) GROUP BY ALL "
        f"UNION ALL SELECT {name}, source_instance, _delivery_id, disposition, count(*) FROM disposed "
        f"GROUP BY ALL"
    )


def join_parts(
    connection: duckdb.DuckDBPyConnection, work: Path, contracts: list[str], damaged: list[Path]
) -> None:
    """Write collect/dispositions.parquet and changes.parquet from the parts of `contracts`.

    damaged: gets the files that were not what had been written.
    """
    folder = work / "collect" / "parts"
    for path in folder.glob("*"):
        if path.name.split(".")[0] not in contracts:
            path.unlink(missing_ok=True)
    joined = {part: work / "collect" / f"{part}.parquet" for part in ("dispositions", "changes")}
    marker = work / "collect" / "joined.json"
    state = fingerprint([(folder / f"{name}.json").read_text() for name in sorted(contracts)])
    if _is_current(marker, state, list(joined.values()), damaged):
        return
    for part, target in joined.items():
        files = [folder / f"{name}.{part}.parquet" for name in sorted(contracts)]
        write_parquet(connection, union_query(files, PARTS[part]), target)
    _mark(marker, state, list(joined.values()))


def union_query(files: list[Path], columns: dict[str, str]) -> str:
    """SQL of the rows of `files` with these columns, of no row when there is no file."""
    if not files:
        return empty_query(columns)
    selected = ", ".join(f"CAST({ident(n)} AS {t}) AS {ident(n)}" for n, t in columns.items())
    return f"SELECT {selected} FROM read_parquet({files_literal(files)}, union_by_name=true)"
