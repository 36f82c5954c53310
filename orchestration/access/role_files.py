"""One file per role with what it may read of the publication: published/roles/<role>/marts.duckdb.

A role's file is made new from the published file, so that nothing withheld ever lay in it, and replaced by one rename.
receipt.json beside the folders says which publication and which access.yml each file comes from, its bytes, and the
rows and logical hash of its tables. It is written last: without it, or with another one, the files are made again.
A publication never waits for them, and readers of marts.duckdb notice nothing.
What does NOT belong here: what a role may read (declaring.py), groups of the operating system: who sets the group of a
role's folder decides who opens it; the folder is made 0750, its file is 0640 and of the folder's group.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ingest.errors import NoRunYetError
from ingest.private_files import shared_files
from ingest.sql import ident, literal
from orchestration.access.declaring import (
    UNKNOWN,
    Access,
    Members,
    Role,
    Shown,
    check_names,
    read_access,
    shown_tables,
)
from orchestration.access.reading_log import log_read
from orchestration.impact.results import DQ_KPI_IMPACT
from orchestration.publication.building import MARTS, build_marts, connection
from orchestration.publication.figure_tables import KPI_BRIDGE, KPI_RESTATEMENTS, KPI_SEGMENT_BRIDGE
from orchestration.publication.files import file_sha256, give, read_json, replace_file, write_json
from orchestration.publication.hashing import published_hashes
from orchestration.publication.metric_table import DIM_METRIC
from orchestration.publication.receipts import current_publication, now_text
from orchestration.publication.tables import Column, Table, published_tables
from orchestration.publication.trust import DIM_PUBLICATION, KPI_TRUST

if TYPE_CHECKING:
    from ingest.company import Company

FOLDER = "roles"
RECEIPT = "receipt.json"
#: Tables that a publication may lack: naming one is no mistake.
OPTIONAL = {DQ_KPI_IMPACT.name: tuple(column.name for column in DQ_KPI_IMPACT.columns)}
_MADE_IN_PYTHON = (
    DIM_METRIC,
    DIM_PUBLICATION,
    KPI_TRUST,
    KPI_BRIDGE,
    KPI_SEGMENT_BRIDGE,
    KPI_RESTATEMENTS,
    DQ_KPI_IMPACT,
)
_MEMBERS = "dim_rep_versions"


@dataclass(frozen=True)
class RoleFile:
    """The file of a role. tables: name -> rows. filtered: tables of which it sees some rows.

    closed: tables of its audiences that say of no row whose it is; unknown: teams and sellers nobody knows.
    """

    role_code: str
    path: Path
    tables: Mapping[str, int]
    filtered: tuple[str, ...]
    closed: tuple[str, ...]
    unknown: tuple[str, ...]


def is_stale(company: Company) -> bool:
    """Whether the files of the roles are not those of the live publication and of access.yml as it is now.

    Raises ConfigurationError for an access.yml that is not understood.
    """
    access, folder = read_access(company.root), company.published / FOLDER
    if access is None:
        return any(folder.glob(f"*/{MARTS}"))
    receipt, live = read_json(folder / RECEIPT), current_publication(company.published)
    if live is None:
        return False
    if receipt is None or _source(access, live) != {key: receipt.get(key) for key in _source(access, live)}:
        return True
    return any(
        not (folder / code / MARTS).is_file() or file_sha256(folder / code / MARTS) != told["sha256"]
        for code, told in receipt["roles"].items()
    )


@shared_files()
def build_role_files(company: Company, *, is_strict: bool = False) -> list[RoleFile]:
    """Make the file of every role anew, and take away those of roles that are no more; the caller holds the company.

    is_strict: a table or column that the publication does not have is an error, not a name of another publication.
    Raises ConfigurationError or AccessError for access.yml, NoRunYetError before the first publication.
    """
    access, folder = read_access(company.root), company.published / FOLDER
    if access is None:
        _take_away(folder, keep=())
        return []
    marts, live = company.published / MARTS, current_publication(company.published)
    if live is None or not marts.is_file():
        raise NoRunYetError("nothing has been published here yet")
    aside = company.published / ".roles"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700, exist_ok=True)
    aside.chmod(0o700)  # files of all roles lie here until each goes into the folder of its own
    with connection(None, company.work / "tmp") as con:
        con.execute(f"attach {literal(str(marts))} as live (read_only)")
        published = _published(con)
        known = {name: tuple(column.name for column in table.columns) for name, table in published.items()}
        if is_strict:
            check_names(access, OPTIONAL | known)
        made = {role: _build(con, role, published, known, aside / role.role_code) for role in access.roles}
    # what a role no longer has goes first: a run that dies from here on leaves too few files, never too many
    (folder / RECEIPT).unlink(missing_ok=True)
    _take_away(folder, keep=[role.role_code for role in access.roles])
    found, told = [], {}
    for role, (shown, unknown) in made.items():
        path = folder / role.role_code / MARTS
        hashes = published_hashes(aside / role.role_code / MARTS)
        rows = _row_counts(aside / role.role_code / MARTS)
        _put(aside / role.role_code / MARTS, path)
        closed = tuple(sorted(set(shown_tables(_unbound(role), known)) - set(shown)))
        filtered = tuple(sorted(name for name, each in shown.items() if each.condition))
        found.append(RoleFile(role.role_code, path, rows, filtered, closed, unknown))
        told[role.role_code] = {
            "file": f"{role.role_code}/{MARTS}",
            "sha256": file_sha256(path),
            "tables": {
                name: {"n_rows": rows[name], "logical_hash": hashes[name], "columns": list(each.columns),
                       "is_filtered": each.condition is not None}
                for name, each in shown.items()
            },
            "closed_tables": list(closed),
            "unknown_members": list(unknown),
        }  # fmt: skip
    write_json(folder / RECEIPT, _source(access, live) | {"built_at": now_text(), "roles": told})
    shutil.rmtree(aside, ignore_errors=True)
    for each in found:
        log_read(
            company,
            "access build",
            "role_file",
            sum(each.tables.values()),
            live["publication_id"],
            each.role_code,
        )
    return found


def read_receipt_of_roles(published: Path) -> dict[str, Any] | None:
    """The receipt of the files that lie there, None without any."""
    return read_json(published / FOLDER / RECEIPT)


def check_roles(company_root: Path, manifest: Mapping[str, Any]) -> None:
    """Raise for an access.yml that names what a publication of this dbt manifest would not have."""
    access = read_access(company_root)
    if access is not None:
        tables = (*published_tables(manifest), *_MADE_IN_PYTHON)
        check_names(access, {table.name: tuple(column.name for column in table.columns) for table in tables})


def _source(access: Access, live: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the content of the files."""
    return {
        "publication_id": live["publication_id"],
        "marts_sha256": live["marts_sha256"],
        "access_sha256": access.sha256,
    }


