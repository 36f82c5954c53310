"""How the framing note of a company's cycle stands, and the note as a run found it, kept for the steps that follow.

What does NOT belong here: the note itself (note.py), what a standing does to a verdict (expectations.gate).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from orchestration.cycles.note import Framing, Note, Standing, read_note

if TYPE_CHECKING:
    import duckdb

    from ingest.company import Company
    from orchestration.settings import RunSettings

#: One row with the note as JSON, below work/: source run.framing of dbt and of the statistics step.
KEPT = Path("run") / "framing.parquet"


def standing_of(company: Company, cycle: str) -> Standing:
    """How the note stands now, in the company's directory. Raises as read_note."""
    return _standing(read_note(company.root, cycle, company.timezone))


def standing_for(company: Company, settings: RunSettings) -> Standing | Literal["outdated"]:
    """How the note stands for figures made with `settings`: outdated when it was another one then.

    Raises as read_note.
    """
    note = read_note(company.root, settings.cycle, company.timezone)
    is_other = note is not None and note.version != settings.framing_version
    return "outdated" if is_other and _standing(note) == "approved" else _standing(note)


def _standing(note: Note | None) -> Standing:
    return note.standing if note else "missing"


def keep_framing(company: Company, settings: RunSettings, work: Path) -> None:
    """Write the note of the cycle as work/run/framing.parquet (one row), without what is written to close it."""
    import pyarrow as pa

    from expectations.results import write_parquet

    note = read_note(company.root, settings.cycle, company.timezone)
    row = {
        "cycle": settings.cycle,
        "standing_code": _standing(note),
        "note": note.framing.model_dump_json(exclude={"closing", "closed"}) if note else None,
    }
    schema = pa.schema(
        [
            ("cycle", pa.string()),
            ("standing_code", pa.string()),
            ("note", pa.string()),
        ]
    )
    write_parquet(pa.Table.from_pylist([row], schema=schema), work / KEPT)


def framing_in(con: duckdb.DuckDBPyConnection, cycle: str) -> tuple[str, Framing | None]:
    """(standing, note) that a warehouse was made with, from its source run.framing; missing without one."""
    found = con.execute(
        "select count(*) from information_schema.tables where table_schema = 'run' and table_name = 'framing'"
    ).fetchall()[0][0]
    query = "select standing_code, note from run.framing where cycle = ?"
    rows = con.execute(query, [cycle]).fetchall() if found else []
    if not rows:
        return "missing", None
    standing, note = rows[0]
    return standing, Framing.model_validate_json(note) if note else None
