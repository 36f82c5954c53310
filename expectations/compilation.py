"""A check -> two pieces of SQL: the rows it speaks about, and the condition under which one of them fails.

The runner counts with them and the journal lists with them, so that both speak about the same rows. What
does not belong here: running SQL (see counting.py, runner.py). Dialect: DuckDB. Rule text is project code;
run values enter as quoted literals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from expectations.catalogue import freshness_days
from expectations.checks import (
    Between,
    Check,
    Condition,
    ForeignKey,
    Freshness,
    InSet,
    Matches,
    NotNull,
    Ordered,
    Query,
    Reconcile,
    RowCountMin,
    Unique,
)
from ingest.sql import ident, literal

ROWS = "judged"  # alias of the population inside a condition
PROVENANCE = ("_delivery_id", "_source_row_id")


@dataclass(frozen=True)
class Compiled:
    """`population` is a select or a bare relation name; `fails_when` is true for its failing rows.

    `key` names its columns that identify a row; `provenance` those that give its file and line, None where
    they are whatever the table has. `applies_when`: for a check of single rows, the condition that narrows the
    table to its population ("" for the whole table), so that many such checks are counted in one pass; None for
    a population of its own. `counted_by`: a select of both counts, where there is a cheaper one than looking at
    each row.
    """

    population: str
    fails_when: str
    key: tuple[str, ...]
    provenance: frozenset[str] | None
    relations: tuple[str, ...]
    applies_when: str | None = None
    counted_by: str | None = None

    @property
    def source(self) -> str:
        """The population as a from-item."""
        return f"({self.population})" if self.population[:6].lower() == "select" else self.population

    def failing(self, columns: str) -> str:
        """A select of `columns` from the failing rows; columns may use the alias `judged`."""
        return f"select {columns} from {self.source} as {ROWS} where {self.fails_when}"


def compile_check(check: Check, *, as_of: datetime, fed_by: tuple[str, ...] = ()) -> Compiled:
    """SQL of a check for the cycle that ends at `as_of` (UTC). `fed_by`: contracts of the check's table."""
    if isinstance(check, Freshness):
        return _freshness(check, as_of, fed_by)
    return _BY_KIND[type(check)](check)


def _applies_when(check: Check, *conditions: str) -> str:
    asked = [f"({check.where})"] if check.where else []
    if check.given:
        filled = " and ".join(f"count({ident(name)}) > 0" for name in check.given)
        asked.append(
            f"source_instance in (select source_instance from {check.table} group by source_instance having {filled})"
        )
    return " and ".join([*asked, *conditions])


def _rows(check: Check, *conditions: str) -> str:
    wanted = _applies_when(check, *conditions)
    return f"select * from {check.table} where {wanted}" if wanted else check.table


def _of_rows(check: Check, fails_when: str, *conditions: str, relations: tuple[str, ...] = ()) -> Compiled:
    return Compiled(
        population=_rows(check, *conditions),
        fails_when=fails_when,
        key=check.key,
        provenance=None,
        relations=(check.table, *relations),
        applies_when=_applies_when(check, *conditions),
    )


def _not_null(check: NotNull) -> Compiled:
    return _of_rows(check, f"{ident(check.column)} is null")


def _unique(check: Unique) -> Compiled:
    column = ident(check.column)
    # Keys that repeat are found by grouping; a window over an event table costs twice the CPU. Listing them takes a
    # second pass that counting them does without.
    repeated = (
        f"select {column} from {_from(_rows(check))} where {column} is not null"
        f" group by {column} having count(*) > 1"
    )
    return replace(
        _of_rows(check, f"{column} in ({repeated})"),
        counted_by="select coalesce(sum(n), 0), coalesce(sum(n) filter (where n > 1 and value is not null), 0)"
        f" from (select {column} as value, count(*) as n from {_from(_rows(check))} as {ROWS} group by {column})",
    )


def _from(population: str) -> str:
    return f"({population})" if population[:6].lower() == "select" else population


def _in_set(check: InSet) -> Compiled:
    values = ", ".join(literal(value) for value in check.values)
    return _of_rows(check, f"{ident(check.column)} not in ({values})", f"{ident(check.column)} is not null")