def _published(con: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """The tables of the attached published file as they are declared in it."""
    comments = dict(
        con.execute("select table_name, comment from duckdb_tables() where database_name = 'live'").fetchall()
    )
    keys = dict(
        con.execute(
            "select table_name, constraint_column_names from duckdb_constraints()"
            " where database_name = 'live' and constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    columns: dict[str, list[Column]] = {name: [] for name in comments}
    for table, column, comment in con.execute(
        "select table_name, column_name, comment from duckdb_columns() where database_name = 'live'"
        " order by column_index"
    ).fetchall():
        columns[table].append(Column(column, comment or ""))
    return {
        name: Table(name, "main", comments[name] or "", tuple(keys.get(name, ())), tuple(columns[name]))
        for name in sorted(comments)
    }


def _build(
    con: duckdb.DuckDBPyConnection,
    role: Role,
    published: Mapping[str, Table],
    known: Mapping[str, tuple[str, ...]],
    aside: Path,
) -> tuple[dict[str, Shown], tuple[str, ...]]:
    """Write the role's file aside; returns what it sees, and the teams and sellers that nobody knows."""
    members, unknown = _members(con, role, known)
    shown = shown_tables(role, known, members)
    tables = [_declared(published[name], each) for name, each in shown.items()]

    def relation(table: Table) -> str:
        condition = shown[table.name].condition
        columns = ", ".join(ident(column) for column in shown[table.name].columns)
        return f"(select {columns} from live.main.{ident(table.name)}{f' where {condition}' if condition else ''})"

    build_marts(con, tables, relation, aside)
    return shown, unknown


def _declared(table: Table, shown: Shown) -> Table:
    """The table as the role sees it; a key that lacks a column is none."""
    key = table.primary_key if set(table.primary_key) <= set(shown.columns) else ()
    columns = tuple(column for column in table.columns if column.name in shown.columns)
    return Table(table.name, table.schema, table.comment, key, columns)


def _members(
    con: duckdb.DuckDBPyConnection, role: Role, known: Mapping[str, tuple[str, ...]]
) -> tuple[Members, tuple[str, ...]]:
    """Whose rows the role sees: sellers it names, its teams that have sellers now, and these; and who is unknown."""
    if role.rows is None:
        return Members(), ()
    rows = (
        con.execute(f"select rep_id, team_name from live.main.{_MEMBERS} where is_current").fetchall()
        if {"rep_id", "team_name", "is_current"} <= set(known.get(_MEMBERS, ()))
        else []  # a publication of another code that knows nobody opens nothing
    )
    reps = {rep for rep, _ in rows}
    teams = ({team for rep, team in rows if rep != UNKNOWN} - {UNKNOWN}) & set(role.rows.teams)
    named = set(role.rows.rep_ids) & reps
    unknown = (set(role.rows.teams) - teams) | (set(role.rows.rep_ids) - named)
    of_teams = {rep for rep, team in rows if team in teams and rep != UNKNOWN}
    return Members(tuple(sorted(named | of_teams)), tuple(sorted(teams))), tuple(sorted(unknown))


def _unbound(role: Role) -> Role:
    """The role as if it saw every row."""
    return role.model_copy(update={"rows": None})


def _row_counts(path: Path) -> dict[str, int]:
    with duckdb.connect() as con:
        con.execute(f"attach {literal(str(path))} as made (read_only)")
        names = con.execute(
            "select table_name from duckdb_tables() where database_name = 'made' order by 1"
        ).fetchall()
        return {
            name: con.execute(f"select count(*) from made.main.{ident(name)}").fetchone()[0]
            for (name,) in names
        }


def _put(made: Path, path: Path) -> None:
    """Rename a finished file into its role's folder, with the folder's group: setgid says nothing to a rename."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o750)
    give(made, path.parent.stat().st_gid, 0o640)
    replace_file(made, path)


def _take_away(folder: Path, keep: list[str] | tuple[()]) -> None:
    """Remove the files of other roles and, without any role, the receipt; folders stay for whoever set their group."""
    for path in folder.glob(f"*/{MARTS}"):
        if path.parent.name not in keep:
            path.unlink()
    if not keep:
        (folder / RECEIPT).unlink(missing_ok=True)
