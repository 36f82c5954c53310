"""The worklist that a publication leaves behind: when each item was opened and closed.

What does NOT belong here: finding items (building.py). The file lies beside the golden-id registry and holds keys of
records and no value; a key that is built from an address or a number is masked.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from ingest.sql import literal
from orchestration.worklists.schema import HISTORY_FILE, WORKLIST, WORKLIST_FILE

#: Keys that a source does not give are built from natural keys, such as the address of an attendee.
_MASKED = "case when regexp_matches({0}, '@|[+][0-9]{{6}}') then null else {0} end as {0}"
_KEYS = ("record_key", "impact_key")


def promote_worklist(work: Path, published: Path, cycle: str) -> None:
    """Make the worklist of work/ the published one. cycle: `yyyy-mm` of the publication.

    Doing it twice changes nothing; a past cycle, published again after a later one, leaves the later history.
    """
    from orchestration.publication.files import replace_file  # the publisher imports this module

    worklist, target = work / WORKLIST_FILE, published / HISTORY_FILE
    if not worklist.is_file() or (last_cycle(published) or "") > cycle:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_suffix(".aside")
    columns = ", ".join(_MASKED.format(name) if name in _KEYS else name for name in WORKLIST.names)
    with duckdb.connect() as con:
        con.execute(
            f"copy (select {columns}, {literal(cycle)} as cycle from read_parquet({literal(str(worklist))})"
            f" order by item_id) to {literal(str(aside))} (format parquet)"
        )
    replace_file(aside, target)


def last_cycle(published: Path) -> str | None:
    """The cycle of the last publication with a worklist, as `yyyy-mm`."""
    file = published / HISTORY_FILE
    if not file.is_file():
        return None
    with duckdb.connect() as con:
        return con.execute(f"select max(cycle) from read_parquet({literal(str(file))})").fetchone()[0]
