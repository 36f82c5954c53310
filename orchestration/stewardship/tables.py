"""What stewards decided, as the Parquet tables that matching and dbt read under work/stewardship/.

A table is always written, empty without decisions, so that models never depend on somebody having decided.
Keys are those of source records, never golden ids: a decision outlives every re-clustering.
What does NOT belong here: how a decision is taken or shown (see the commands), what it does to a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.stewardship.exclusions import SCHEMA as EXCLUSIONS
from orchestration.stewardship.outlier_classes import SCHEMA as OUTLIER_CLASSES

_DECIDED = (
    ("author", pa.string()),
    ("reason", pa.string()),
    ("decided_at", pa.timestamp("us")),
    ("expires_on", pa.date32()),
    ("status", pa.string()),
)

#: table -> columns. status: active, expired, to_confirm (what was seen has changed), orphaned (a record is gone),
#: undone, contradicted. Only active and to_confirm rows are in force.
SCHEMAS: dict[str, pa.Schema] = {
    # Pairs that matching must join or keep apart. An unmerge gives a row of kind part for each of its records: left is
    # the record, right the smallest record of its part, and no record of one part meets one of another.
    "constraints": pa.schema(
        [
            ("entity", pa.string()),
            ("kind", pa.string()),  # must, cannot, part
            ("left_record_key", pa.string()),
            ("right_record_key", pa.string()),
            ("decision_id", pa.string()),
        ]
    ),
    # Every decision on records ever taken, in force or not: the journal of stewardship.
    "decisions": pa.schema(
        [
            ("decision_id", pa.string()),
            ("entity", pa.string()),
            ("kind", pa.string()),  # same, different, cannot_say, unmerge, override, group_link
            ("record_keys", pa.list_(pa.string())),
            ("record_key", pa.string()),  # the first of them
            ("other_record_key", pa.string()),  # the second, if any
            ("field", pa.string()),  # attribute of an override, kind of a group link
            ("value", pa.string()),  # of an override
            ("content_hash", pa.string()),
            *_DECIDED,
        ]
    ),
    # A value that wins over every source for the golden record that holds record_key.
    "field_overrides": pa.schema(
        [
            ("decision_id", pa.string()),
            ("entity", pa.string()),
            ("record_key", pa.string()),
            ("attribute", pa.string()),
            ("value", pa.string()),
            *_DECIDED,
        ]
    ),
    # A company under another one for a time: legal (ownership) or buying (purchasing group).
    "group_links": pa.schema(
        [
            ("decision_id", pa.string()),
            ("child_record_key", pa.string()),
            ("parent_record_key", pa.string()),
            ("kind_code", pa.string()),
            ("valid_from", pa.date32()),
            ("valid_to", pa.date32()),
            *_DECIDED,
        ]
    ),
    # What decisions themselves ask of a steward: to_confirm, contradiction.
    "review_items": pa.schema(
        [
            ("item_id", pa.string()),
            ("entity", pa.string()),
            ("kind", pa.string()),
            ("left_record_key", pa.string()),
            ("right_record_key", pa.string()),
            ("reason", pa.string()),
            ("decision_ids", pa.string()),  # separated by commas
        ]
    ),
    # Items that a steward could not answer; they wait at the end of the queue while the records stay as they were.
    "postponements": pa.schema(
        [
            ("item_id", pa.string()),
            ("entity", pa.string()),
            ("left_record_key", pa.string()),
            ("right_record_key", pa.string()),
            ("decision_id", pa.string()),
            ("decided_at", pa.timestamp("us")),
        ]
    ),
    # The class that people gave to a value: active, replaced by a later one, or withdrawn.
    "outlier_classes": OUTLIER_CLASSES,
    # Who may not be contacted, or by one channel alone: active, or replaced by a later line.
    "exclusions": EXCLUSIONS,
}


def write_decision_tables(tables: Mapping[str, pa.Table], folder: Path) -> None:
    """Write every table of SCHEMAS as <folder>/<table>.parquet, those not given empty; replaced by rename."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        table = tables.get(name, schema.empty_table()).select(schema.names).cast(schema)
        aside = folder / f"{name}.aside"
        pq.write_table(table, aside, compression="lz4")
        aside.replace(folder / f"{name}.parquet")


def decisions_in_force(folder: Path) -> list[str]:
    """Ids of the decisions that the last run obeyed, sorted: they are part of what a publication depends on."""
    found: list[str] = []
    for name in ("decisions", "outlier_classes", "exclusions"):
        path = folder / f"{name}.parquet"
        if path.is_file():
            table = pq.read_table(path, columns=["decision_id", "status"])
            obeyed = pc.is_in(table["status"], pa.array(["active", "to_confirm"]))
            found += table.filter(obeyed)["decision_id"].to_pylist()
    return sorted(found)
