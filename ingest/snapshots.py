"""Files that are complete snapshots: which of them count, and which records the newest one removes.

Judged over all deliveries of a file by their date, so neither the order of arrival nor what an earlier run saw
matters. A snapshot that removes more than the declared share is held until a person decides; one with lines or keys
that could not be read does not know all of its records and removes nothing.
What does NOT belong here: applying it to records (dispositions.py), recording decisions (delivery_decisions.py).
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from ingest.deliveries import Delivery, raw_file
from ingest.delivery_decisions import DeliveryDecision
from ingest.errors import Problem
from ingest.mapping import Mapping
from ingest.reasons import absorbed_codes
from ingest.sql import files_literal, ident, literal

HELD, ABSENT = "snapshot_held", "absent_from_snapshot"


@dataclass(frozen=True)
class Judgement:
    """What became of one snapshot. n_before: records known before it; n_removed: those of them it does not hold."""

    delivery: Delivery
    state: Literal["applied", "incomplete", "held", "rejected"]
    n_before: int = 0
    n_removed: int = 0

    @property
    def share(self) -> str:
        """The removed share for people: percent with one decimal, rounded up so that it never looks allowed."""
        if not self.n_before:
            return "0.0 %"
        tenths = -(-1000 * self.n_removed // self.n_before)
        return f"{tenths // 10}.{tenths % 10} %"


@dataclass(frozen=True)
class SnapshotFile:
    """All snapshots of one file of one source. present: deliveries whose records together are the present ones."""

    source_instance: str
    file_key: str
    judgements: tuple[Judgement, ...]
    present: tuple[str, ...] = ()
    applied: tuple[str, ...] = field(default=())

    @property
    def held(self) -> list[str]:
        """Delivery ids of the snapshots that wait for a decision."""
        return sorted(each.delivery.delivery_id for each in self.judgements if each.state == "held")


def key_columns(mapping: Mapping, contract: str) -> list[str]:
    """Columns that identify a record of a contract in one source."""
    return next(
        table.key for name, table in mapping.model.tables.items() if (table.contract or name) == contract
    )


def names_a_record() -> str:
    """SQL condition on raw rows: the row says that a record with its key exists in the source."""
    absorbed = ", ".join(literal(code) for code in absorbed_codes())
    return f"source_record_id IS NOT NULL AND coalesce(_set_aside NOT IN ({absorbed}), true)"


def key_list(columns: list[str]) -> str:
    """SQL of the key of a raw row as a list of text without nulls: equal lists, equal keys."""
    return "[" + ", ".join(f"coalesce('=' || CAST({ident(c)} AS VARCHAR), '')" for c in columns) + "]"


def judge_snapshots(
    connection: duckdb.DuckDBPyConnection, work: Path, active: list[Delivery], mappings: dict[str, Mapping],
    decisions: AnyMapping[str, DeliveryDecision],
) -> list[SnapshotFile]:  # fmt: skip
    """The snapshots of every file that is declared one, by source and file."""
    found: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in active:
        spec = mappings[delivery.source_instance].model.files[delivery.file_key]
        if spec.snapshot:
            found.setdefault((delivery.source_instance, delivery.file_key), []).append(delivery)
    return [
        _judge(connection, work, deliveries, mappings[instance], decisions)
        for (instance, _), deliveries in sorted(found.items())
    ]


def _judge(
    connection: duckdb.DuckDBPyConnection, work: Path, deliveries: list[Delivery], mapping: Mapping,
    decisions: AnyMapping[str, DeliveryDecision],
) -> SnapshotFile:  # fmt: skip
    first = deliveries[0]
    snapshot = mapping.model.files[first.file_key].snapshot
    assert snapshot is not None  # called for files with one
    unkeyed = _read_keys(connection, work, deliveries, mapping)
    connection.execute("CREATE OR REPLACE TEMP TABLE present_keys (contract VARCHAR, key VARCHAR[])")
    judgements: list[Judgement] = []
    present: tuple[str, ...] = ()
    applied: list[str] = []
    ordered = sorted(deliveries, key=lambda d: (d.delivered_on or "", d.delivery_id))
    for _, dated in groupby(ordered, key=lambda d: d.delivered_on):
        parts = []
        for delivery in dated:
            if delivery.withdrawn:
                judgements.append(Judgement(delivery, "rejected"))
            else:
                parts.append(delivery)
        if not parts:
            continue
        ids = tuple(delivery.delivery_id for delivery in parts)
        # Several files of one date are one snapshot together: parts of it, or a copy and its correction.
        now = f"SELECT contract, key FROM snapshot_keys WHERE _delivery_id IN ({_listed(ids)})"
        n_before, n_removed = _counts(connection, now)
        is_whole = not any(d.n_quarantined_lines or d.delivery_id in unkeyed for d in parts)
        is_accepted = any(_allows(decisions.get(d.delivery_id), n_removed) for d in parts)
        if is_whole and not is_accepted and n_removed > Decimal(str(snapshot.max_removed)) * n_before:
            judgements += [Judgement(delivery, "held", n_before, n_removed) for delivery in parts]
            continue
        if is_whole:
            connection.execute("DELETE FROM present_keys")
        connection.execute(f"INSERT INTO present_keys ({now}) EXCEPT SELECT * FROM present_keys")
        present = ids if is_whole else (*present, *ids)
        applied += ids
        state = "applied" if is_whole else "incomplete"
        removed = n_removed if is_whole else 0
        judgements += [Judgement(delivery, state, n_before, removed) for delivery in parts]
    connection.execute("DROP TABLE present_keys")
    connection.execute("DROP TABLE snapshot_keys")
    return SnapshotFile(first.source_instance, first.file_key, tuple(judgements), present, tuple(applied))


def _allows(decision: DeliveryDecision | None, n_removed: int) -> bool:
    """Whether somebody accepted that as many records go: an acceptance holds for what was seen, not for more."""
    return decision is not None and decision.decision == "accept" and n_removed <= decision.removed


def _read_keys(
    connection: duckdb.DuckDBPyConnection, work: Path, deliveries: list[Delivery], mapping: Mapping
) -> set[str]:
    """Fill snapshot_keys(contract, _delivery_id, key); gives the deliveries with records that have no key."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE snapshot_keys (contract VARCHAR, _delivery_id VARCHAR, key VARCHAR[])"
    )
    unkeyed: set[str] = set()
    for contract in sorted({name for delivery in deliveries for name in delivery.tables}):
        files = [
            raw_file(work, contract, delivery.source_instance, delivery.delivery_id)
            for delivery in deliveries
            if contract in delivery.tables
        ]
        rows = f"read_parquet({files_literal(files)})"
        connection.execute(
            f"INSERT INTO snapshot_keys SELECT DISTINCT {literal(contract)}, _delivery_id, "
            f"{key_list(key_columns(mapping, contract))} FROM {rows} WHERE {names_a_record()}"
        )
        unkeyed |= {
            row[0]
            for row in connection.execute(
                f"SELECT DISTINCT _delivery_id FROM {rows} WHERE source_record_id IS NULL"
            ).fetchall()
        }
    return unkeyed


