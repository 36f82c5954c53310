"""Compiled checks -> how many rows they speak about and how many of them fail, counted as sets.

All checks of single rows of one table are counted in one pass over it. What does not belong here: thresholds
and verdicts (results.py), the failing rows themselves (runner.py).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from expectations.compilation import ROWS, Compiled

Key = TypeVar("Key", bound=Hashable)

# One pass holds an aggregate a check; a statement with hundreds of them is planned slowly.
CHECKS_A_PASS = 60
_SETTING = re.compile(r"\(select \w+ from run\.settings\)")


@dataclass(frozen=True)
class Counts:
    """Rows a check speaks about, and those of them that fail."""

    n_evaluated: int
    n_failed: int


@dataclass(frozen=True)
class Broken:
    """Why a check cannot be counted: names of columns and types, never a value of a row; '' when it failed running."""

    reason: str


def count_rows(
    connection: duckdb.DuckDBPyConnection, checks: Mapping[Key, Compiled]
) -> dict[Key, Counts | Broken]:
    """Count every check; one that the warehouse cannot run is Broken and costs no other its count."""
    passes: dict[str, list[Key]] = {}
    alone: list[Key] = []
    for key, compiled in checks.items():
        if compiled.applies_when is None or _has_subquery(compiled):
            alone.append(key)
        else:
            passes.setdefault(compiled.relations[0], []).append(key)
    counted: dict[Key, Counts | Broken] = {}
    for table, members in passes.items():
        for start in range(0, len(members), CHECKS_A_PASS):
            part = members[start : start + CHECKS_A_PASS]
            try:
                counted |= _one_pass(connection, table, {key: checks[key] for key in part})
            except duckdb.Error:
                alone += part  # one of them does not run: each by itself tells which
    for key in alone:
        counted[key] = _by_itself(connection, checks[key])
    return counted


def _has_subquery(compiled: Compiled) -> bool:
    """Whether the check reads rows of another table; the one row of the run's settings costs a pass nothing."""
    conditions = _SETTING.sub("", f"{compiled.applies_when} {compiled.fails_when}")
    return bool(re.search(r"\bselect\b", conditions, re.IGNORECASE))


def _one_pass(
    connection: duckdb.DuckDBPyConnection, table: str, checks: Mapping[Key, Compiled]
) -> dict[Key, Counts | Broken]:
    aggregates = []
    for compiled in checks.values():
        applies = compiled.applies_when or "true"
        aggregates.append(f"count(*) filter (where {applies})")
        aggregates.append(f"count(*) filter (where ({applies}) and ({compiled.fails_when}))")
    row = connection.execute(f"select {', '.join(aggregates)} from {table} as {ROWS}").fetchall()[0]
    return {key: Counts(row[2 * i], row[2 * i + 1]) for i, key in enumerate(checks)}


def _by_itself(connection: duckdb.DuckDBPyConnection, compiled: Compiled) -> Counts | Broken:
    statement = compiled.counted_by or (
        f"select count(*), count(*) filter (where {compiled.fails_when}) from {compiled.source} as {ROWS}"
    )
    try:
        row = connection.execute(statement).fetchall()[0]
    except duckdb.Error:
        return Broken(_reason(connection, statement))
    return Counts(int(row[0]), int(row[1]))


def _reason(connection: duckdb.DuckDBPyConnection, statement: str) -> str:
    """Why a statement cannot be planned. A message from its execution may quote values of rows."""
    try:
        connection.execute(f"explain {statement}").fetchall()
    except duckdb.Error as error:
        return str(error).splitlines()[0][:200]
    return ""
