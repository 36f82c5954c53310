"""The published registry of golden ids: which ids exist and which record held which id when.

What does NOT belong here: minting ids (see orchestration.matching.golden_ids), what history says (see
orchestration.matching.member_history). Promotion happens just before the marts are swapped: the ids a reader can
meet are always registered, and promoting twice changes nothing.

Members go first, the ids last. A process killed between leaves members whose new ids are not registered: they count as
unknown and the same ids are minted again from the same records; ids that a merge or an unmerge has settled are found
again from the homes of their members.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
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


@dataclass(frozen=True)
class GoldenId:
    """A golden id of the registry. leads_to: the ids it was merged into, one after the other; the last one is current.

    n_records, record_keys: the records that the current id holds, and the first ten of them.
    """

    golden_id: str
    entity: str
    status: str
    reason: str
    minted_in_cycle: str
    retired_in_cycle: str | None
    leads_to: tuple[str, ...]
    n_records: int
    record_keys: tuple[str, ...]


def is_golden_id(text: str) -> bool:
    """True for what looks like a golden id."""
    return re.fullmatch(r"(acc|per)_[0-9a-f]{12}", text) is not None


def find_golden_id(published: Path, golden_id: str) -> GoldenId:
    """What the registry says of an id. Raises LookupError when it was never published."""
    path = registry_path(published)
    if path is None:
        raise LookupError(f"{golden_id}: nothing has been published here yet")
    ids = f"read_parquet({literal(str(path))})"
    rows: list[dict[str, str]] = []
    with duckdb.connect() as con:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        following: str | None = golden_id
        while following and following not in (row["golden_id"] for row in rows):
            cursor = con.execute(f"select * from {ids} where golden_id = $id", {"id": following})
            found = cursor.fetchone()
            if found is None:
                raise LookupError(f"no golden id {following} was ever published here")
            rows.append(dict(zip((item[0] for item in cursor.description), found, strict=True)))
            following = rows[-1]["merged_into"]
        members = path.with_name(f"members_{rows[0]['entity']}s.parquet")
        in_force = "and valid_to is null" if _has_column(members, "valid_to") else ""
        keys = con.execute(
            f"select record_key from read_parquet({literal(str(members))})"
            f" where golden_id = $id {in_force} order by record_key",
            {"id": rows[-1]["golden_id"]},
        ).fetchall()
    named = {name: rows[0].get(name) for name in GoldenId.__annotations__ if name in rows[0]}
    return GoldenId(
        **({"retired_in_cycle": None} | named),
        leads_to=tuple(row["golden_id"] for row in rows[1:]),
        n_records=len(keys),
        record_keys=tuple(key for (key,) in keys[:10]),
    )


def current_ids(registry: Path, golden_ids: Collection[str]) -> dict[str, str]:
    """Golden id -> the id it was merged into in the end, or itself; without those that the registry does not know."""
    if not golden_ids:
        return {}
    with duckdb.connect() as con:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        return dict(
            con.execute(
                "with recursive led as ("
                f" select golden_id as named, golden_id, merged_into from read_parquet({literal(str(registry))})"
                " where golden_id in (select unnest($ids))"
                f" union select l.named, i.golden_id, i.merged_into from led as l"
                f" join read_parquet({literal(str(registry))}) as i on i.golden_id = l.merged_into)"
                " select named, golden_id from led where merged_into is null order by named",
                {"ids": sorted(golden_ids)},
            ).fetchall()
        )


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
    found = {
        name: "strftime(max(greatest(valid_from, valid_to)) - interval 1 day, '%Y-%m')"
        for name in _MEMBERS.values()
        if _has_column(folder / name, "valid_from")
    }
    if (folder / GOLDEN_IDS).is_file():
        columns = ["minted_in_cycle", "retired_in_cycle"]
        known = [name for name in columns if _has_column(folder / GOLDEN_IDS, name)]
        found[GOLDEN_IDS] = f"max(greatest({', '.join(known)}))"
    with duckdb.connect() as con:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        cycles = [
            con.execute(f"select {latest} from read_parquet({literal(str(folder / name))})").fetchone()[0]
            for name, latest in found.items()
        ]
    return max((cycle for cycle in cycles if cycle), default="")


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