def _counts(connection: duckdb.DuckDBPyConnection, now: str) -> tuple[int, int]:
    """Records present before a snapshot, and those of them that it does not hold."""
    row = connection.execute(
        f"SELECT (SELECT count(*) FROM present_keys), "
        f"(SELECT count(*) FROM (SELECT * FROM present_keys EXCEPT ({now})))"
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _listed(ids: tuple[str, ...]) -> str:
    return ", ".join(literal(each) for each in ids)


def open_questions(
    snapshots: list[SnapshotFile], mappings: dict[str, Mapping]
) -> list[tuple[str, str, Problem]]:
    """(source instance, file, question) of every snapshot that waits for a decision, in the words of errors.yml."""
    questions = []
    for file in snapshots:
        snapshot = mappings[file.source_instance].model.files[file.file_key].snapshot
        for judged in file.judgements if snapshot else ():
            if judged.state == "held":
                delivery = judged.delivery
                values = {
                    "delivery": delivery.delivery_id, "removed": judged.n_removed, "known": judged.n_before,
                    "share": judged.share, "limit": f"{snapshot.max_removed:.1%}".replace("%", " %"),
                }  # fmt: skip
                place = f"{delivery.source_instance}: {delivery.file_path}"
                problem = Problem("E-ING-180", place, tuple((name, str(v)) for name, v in values.items()))
                questions.append((delivery.source_instance, delivery.file_path, problem))
    return questions


SNAPSHOT_SCHEMA = pa.schema(
    [
        ("source_instance", pa.string()), ("_delivery_id", pa.string()), ("file_path", pa.string()),
        ("delivered_on", pa.date32()), ("state", pa.string()), ("n_before", pa.int64()), ("n_removed", pa.int64()),
    ]
)  # fmt: skip


def snapshot_rows(snapshots: list[SnapshotFile]) -> list[dict[str, Any]]:
    """Rows of collect/snapshots.parquet: one a snapshot."""
    return [
        {
            "source_instance": file.source_instance,
            "_delivery_id": judged.delivery.delivery_id,
            "file_path": judged.delivery.file_path,
            "delivered_on": judged.delivery.day,
            "state": judged.state,
            "n_before": judged.n_before,
            "n_removed": judged.n_removed,
        }
        for file in snapshots
        for judged in file.judgements
    ]
