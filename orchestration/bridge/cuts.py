"""Which segments a KPI is cut into and which of its parts add up over them: a count, a sum, the halves of a rate.

A median or a count of distinct values has no share in a segment that would add up to the whole; of such a KPI only the
halves that do are divided.
What does NOT belong here: what moved a segment (see dividing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from ingest.sql import ident
from orchestration.explaining.definitions import Definition

WHOLE = "all"
KPI_MART = "mart_management_kpis_month"
#: Part of a KPI -> column of the mart that gives it.
PARTS: Mapping[str, str] = {"value": "metric_value", "numerator": "numerator", "denominator": "denominator"}
_PREFIX = "cut_"
#: What may stand in an aggregate of which the sum over segments is the whole.
_ADDING = frozenset({"sum", "count", "coalesce", "cast", "filter", "decimal", "double"})
_WORDS = frozenset({"where", "and", "or", "not", "in"})
_CALLED = re.compile(r"(\w+)\s*\(")
_NOT_ADDING = re.compile(r"/|\b(?:distinct|over|case)\b", re.IGNORECASE)


def parts_of(definition: Definition | Mapping[str, Any]) -> dict[str, str]:
    """Part -> its formula, those that add up over segments."""
    get = definition.get if isinstance(definition, Mapping) else lambda name: getattr(definition, name, None)
    given = {name: get(name) for name in PARTS if get(name)}
    if given.get("denominator"):
        given.pop("value", None)  # a median, or a ratio by another way
    return {name: sql for name, sql in given.items() if _adds_up(sql)}


def _adds_up(sql: str) -> bool:
    """Whether the aggregates of a formula are sums and counts that are only added, subtracted or scaled by a number."""
    called = {each.lower() for each in _CALLED.findall(sql)} - _WORDS
    return called <= _ADDING and not _NOT_ADDING.search(sql) and not _multiplies_aggregates(sql)


def _multiplies_aggregates(sql: str) -> bool:
    depth, outside = 0, []
    for letter in sql:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            outside.append(letter)
    terms = re.split(r"[+-]", "".join(outside))
    return any(len(re.findall(r"\b(?:sum|count|coalesce|cast)\b", each)) > 1 for each in terms)


def cut_column(column: str) -> str:
    """Column of the evidence that holds the segment which `column` of the rows names."""
    return f"{_PREFIX}{column}"


def is_cut(column: str) -> bool:
    """Whether a column of the evidence holds segments."""
    return column.startswith(_PREFIX)


def cuts_sql(columns: Iterable[str]) -> list[str]:
    """What the evidence keeps of the segments of a row `r`."""
    return [
        f"coalesce(cast(r.{ident(each)} as varchar), 'unknown') as {ident(cut_column(each))}"
        for each in columns
    ]


def published_kinds(con: duckdb.DuckDBPyConnection) -> dict[str, frozenset[str]]:
    """Metric -> kinds of segments in which the mart of the candidate gives it. con: uses the warehouse."""
    found: dict[str, set[str]] = {}
    for name, kind in con.execute(
        f"select distinct metric_name, segment_kind_code from marts.{ident(KPI_MART)}"
        " where segment_kind_code <> $whole",
        {"whole": WHOLE},
    ).fetchall():
        found.setdefault(name, set()).add(kind)
    return {name: frozenset(kinds) for name, kinds in found.items()}
