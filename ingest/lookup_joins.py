"""Joins of a table with other files of its source: SQL of the lookup of a column and of the lookups of a table.

What does NOT belong here: which delivery of a file is joined (collecting.py), and the query around the joins
(conversion.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.lookup_model import ColumnLookup, Lookup, NamedLookup
from ingest.mapping import FileSpec
from ingest.sql import ident, literal


@dataclass(frozen=True)
class LookupTable:
    """The rows of another file of the source: a relation of its internal columns, and their names."""

    relation: str
    names: dict[str, str]
    spec: FileSpec


Cell = Callable[[str], str]  # column of the other file -> SQL of its cleaned text
Own = Callable[[str], str]  # name that the table reads -> SQL of it inside the join


def column_join(lookup: ColumnLookup, table: LookupTable, cell: Cell, own: Own, alias: str) -> str:
    """Join that gives v, the value found, and n, how many different ones there are; one row per key."""
    keys = [cell(key) for key in lookup.matched]
    selected = ", ".join([*(f"{key} AS k{i}" for i, key in enumerate(keys)), f"{cell(lookup.value)} AS v"])
    grouped = _keys(lookup)
    return (
        f"LEFT JOIN (SELECT {grouped}, min(v) AS v, count(DISTINCT v) AS n FROM "
        f"(SELECT {selected} FROM ({table.relation}){_constants(lookup, cell)}) GROUP BY {grouped}) {alias} "
        f"ON {_condition(lookup, own, alias)}"
    )


def named_join(
    label: str, columns: list[str], lookup: NamedLookup, table: LookupTable, cell: Cell, own: Own
) -> str:
    """Join that gives v0, v1 ... for `columns`: one row per key, null where the key has several values."""
    keys = [cell(key) for key in lookup.matched]
    if lookup.split:
        keys[0] = f"trim(unnest(string_split({keys[0]}, {literal(lookup.split)})))"
    inner = [f"{key} AS k{i}" for i, key in enumerate(keys)]
    inner += [f"{cell(column)} AS v{i}" for i, column in enumerate(columns)]
    one = [f"CASE WHEN count(DISTINCT v{i}) = 1 THEN min(v{i}) END AS v{i}" for i in range(len(columns))]
    grouped, alias = _keys(lookup), named_alias(label)
    return (
        f"LEFT JOIN (SELECT {', '.join([grouped, *one])} FROM (SELECT {', '.join(inner)} FROM "
        f"({table.relation}){_constants(lookup, cell)}) GROUP BY {grouped}) {alias} "
        f"ON {_condition(lookup, own, alias)}"
    )


def named_alias(label: str) -> str:
    """Name of a named lookup inside the joins."""
    return ident(f"named_{label}")


def _keys(lookup: Lookup) -> str:
    return ", ".join(f"k{i}" for i in range(len(lookup.matched)))


def _constants(lookup: Lookup, cell: Cell) -> str:
    tests = [f"{cell(key)} = {literal(value)}" for key, value in lookup.constants.items()]
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def _condition(lookup: Lookup, own: Own, alias: str) -> str:
    return " AND ".join(f"{alias}.k{i} = {own(name)}" for i, name in enumerate(lookup.matched.values()))
