"""The published registry of golden ids: which ids exist and which record held which id last.

What does NOT belong here: minting ids (see orchestration.matching.golden_ids). Promotion happens just before
the marts are swapped: the ids a reader can meet are always registered, and promoting twice changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from ingest.sql import literal
from orchestration.publication.files import replace_file

GOLDEN_IDS = "golden_ids.parquet"


def registry_path(published: Path) -> Path | None:
    """golden_ids.parquet of the last publication; None before the first one."""
    path = published / "registry" / GOLDEN_IDS
    return path if path.is_file() else None


def promote_registry(matching: Path, published: Path) -> None:
    """Make the ids of work/matching the published ones. Records that vanished keep the id they held last."""
    folder = published / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        # ids first: a crash between the files leaves ids that nobody holds, which the next run takes again
        _write(
            con,
            f"select * from read_parquet({literal(str(matching / GOLDEN_IDS))}) order by golden_id",
            folder / GOLDEN_IDS,
        )
        for entity, plural in (("account", "accounts"), ("person", "persons")):
            target = folder / f"members_{plural}.parquet"
            current = f"read_parquet({literal(str(matching / f'{entity}_members.parquet'))})"
            before = f"read_parquet({literal(str(target))})"
            query = f"select record_key, {entity}_id as golden_id from {current}"
            if target.is_file():
                query += (
                    f" union all select p.record_key, p.golden_id from {before} as p"
                    f" anti join {current} as c using (record_key)"
                )
            _write(con, f"select * from ({query}) order by record_key", target)
    finally:
        con.close()


def _write(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    aside = target.with_suffix(".aside")
    con.execute(f"copy ({query}) to {literal(str(aside))} (format parquet, compression zstd)")
    replace_file(aside, target)
