"""The journal over publications: nothing that was ever decided and published leaves it.

journal_history.parquet counts the decisions of each publication; journal_entries.parquet holds each single decision on
a line, an identity or by a person, with the first and the last publication that it stood in. What was decided about
rows in bulk is counted here and made again, row by row, from the archived extracts of a publication's receipt.
What does NOT belong here: the decisions themselves (dbt_project/models/quality), any value of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.results import write_parquet
from orchestration.damaged_file import DamagedFileError

HISTORY, ENTRIES = "journal_history.parquet", "journal_entries.parquet"
HISTORY_SCHEMA = pa.schema(
    [
        ("sequence", pa.int32()),
        ("publication_id", pa.string()),
        ("cycle", pa.string()),
        ("step_code", pa.string()),
        ("contract", pa.string()),
        ("action", pa.string()),
        ("reason_code", pa.string()),
        ("n_decisions", pa.int64()),
    ]
)
ENTRIES_SCHEMA = pa.schema(
    [
        ("journal_id", pa.string()),
        ("step_code", pa.string()),
        ("contract", pa.string()),
        ("record_key", pa.string()),
        ("golden_id", pa.string()),
        ("action", pa.string()),
        ("reason_code", pa.string()),
        ("actor", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("first_sequence", pa.int32()),
        ("last_sequence", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Change:
    """Decisions of one kind in the last publication and in the one before; None where there was none before."""

    step_code: str
    contract: str
    action: str
    reason_code: str
    n_decisions: int
    n_before: int | None


def promote_journal(con: duckdb.DuckDBPyConnection, published: Path, publication_id: str, cycle: str) -> None:
    """Add the journal of the candidate attached as `warehouse`. Promoting a publication twice changes nothing.

    Raises DamagedFileError when a file of before cannot be read: a journal that begins again would have lost entries.
    """
    folder = published / "registry"
    history, entries = _read(folder / HISTORY, HISTORY_SCHEMA), _read(folder / ENTRIES, ENTRIES_SCHEMA)
    con.register("history", history)
    con.register("entries", entries)
    known, last = con.execute(
        "select coalesce(bool_or(publication_id = $id), false), coalesce(max(sequence), 0) from history",
        {"id": publication_id},
    ).fetchall()[0]
    if not known:
        sequence = last + 1
        now = con.sql(
            "select step_code, contract, action, reason_code, n_decisions from warehouse.quality_dbt.dq_journal_summary"
            " order by all"
        ).to_arrow_table()
        stamped = {"sequence": sequence, "publication_id": publication_id, "cycle": cycle}
        columns = {name: pa.array([value] * now.num_rows) for name, value in stamped.items()}
        columns |= {name: now[name] for name in now.column_names}
        # Entries first: a process killed between promotes both again.
        write_parquet(_joined(con, sequence), folder / ENTRIES)
        write_parquet(pa.concat_tables([history, pa.table(columns).cast(HISTORY_SCHEMA)]), folder / HISTORY)
    con.unregister("history")
    con.unregister("entries")


def _joined(con: duckdb.DuckDBPyConnection, sequence: int) -> pa.Table:
    return (
        con.sql(
            "with now as (select journal_id, step_code, contract, record_key,"
            " case when step_code = 'merge' then value_after end as golden_id, action, reason_code, actor, decided_at"
            " from warehouse.quality_dbt.dq_journal where step_code in ('line', 'merge', 'stewardship'))"
            f" select * replace ({sequence} as last_sequence) from entries semi join now using (journal_id)"
            " union all by name select * from entries anti join now using (journal_id)"
            f" union all by name select *, {sequence} as first_sequence, {sequence} as last_sequence"
            " from now anti join entries using (journal_id) order by journal_id"
        )
        .to_arrow_table()
        .select(ENTRIES_SCHEMA.names)
        .cast(ENTRIES_SCHEMA)
    )


def changes(published: Path) -> list[Change]:
    """Decisions by kind in the last publication beside the one before, ended ones too; the most frequent first."""
    with duckdb.connect() as con:
        con.register("history", _read(published / "registry" / HISTORY, HISTORY_SCHEMA))
        rows = con.execute(
            "with n as (select * from history where sequence = (select max(sequence) from history)),"
            " b as (select * from history where sequence = (select max(sequence) - 1 from history))"
            " select step_code, contract, action, reason_code, coalesce(n.n_decisions, 0),"
            " case when exists (from b) then coalesce(b.n_decisions, 0) end"
            " from n full join b using (step_code, contract, action, reason_code) order by 5 desc, 1, 2, 3, 4"
        ).fetchall()
    return [Change(*row) for row in rows]


def ended_entries(published: Path, limit: int) -> list[dict[str, Any]]:
    """Single decisions of earlier publications that the last one does not hold any more, the latest to end first."""
    with duckdb.connect() as con:
        con.register("history", _read(published / "registry" / HISTORY, HISTORY_SCHEMA))
        con.register("entries", _read(published / "registry" / ENTRIES, ENTRIES_SCHEMA))
        cursor = con.execute(
            "select e.*, f.publication_id as first_publication_id, l.publication_id as last_publication_id"
            " from entries as e"
            " left join (select distinct sequence, publication_id from history) as f on e.first_sequence = f.sequence"
            " left join (select distinct sequence, publication_id from history) as l on e.last_sequence = l.sequence"
            " where e.last_sequence < (select max(sequence) from history)"
            " order by e.last_sequence desc, e.journal_id limit $limit",
            {"limit": limit},
        )
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    if not path.is_file():
        return schema.empty_table()
    try:
        return pq.read_table(path).select(schema.names).cast(schema)
    except (OSError, KeyError, pa.ArrowException) as error:
        remedy = "put the file back from a copy of published/"
        raise DamagedFileError(f"published/registry/{path.name}", type(error).__name__, remedy) from error
