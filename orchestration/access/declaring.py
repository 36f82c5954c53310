"""access.yml of a company -> its roles: which tables, which columns left out, which rows (rows CP7, PB14).

Nothing is readable that is not declared: a role names audiences or tables, and one that is bound to teams or sellers
sees of each table the rows that name them. A table that says of no row whose it is stays closed to such a role, unless
it is listed among its whole_tables.
What does NOT belong here: making the files (role_files.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingest.errors import ConfigurationError
from ingest.sql import ident, literal
from ingest.strict_yaml import nearest, read_yaml, validate
from orchestration.access.errors import AccessError
from orchestration.cycles.note import AUDIENCES

FILE = "access.yml"
#: What every role may read: which publication it is, and what the metrics mean. No figure, nobody's name.
FOR_EVERYBODY = ("dim_metric", "dim_publication")
#: Columns that say whose a row is, the first one that a table has counts.
OWNERS = ("rep_id", "owner_rep_id")
TEAM = "team_name"
#: The seller of rows that no seller owns; those of them that name a team, such as its targets, are the team's.
UNKNOWN = "unknown"
SEGMENT = ("segment_kind_code", "segment_code")

_Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
_Table = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,79}$")]
_Column = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{1,79}\.)?[a-z][a-z0-9_]{0,79}$")]
_Member = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RowScope(_Part):
    """The rows of a role: those of teams and sellers. whole_tables: tables it reads whole all the same."""

    teams: tuple[_Member, ...] = ()
    rep_ids: tuple[_Member, ...] = ()
    whole_tables: tuple[_Table, ...] = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.teams and not self.rep_ids:
            raise ValueError("teams or rep_ids expected; a role without rows reads its tables whole")
        return self


class Role(_Part):
    """One role. audiences: whose marts; tables: others beside them; without_columns: `column` or `table.column`."""

    role_code: _Role
    audiences: tuple[Literal[AUDIENCES], ...] = ()
    tables: tuple[_Table, ...] = ()
    without_tables: tuple[_Table, ...] = ()
    without_columns: tuple[_Column, ...] = ()
    rows: RowScope | None = None

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not self.audiences and not self.tables:
            raise ValueError("audiences or tables expected")
        return self


class _File(_Part):
    version: Literal[1]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _once(self) -> Self:
        codes = [role.role_code for role in self.roles]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"role {twice[0]} is declared twice")
        return self


@dataclass(frozen=True)
class Access:
    """The roles of a company. sha256: of the bytes of the file."""

    roles: tuple[Role, ...]
    sha256: str


@dataclass(frozen=True)
class Members:
    """Whose rows a role sees. Both as the publication knows them: a name that it does not know is not here."""

    rep_ids: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """What a role sees of one table. condition: SQL over its columns, None for every row."""

    columns: tuple[str, ...]
    condition: str | None


def read_access(company_root: Path) -> Access | None:
    """The roles of a company, None without the file.

    Raises ConfigurationError (E-ING-10x) naming the key that is not understood.
    """
    path = company_root / FILE
    if not path.is_file():
        return None
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigurationError("E-ING-105", FILE, detail="keys with values expected")
    return Access(validate(_File, content, FILE).roles, hashlib.sha256(path.read_bytes()).hexdigest())


def check_names(access: Access, known: Mapping[str, tuple[str, ...]]) -> None:
    """Raise AccessError for a table or column of a role that is none; known: table -> its columns."""
    for role in access.roles:
        whole = role.rows.whole_tables if role.rows else ()
        for name in (*role.tables, *role.without_tables, *whole):
            if name not in known:
                raise AccessError(
                    "E-ACC-001", _where(role), is_usage=True, name=name, nearest=_near(name, known)
                )
        columns = {column for name in _tables(role, known) for column in known[name]}
        for name in role.without_columns:
            table, _, column = name.rpartition(".")
            if table and table not in known:
                raise AccessError(
                    "E-ACC-001", _where(role), is_usage=True, name=table, nearest=_near(table, known)
                )
            if column not in (known[table] if table else columns):
                near = _near(column, known[table] if table else columns)
                raise AccessError("E-ACC-002", _where(role), is_usage=True, name=name, nearest=near)


def shown_tables(
    role: Role, known: Mapping[str, tuple[str, ...]], members: Members | None = None
) -> dict[str, Shown]:
    """Table -> what the role sees of it, by name; members: of a role with rows. Other tables stay closed."""
    found = {}
    for name in _tables(role, known):
        left_out = {each for each in known[name] if {each, f"{name}.{each}"} & set(role.without_columns)}
        columns = tuple(column for column in known[name] if column not in left_out)
        is_whole = role.rows is None or name in (*FOR_EVERYBODY, *role.rows.whole_tables)
        condition = None if is_whole else _condition(known[name], members or Members())
        if columns and (is_whole or condition):
            found[name] = Shown(columns, condition)
    return found


def _tables(role: Role, known: Mapping[str, tuple[str, ...]]) -> list[str]:
    marts = tuple(f"mart_{audience}_" for audience in role.audiences)
    wanted = {*role.tables, *(name for name in known if marts and name.startswith(marts))}
    return sorted((wanted - set(role.without_tables) | set(FOR_EVERYBODY)) & set(known))


def _condition(columns: tuple[str, ...], members: Members) -> str | None:
    """Which rows name a team or a seller of the role; None where no column tells whose a row is."""
    of_reps, of_teams = _among(members.rep_ids), _among(members.teams)
    owner = next((name for name in OWNERS if name in columns), None)
    if owner and TEAM in columns:
        owned, nobody = f"{ident(owner)} in {of_reps}", f"{ident(owner)} = {literal(UNKNOWN)}"
        return f"({owned} or ({nobody} and {ident(TEAM)} in {of_teams}))"
    if owner:
        return f"{ident(owner)} in {of_reps}"
    if TEAM in columns:
        return f"{ident(TEAM)} in {of_teams}"
    if set(SEGMENT) <= set(columns):
        kind, code = map(ident, SEGMENT)
        return f"(({kind} = 'rep' and {code} in {of_reps}) or ({kind} = 'team' and {code} in {of_teams}))"
    return None


def _among(values: tuple[str, ...]) -> str:
    """A list of SQL that nothing equals when it is empty."""
    return f"({', '.join(literal(value) for value in values) or 'null'})"


def _where(role: Role) -> str:
    return f"{FILE}: {role.role_code}"


def _near(name: str, known: Mapping[str, object] | set[str] | tuple[str, ...]) -> str:
    return nearest(name, sorted(known)) or "-"
