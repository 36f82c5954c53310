"""What a publication leaves behind so that the next one can say which rows changed: one small row per unit of a KPI.

registry/kpi_evidence/<publication>/ holds, per family of KPIs, the columns that their formulas read, the segments of
each unit, the identities as 64-bit numbers (no key, no name), and beside them who held which golden id, what was left
out and why, the rates, and the formulas. The evidence of the last publications is kept, not of all.
What does NOT belong here: comparing two publications (see attributing).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from ingest.sql import ident, literal
from orchestration.bridge.cuts import KPI_MART, cuts_sql, published_kinds
from orchestration.explaining.definitions import Definition

FOLDER = "kpi_evidence"
MANIFEST = "manifest.json"
#: How identities are made; evidence of another form cannot be compared with, and its causes are told undivided.
FORM = 2
#: Publications whose evidence stays: the current one, the one it is compared with, and one for a rollback.
KEPT = 3
#: Link of a unit to an entity -> columns of its rows that give it; the first one there is taken.
LINKS: Mapping[str, tuple[str, ...]] = {
    "link_person": ("lead_id", "person_id"),
    "link_account": ("account_id",),
    "link_group": ("group_id",),
    "link_record": ("opportunity_id", "invoice_line_id"),
}
#: Keys that are a hash already; millions of rows have them.
_HASHED_KEYS = frozenset({"send_key"})
#: Columns that formulas may count and nobody may read.
_NAMES_SOMEBODY = re.compile(r"(email|phone|mobile|full_name|first_name|last_name|display_name)$")
FORMULAS = ("numerator", "denominator", "value")
FAMILY_FIELDS = ("rows", "month", "where", "key")


@dataclass(frozen=True)
class Family:
    """KPIs that are counted over the same rows. name: stable over runs while the SQL of its rows is the same."""

    name: str
    rows: str
    month: str
    where: str
    key: str
    definitions: tuple[Definition, ...]

    @property
    def own_link(self) -> str | None:
        """The entity that a unit itself is: a lead is its person, a month of an account is its account."""
        starts = {
            "lead": "link_person",
            "person": "link_person",
            "account": "link_account",
            "group": "link_group",
        }
        return next((link for start, link in starts.items() if self.key.startswith(start)), None)

    def unit_identity(self, expression: str) -> str:
        """SQL of the identity of a unit from its key."""
        if self.key in _HASHED_KEYS:
            return f"cast('0x' || right({expression}, 16) as ubigint)"
        return identity(expression)


@dataclass(frozen=True)
class Evidence:
    """The evidence of one publication. content: its manifest."""

    folder: Path
    content: Mapping[str, Any]

    @cached_property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Metric -> family, metric_version and formulas."""
        return self.content["metrics"]

    def file(self, name: str) -> str:
        """SQL that reads one file of it."""
        return f"read_parquet({literal(str(self.folder / f'{name}.parquet'))})"

    def has(self, name: str) -> bool:
        """Whether it holds a file."""
        return (self.folder / f"{name}.parquet").is_file()


def families(definitions: Iterable[Definition]) -> list[Family]:
    """The definitions by the rows that they are counted over."""
    found: dict[tuple[str, ...], list[Definition]] = {}
    for each in definitions:
        found.setdefault(tuple(getattr(each, name) for name in FAMILY_FIELDS), []).append(each)
    return [
        Family(f"{those[0].family}_{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}", *key, tuple(those))
        for key, those in found.items()
    ]


def identity(expression: str) -> str:
    """SQL of the 64-bit identity of a text; the same over versions of the engine."""
    return f"md5_number_lower(cast({expression} as varchar))"


def golden_identity(expression: str) -> str:
    """Identity of a golden id without its prefix: its twelve hexadecimal digits as a number; 0 for `unknown`."""
    return f"coalesce(try_cast('0x' || {expression} as ubigint), 0::ubigint)"


def write_evidence(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    definitions: Iterable[Definition],
    versions: Mapping[str, str],
    matching: Path,
    dispositions: Path,
    identity_of: Mapping[str, Any],
) -> Evidence:
    """Write the evidence of the candidate to `folder`, which is emptied. con: uses the warehouse, read only.

    versions: metric -> version of its definition. identity_of: publication_id, cycle, settings, ... of the manifest.
    Metrics whose rows do not exist in this warehouse are left out.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kinds = published_kinds(con) if relation_exists(con, f"marts.{KPI_MART}") else {}
    metrics: dict[str, dict[str, Any]] = {}
    for family in families(definitions):
        columns = _columns(con, family)
        if columns is None:
            continue
        _copy(con, _units_sql(family, columns, kinds), folder / f"{family.name}.parquet")
        for each in family.definitions:
            metrics[each.metric_name] = {
                "family": family.name,
                "metric_version": versions.get(each.metric_name),
                **{name: getattr(each, name) for name in FORMULAS},
            }
    _copy(con, _members_sql(matching), folder / "members.parquet")
    left_out = _left_out_sql(con, dispositions)
    if left_out:
        _copy(con, left_out, folder / "left_out.parquet")
    if relation_exists(con, "conforming.int_month_rates"):
        _copy(con, "select * from conforming.int_month_rates order by all", folder / "rates.parquet")
    content = {**identity_of, "form": FORM, "metrics": metrics}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return Evidence(folder, content)


def read_evidence(registry: Path, publication_id: str) -> Evidence | None:
    """The evidence of a publication; None when it is not kept (any more) or of another form."""
    folder = registry / FOLDER / publication_id
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Evidence(folder, content) if content.get("form") == FORM else None


def prune(registry: Path, publications: Iterable[str]) -> None:
    """Remove the evidence of every publication but the given ones."""
    kept = set(publications)
    for path in sorted((registry / FOLDER).glob("*")):
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def relation_exists(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether `schema.table` is in the database in use."""
    schema, table = name.split(".")
    return bool(
        con.execute(
            "select count(*) from information_schema.tables where table_catalog = current_database()"
            " and table_schema = $schema and table_name = $table",
            {"schema": schema, "table": table},
        ).fetchall()[0][0]
    )