def _between(check: Between) -> Compiled:
    column = ident(check.column)
    sides = [f"{column} < {check.min}"] if check.min is not None else []
    sides += [f"{column} > {check.max}"] if check.max is not None else []
    return _of_rows(check, " or ".join(sides), f"{column} is not null")


def _matches(check: Matches) -> Compiled:
    column = ident(check.column)
    return _of_rows(
        check, f"not regexp_full_match({column}, {literal(check.pattern)})", f"{column} is not null"
    )


def _foreign_key(check: ForeignKey) -> Compiled:
    column = ident(check.column)
    scope = [ident(name) for name in check.scope]
    value = ", ".join([column, *scope])
    known = ", ".join([ident(check.referenced_column), *scope])
    if scope:
        value, known = f"({value})", f"({known})"
    # not in on values that are never null is one hash lookup a row; a correlated not exists took ten times
    # the CPU.
    known_rows = f"select {known} from {check.references} where {ident(check.referenced_column)} is not null"
    return _of_rows(
        check, f"{value} not in ({known_rows})", f"{column} is not null", relations=(check.references,)
    )


def _ordered(check: Ordered) -> Compiled:
    before, after = ident(check.before), ident(check.after)
    known = (f"{before} is not null", f"{after} is not null")
    if check.as_dates:
        before, after = f"cast({before} as date)", f"cast({after} as date)"
    return _of_rows(check, f"{before} > {after}", *known)


def _condition(check: Condition) -> Compiled:
    return _of_rows(check, f"({check.fails_when})")


def _row_count_min(check: RowCountMin) -> Compiled:
    return Compiled(
        population=f"select count(*) as n_rows from {_from(_rows(check))}",
        fails_when=f"n_rows < {check.min}",
        key=(),
        provenance=frozenset(),
        relations=(check.table,),
    )


def _freshness(check: Freshness, as_of: datetime, fed_by: tuple[str, ...]) -> Compiled:
    days = freshness_days(fed_by[0]) if check.max_age_days == "contract" else check.max_age_days
    column = ident(check.column)
    stamp = as_of.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return Compiled(
        population=f"select source_instance, max({column}) as latest from {_from(_rows(check))}"
        " group by source_instance",
        fails_when=f"coalesce(latest < timestamp {literal(stamp)} - to_days({days}), true)",
        key=("source_instance",),
        provenance=frozenset(),
        relations=(check.table,),
    )


def _reconcile(check: Reconcile) -> Compiled:
    sides = [
        f"select {side.by} as grouped_by, {side.value} as amount from {side.table}"
        + (f" where {side.where}" if side.where else "")
        + f" group by {side.by}"
        for side in (check.left, check.right)
    ]
    population = (
        "select coalesce(l.grouped_by, r.grouped_by) as grouped_by, "
        "cast(coalesce(l.amount, 0) as decimal(28, 4)) as left_amount, "
        "cast(coalesce(r.amount, 0) as decimal(28, 4)) as right_amount, "
        # a group of one side only is worth 0 on the other; an amount that one side alone calls unknown is no 0
        "l.grouped_by is not null and r.grouped_by is not null "
        "and (l.amount is null) <> (r.amount is null) as is_one_unknown "
        f"from ({sides[0]}) as l full join ({sides[1]}) as r on l.grouped_by = r.grouped_by"
    )
    allowed = str(check.max_difference)
    if check.max_share is not None:
        allowed = f"greatest({allowed}, {check.max_share} * abs(left_amount))"
    return Compiled(
        population=population,
        fails_when=f"is_one_unknown or abs(left_amount - right_amount) > {allowed}",
        key=("grouped_by",),
        provenance=frozenset(),
        relations=(check.left.table, check.right.table),
    )


def _query(check: Query) -> Compiled:
    return Compiled(
        population=check.population,
        fails_when=f"({check.fails_when})",
        key=check.key,
        provenance=frozenset(name for name in PROVENANCE if name in check.population),
        relations=(check.table,),
    )


_BY_KIND: Mapping[type[Check], Callable[..., Compiled]] = {
    NotNull: _not_null,
    Unique: _unique,
    InSet: _in_set,
    Between: _between,
    Matches: _matches,
    ForeignKey: _foreign_key,
    Ordered: _ordered,
    RowCountMin: _row_count_min,
    Reconcile: _reconcile,
    Condition: _condition,
    Query: _query,
}
