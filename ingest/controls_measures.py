"""The SQL of each kind of check over the kept rows of one contract and source: which rows are judged, which fail.

A check gives one expression for the rows that it judges and one for those that fail, so that all checks of a
contract are counted in one pass and the failing rows are listed by the same text.
What does NOT belong here: running it (controls_run.py), thresholds and sentences (controls_judging.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ingest.check_model import CheckSpec
from ingest.check_names import expression_sql
from ingest.contract import Contract
from ingest.sql import ident, literal

# Kinds whose failing rows are listed one by one, and the reason that the journal gives.
REASONS = {
    "order": "date_order",
    "orphan": "orphan_reference",
    "clock": "clock_mismatch",
    "range": "out_of_range",
    "condition": "cross_field_contradiction",
}
# Kinds judged for each delivery by itself: one bad delivery among many good ones must show.
BY_DELIVERY = {"clock", "hours"}


@dataclass(frozen=True)
class Measure:
    """One check in SQL. judged and fails are conditions over `control_rows`.

    extras: (name, aggregate function, value of a row), taken over the judged rows. value: (name, SQL) of a column
    computed before, because the others read it several times.
    """

    check: CheckSpec
    judged: str
    fails: str
    extras: tuple[tuple[str, str, str], ...] = ()
    field: str | None = None
    value: tuple[str, str] | None = None


@dataclass(frozen=True)
class Table:
    """A contract as one source fills it. day_columns: those that its mapping fills with calendar days."""

    contract: Contract
    timezone: str
    day_columns: frozenset[str]

    def is_day(self, name: str) -> str:
        """SQL: whether the value of a column is a calendar day rather than an instant."""
        if self.contract.column(name).type == "date" or name in self.day_columns:
            return "true"
        sibling = f"{name}_precision"
        return f"coalesce({ident(sibling)} = 'day', false)" if sibling in self.contract.names else "false"

    def local(self, name: str, zone: str | None = None) -> str:
        """SQL of the wall-clock time of a UTC column; a calendar day is no instant and is not shifted."""
        target = zone or self.timezone
        if self.is_day(name) == "true" or target in {"UTC", "Etc/UTC", "GMT"}:
            return f"CAST({ident(name)} AS TIMESTAMP)"
        moved = f"timezone({literal(target)}, timezone('UTC', {ident(name)}))"
        if self.is_day(name) == "false":
            return moved
        return f"CASE WHEN {self.is_day(name)} THEN {ident(name)} ELSE {moved} END"


def measure(check: CheckSpec, table: Table) -> Measure:
    """The SQL of a check that is counted in the common pass over the rows."""
    made = _BY_TYPE[check.type](check, table)
    if check.where is None:
        return made
    where = expression_sql(check.where, table.contract, check.name)
    return replace(made, judged=f"({where}) AND {made.judged}")


def rows_sql(measures: Sequence[Measure]) -> str:
    """The rows that the measures read: `control_rows` with the columns that they compute before."""
    values = [f"{sql} AS {ident(name)}" for each in measures if each.value for name, sql in (each.value,)]
    return f"(SELECT *, {', '.join(values)} FROM control_rows)" if values else "control_rows"


def epoch_column(check: CheckSpec) -> str:
    """Quoted name of the column that rows_sql adds for a clock: seconds since 1970."""
    return ident(f"epoch {check.name}")


def _completeness(check: CheckSpec, table: Table) -> Measure:
    return Measure(check, "true", f"{ident(check.column or '')} IS NULL", field=check.column)


def _clock(check: CheckSpec, table: Table) -> Measure:
    column, name = ident(check.column or ""), f"epoch {check.name}"
    found = f"TRY_CAST(({expression_sql(check.epoch or '', table.contract, check.name)}) AS DOUBLE)"
    return Measure(
        check,
        f"({column} IS NOT NULL AND {epoch_column(check)} IS NOT NULL)",
        f"abs(epoch({column}) - {epoch_column(check)}) > {check.tolerance_s}",
        field=check.column,
        value=(name, found),
    )


def _hours(check: CheckSpec, table: Table) -> Measure:
    column, local = ident(check.column or ""), table.local(check.column or "", check.timezone)
    judged = f"({column} IS NOT NULL AND NOT {table.is_day(check.column or '')})"
    first, after = check.between or (0, 24)
    return Measure(
        check,
        judged,
        f"NOT (hour({local}) >= {first} AND hour({local}) < {after})",
        (
            ("first_hour", "min", f"hour({local})"),
            ("last_hour", "max", f"hour({local})"),
            ("n_minute_is_month", "sum", f"CAST(minute({local}) = month({local}) AS INTEGER)"),
        ),
        check.column,
    )


def _order(check: CheckSpec, table: Table) -> Measure:
    earlier, later = check.earlier or "", check.later or ""
    is_day = f"({table.is_day(earlier)} OR {table.is_day(later)})"
    days = f"CAST({table.local(later)} AS DATE) < CAST({table.local(earlier)} AS DATE)"
    fails = f"CASE WHEN {is_day} THEN {days} ELSE {ident(later)} < {ident(earlier)} END"
    if "true" in (table.is_day(earlier), table.is_day(later)):
        fails = days
    return Measure(
        check, f"({ident(earlier)} IS NOT NULL AND {ident(later)} IS NOT NULL)", fails, field=later
    )


def _range(check: CheckSpec, table: Table) -> Measure:
    column = ident(check.column or "")
    kind = table.contract.column(check.column or "").duckdb_type
    bounds = [
        f"{column} {sign} {bound if isinstance(bound, Decimal) else f'CAST({literal(bound)} AS {kind})'}"
        for sign, bound in (("<", check.min), (">", check.max))
        if bound is not None
    ]
    return Measure(check, f"{column} IS NOT NULL", f"({' OR '.join(bounds)})", field=check.column)


def _condition(check: CheckSpec, table: Table) -> Measure:
    must = expression_sql(check.must or "", table.contract, check.name)
    return Measure(check, f"({must}) IS NOT NULL", f"NOT ({must})")


def _orphan(check: CheckSpec, table: Table) -> Measure:
    column = ident(check.column or "")
    target = check.references
    assert target is not None  # CheckSpec has seen to it
    known = f"(SELECT v FROM {known_values(target.contract, target.column)})"
    return Measure(
        check, f"{column} IS NOT NULL", f"CAST({column} AS VARCHAR) NOT IN {known}", field=check.column
    )


def _ambiguous_dates(check: CheckSpec, table: Table) -> Measure:
    local = table.local(check.column or "")
    return Measure(
        check,
        f"{ident(check.column or '')} IS NOT NULL",
        "false",
        (("n_deciding", "sum", f"CAST(day({local}) > 12 AS INTEGER)"),),
        check.column,
    )


def known_values(contract: str, column: str) -> str:
    """Name of the table of values that a reference may hold, made once per source (controls_run.py)."""
    return ident(f"known {contract} {column}")


_BY_TYPE = {
    "completeness": _completeness,
    "clock": _clock,
    "hours": _hours,
    "order": _order,
    "range": _range,
    "condition": _condition,
    "orphan": _orphan,
    "ambiguous_dates": _ambiguous_dates,
}
