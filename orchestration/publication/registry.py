"""The published registry of golden ids: which ids exist and which record held which id when.

What does NOT belong here: minting ids (see orchestration.matching.golden_ids), what history says (see
orchestration.matching.member_history). Promotion happens just before the marts are swapped: the ids a reader can
meet are always registered, and promoting twice changes nothing.

Members go first, the ids last. A process killed between leaves members whose new ids are not registered: they count as
unknown and the same ids are minted again from the same records; ids that a merge or an unmerge has settled are found
again from the homes of their members.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from ingest.sql import literal
from orchestration.crash_points import crash_point
from orchestration.publication.files import replace_file

GOLDEN_IDS = "golden_ids.parquet"
_MEMBERS = {
    "account_history.parquet": "members_accounts.parquet",
    "person_history.parquet": "members_persons.parquet",
}


def registry_path(published: Path) -> Path | None:
    """golden_ids.parquet of the last publication; None before the first one."""
    path = published / "registry" / GOLDEN_IDS
    return path if path.is_file() else None


def promote_registry(matching: Path, published: Path, cycle: str) -> None:
    """Make the ids of work/matching the published ones. cycle: `yyyy-mm` of the run that gave them.

    A past cycle, published again after a later one, adds the ids it minted and changes nothing else.
    """
    folder = published / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    given, target = matching / GOLDEN_IDS, folder / GOLDEN_IDS
    if _last_cycle(folder) > cycle:
        _add_minted(given, target)
        return
    for source, name in _MEMBERS.items():
        _replace(matching / source, folder / name)
        crash_point("publication.members_promoted")
    _replace(given, target)


def _last_cycle(folder: Path) -> str:
    """The latest cycle that changed anything in the registry, as `yyyy-mm`; '' for an empty one."""
    dates = [
        f"select max(greatest(valid_from, coalesce(valid_to, valid_from))) - interval 1 day as day"
        f" from read_parquet({literal(str(folder / name))})"
        for name in _MEMBERS.values()
        if _has_column(folder / name, "valid_from")
    ]
    cycles = (
        [f"select strftime(max(day), '%Y-%m') as cycle from ({' union all '.join(dates)})"] if dates else []
    )
    ids = folder / GOLDEN_IDS
    if ids.is_file():
        retired = "retired_in_cycle" if _has_column(ids, "retired_in_cycle") else "null"
        cycles.append(
            f"select greatest(max(minted_in_cycle), max({retired})) from read_parquet({literal(str(ids))})"
        )
    if not cycles:
        return ""
    with duckdb.connect() as con:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        return con.execute(f"select max(cycle) from ({' union all '.join(cycles)})").fetchone()[0] or ""


def _has_column(path: Path, column: str) -> bool:
    import pyarrow.parquet as pq

    return path.is_file() and column in pq.read_schema(path).names


def _add_minted(given: Path, target: Path) -> None:
    aside = target.with_suffix(".aside")
    known = f"read_parquet({literal(str(target))})"
    with duckdb.connect() as con:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        con.execute(
            f"copy (select * from {known} union all by name"
            f" select g.* from read_parquet({literal(str(given))}) as g anti join {known} as k using (golden_id)"
            f" order by golden_id) to {literal(str(aside))} (format parquet)"
        )
    replace_file(aside, target)


def _replace(source: Path, target: Path) -> None:
    aside = target.with_suffix(".aside")
    shutil.copyfile(source, aside)
    replace_file(aside, target)
