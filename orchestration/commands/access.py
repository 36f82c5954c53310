"""`etalon access`: roles and what each may read, their files, and what was read through our commands.

What does NOT belong here: what a role may read (orchestration.access), rights of the operating system.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, wording

if TYPE_CHECKING:
    from orchestration.access.declaring import Role
    from orchestration.access.reading_log import Read

_EPILOG = """\b
Examples:
  etalon access list
  etalon access build
  etalon access log --since 2026-06-01 --json

\b
access.yml beside company.yml declares the roles; without it no file is made for anybody. A run makes the files anew
with each publication. Every command has --json and --company.

\b
Exit codes: 0 done, 2 wrong usage or configuration, 74 reading or writing failed, 75 a run holds the company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon access list
  etalon access list --json
"""
_BUILD_EPILOG = """\b
Examples:
  etalon access build
  etalon access build --company my-company --json

\b
published/roles/<role>/marts.duckdb holds what the role may read and nothing else. Give each folder to the group of the
role once; its file is replaced by one rename. Files of roles that are declared no more are taken away.
"""
_LOG_EPILOG = """\b
Examples:
  etalon access log
  etalon access log --since 2026-06-01 --relation mart_revops_contactability_person
  etalon access log --user ana --json

\b
Reads that these commands served: metrics query and show, contactable, explain, worklist export, steward export,
thresholds export, report, access build. Other commands, and what a program reads in a file by itself, are not in it.
"""

command = cli_group(
    "access", "Roles and what each may read: list, build their files; log of what was read.", _EPILOG
)


@cli_command("list", epilog=_LIST_EPILOG)
def list_roles(company: Path, as_json: bool, language: str) -> None:
    """List the roles with the tables, rows and columns of their files."""
    from ingest import load_company
    from orchestration.access.declaring import FILE, read_access
    from orchestration.access.errors import AccessError
    from orchestration.access.role_files import is_stale, read_receipt_of_roles

    settings = load_company(company)
    access = read_access(settings.root)
    if access is None:
        raise AccessError("E-ACC-003", FILE, is_usage=True)
    receipt = read_receipt_of_roles(settings.published) or {}
    made, needs_building = receipt.get("roles", {}), is_stale(settings)
    if as_json:
        emit_json(
            {
                "publication_id": receipt.get("publication_id"),
                "is_stale": needs_building,
                "roles": [
                    role.model_dump(mode="json") | {"made": made.get(role.role_code)} for role in access.roles
                ],
            }
        )
        return
    for role in access.roles:
        for line in _role_lines(role, made.get(role.role_code), language):
            say(line)
    if needs_building:
        say(wording("access_stale", language))
        say(f"{wording('next', language)}{COLON[language]}etalon access build")


@cli_command("build", epilog=_BUILD_EPILOG)
def build(company: Path, as_json: bool, language: str) -> None:
    """Make the file of every role anew from the live publication."""
    from ingest import load_company
    from orchestration.access.declaring import read_access
    from orchestration.access.role_files import build_role_files, read_receipt_of_roles
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    settings = load_company(company)
    access = read_access(settings.root)
    with run_lock(settings.work, make_run_id()):
        build_role_files(settings, is_strict=True)
    receipt = read_receipt_of_roles(settings.published)
    if as_json:
        emit_json({"receipt": receipt})
        return
    if access is None or receipt is None:
        say(wording("access_withdrawn", language))
        return
    say(receipt["publication_id"])
    for role in access.roles:
        for line in _role_lines(role, receipt["roles"][role.role_code], language):
            say(line)


@cli_command("log", epilog=_LOG_EPILOG)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="YYYY-MM-DD", help="First day (UTC)."
)
@click.option("--user", default=None, help="User of the operating system.")
@click.option("--relation", default=None, help="Table or report that was read.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="Newest reads."
)
def log(
    company: Path, as_json: bool, language: str, since: dt.datetime | None, user: str | None, relation: str | None,
    limit: int,
) -> None:  # fmt: skip
    """Tell who read what, when, through which command."""
    from ingest import load_company
    from orchestration.access.reading_log import read_log

    entries, n_unreadable = read_log(load_company(company).root)
    first = f"{since:%Y-%m-%d}" if since else ""
    found = [
        each
        for each in entries
        if each.read_at >= first and user in (None, each.user_name) and relation in (None, each.relation)
    ]
    if as_json:
        reads = [asdict(each) for each in found[-limit:]]
        emit_json({"total": len(found), "reads": reads, "n_unreadable": n_unreadable})
        return
    for each in found[-limit:]:
        say(_read_line(each, language))
    say(wording("access_listed", language, shown=min(limit, len(found)), total=len(found)))
    if n_unreadable:
        say(wording("access_unreadable", language, n=n_unreadable))


def _role_lines(role: Role, made: dict[str, Any] | None, language: str) -> Iterator[str]:
    tables = made["tables"] if made else {}
    rows = sum(table["n_rows"] for table in tables.values())
    yield wording("access_role", language, role=role.role_code, tables=len(tables), rows=rows)
    filtered = [name for name, table in tables.items() if table["is_filtered"]]
    if filtered:
        yield wording("access_filtered", language, n=len(filtered), names=", ".join(filtered))
    if role.without_columns:
        yield wording("access_columns", language, names=", ".join(role.without_columns))
    if made and made["closed_tables"]:
        yield wording("access_closed", language, names=", ".join(made["closed_tables"]))
    if made and made["unknown_members"]:
        yield wording("access_unknown", language, names=", ".join(made["unknown_members"]))


def _read_line(read: Read, language: str) -> str:
    rows = "" if read.n_rows is None else wording("access_rows", language, n=read.n_rows)
    line = wording(
        "access_read", language, at=read.read_at, user=read.user_name, command=read.command, relation=read.relation,
        rows=rows,
    ).rstrip()  # fmt: skip
    return f"{line}  {wording('access_of_role', language, role=read.role_code)}" if read.role_code else line


for _each in (list_roles, build, log):
    command.add_command(_each)