def formula_columns(definition: Definition | Mapping[str, Any], columns: Iterable[str]) -> frozenset[str]:
    """Which of the columns the formulas of a KPI name."""
    get = definition.get if isinstance(definition, Mapping) else lambda name: getattr(definition, name)
    words = {word for name in FORMULAS for word in re.findall(r"\w+", get(name) or "")}
    return frozenset(words & set(columns))


def _columns(con: duckdb.DuckDBPyConnection, family: Family) -> list[str] | None:
    try:
        return [row[0] for row in con.execute(f"describe select * from {family.rows} as r").fetchall()]
    except duckdb.CatalogException:
        return None


def _units_sql(family: Family, columns: list[str], kinds: Mapping[str, frozenset[str]]) -> str:
    links = [
        f"{_link_identity(link, column)} as {link}"
        for link, sources in LINKS.items()
        for column in [next((each for each in sources if each in columns), None)]
        if column
    ]
    used = sorted({name for each in family.definitions for name in formula_columns(each, columns)})
    cuts = {
        column
        for each in family.definitions
        for kind, column in each.segments.items()
        if kind in kinds.get(each.metric_name, ()) and column in columns
    }
    selected = [
        f"{family.unit_identity(family.key)} as unit_id",
        f"cast(date_trunc('month', {family.month}) as date) as unit_month",
        *links,
        *(["r.currency as unit_currency"] if "currency" in columns else []),
        *(
            f"{identity(f'r.{ident(name)}')} as {ident(name)}"
            if _NAMES_SOMEBODY.search(name)
            else f"r.{ident(name)}"
            for name in used
        ),
        *cuts_sql(sorted(cuts)),
    ]
    return (
        f"select {', '.join(selected)} from {family.rows} as r"
        f" where ({family.where}) and ({family.month}) is not null"
    )


def _link_identity(link: str, column: str) -> str:
    """A lead and its person share what follows the prefix; a record is known by its whole key."""
    return identity(f"r.{column}") if link == "link_record" else golden_identity(f"substr(r.{column}, 5)")


def _members_sql(matching: Path) -> str:
    """Who held which golden id; a lead record is a member of an account and of a person. Its key is not kept."""
    return " union all ".join(
        f"select '{entity}' as entity, {identity('record_key')} as record_id,"
        f" {golden_identity('substr(golden_id, 5)')} as entity_id"
        f" from read_parquet({literal(str(matching / f'{entity}_history.parquet'))}) where valid_to is null"
        for entity in ("account", "person")
    )


def _left_out_sql(con: duckdb.DuckDBPyConnection, dispositions: Path) -> str | None:
    """Records that were read and count nowhere, with the reason: by a policy, or set aside when they were collected."""
    parts = []
    if relation_exists(con, "quality_dbt.dq_exclusions"):
        parts.append(
            "select contract, record_key, stream || '/' || reason_code as reason from quality_dbt.dq_exclusions"
        )
    if dispositions.is_file():
        parts += [
            f"select d.contract, r.source_instance || '/{name}/' || r.source_record_id, d.reason_code"
            f" from read_parquet({literal(str(dispositions))}) as d join raw.{ident(name)} as r"
            " using (_delivery_id, _source_row_id, _record_part)"
            f" where d.contract = {literal(name)}"
            " and d.disposition not in ('superseded', 'exact_duplicate') and r.source_record_id is not null"
            for (name,) in con.execute(
                "select distinct contract from read_parquet($path)"
                " where disposition not in ('superseded', 'exact_duplicate') order by 1",
                {"path": str(dispositions)},
            ).fetchall()
            if relation_exists(con, f"raw.{name}")
        ]
    if not parts:
        return None
    # an attendee's key holds an address
    return (
        f"select distinct contract, {identity('record_key')} as record_id, reason"
        f" from ({' union all '.join(parts)}) as t (contract, record_key, reason)"
    )


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"copy ({query}) to {literal(str(path))} (format parquet, compression zstd)")
