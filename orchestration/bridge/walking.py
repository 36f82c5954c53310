"""From the figure published before to the one published now: the KPI counted again after each cause.

At step s the population holds, of every unit whose cause is applied up to s, its new row, and of every other one its
old row. The first population is that of the former publication, the last one that of the new one; effects are
differences of neighbours, so nothing can remain. What is checked is that both ends are the published figures.
What does NOT belong here: which cause a unit has (see attributing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ingest.sql import ident, literal
from orchestration.bridge.causes import LAST_STEP, STEPS
from orchestration.bridge.evidence import FORMULAS, formula_columns
from orchestration.explaining.definitions import Definition

#: Medians and means of the marts are rounded to 6 decimals, rates to 10; a figure counted again may differ by that.
TOLERANCE = "0.00001"


@dataclass(frozen=True)
class Counted:
    """A KPI to count at every step. former: its formulas in the former publication where they were others."""

    definition: Definition
    former: Mapping[str, Any] | None


def walk(con: duckdb.DuckDBPyConnection, metrics: Sequence[Counted], columns: frozenset[str]) -> None:
    """Add to temp tables walked (metric_name, period_month, step, counted_value) and units_moved
    (metric_name, period_month, step, n_units), from before_rows, after_rows, moved and unit_causes.

    columns: those that before_rows and after_rows share.
    """
    con.execute(
        f"""
        create or replace temp table population as
        select b.*, 0 as first_step, coalesce(c.step, {LAST_STEP + 1}) - 1 as last_step
        from before_rows as b left join unit_causes as c using (unit_id)
        union all by name
        select a.*, coalesce(c.step, {LAST_STEP + 2}) as first_step, {LAST_STEP} as last_step
        from after_rows as a left join unit_causes as c using (unit_id)
        where c.step is not null
        """
    )
    con.execute(
        "create or replace temp table steps as select 0 as step union select distinct step from unit_causes"
    )
    same = [each for each in metrics if each.former is None]
    for group in ([same] if same else []) + [[each] for each in metrics if each.former is not None]:
        _count(con, [(each.definition.metric_name, each.definition) for each in group])
        for each in group:
            if each.former is not None:
                _count_former(con, each)
    for each in metrics:
        _count_units(con, each.definition, columns)


def _formulas(definition: Definition | Mapping[str, Any]) -> dict[str, str]:
    get = definition.get if isinstance(definition, Mapping) else lambda name: getattr(definition, name)
    return {name: get(name) for name in FORMULAS if get(name)}


def _value_sql(
    con: duckdb.DuckDBPyConnection, formulas: Mapping[str, str], number: int
) -> tuple[list[str], str]:
    """Aggregates of a KPI, and its value from their columns, as the marts round it."""
    named = {name: f"{name}_{number}" for name in formulas}
    selected = [f"{sql} as {named[name]}" for name, sql in formulas.items()]
    if "value" in formulas:
        kind = con.execute(f"describe select {formulas['value']} as v from population as r").fetchall()[0][1]
        places = "decimal(18, 6)" if kind in ("DOUBLE", "FLOAT") else "decimal(38, 10)"
        value = f"cast({named['value']} as {places})"
        if "denominator" not in formulas:
            value = f"coalesce({value}, 0)"
    else:
        value = (
            f"cast(cast({named['numerator']} as double) / nullif(cast({named['denominator']} as double), 0)"
            " as decimal(18, 10))"
        )
    return selected, f"cast({value} as decimal(38, 10))"


def _count(
    con: duckdb.DuckDBPyConnection,
    metrics: Sequence[tuple[str, Definition | Mapping[str, Any]]],
    where: str = "true",
) -> None:
    selected, values = [], []
    for number, (name, definition) in enumerate(metrics):
        aggregates, value = _value_sql(con, _formulas(definition), number)
        selected += aggregates
        values.append((name, value))
    con.execute(
        f"""
        create or replace temp table counted as
        select s.step, r.unit_month as period_month, {", ".join(selected)}
        from population as r join steps as s on s.step between r.first_step and r.last_step
        where {where} group by all
        """
    )
    for name, value in values:
        con.execute(f"insert into walked select {literal(name)}, period_month, step, {value} from counted")


def _count_former(con: duckdb.DuckDBPyConnection, counted: Counted) -> None:
    """What the former formula gave at the start; the new one on the same rows is the effect of the definition."""
    name = counted.definition.metric_name
    con.execute(
        f"update walked set step = {STEPS['definition_change']} where metric_name = {literal(name)} and step = 0"
        f" and not exists (select 1 from steps where step = {STEPS['definition_change']})"
    )
    con.execute(f"delete from walked where metric_name = {literal(name)} and step = 0")
    _count(con, [(name, counted.former or {})], "s.step = 0")


def _count_units(con: duckdb.DuckDBPyConnection, definition: Definition, columns: frozenset[str]) -> None:
    """Units whose own part of this KPI is another one; a unit that moved to another month counts in both."""
    used = sorted(formula_columns(definition, columns))
    content = f"hash({', '.join(['r.unit_month', *(f'r.{ident(each)}' for each in used)])})"
    con.execute(
        f"""
        insert into units_moved
        with sides as (
            select r.unit_id, r.unit_month, {content} as content, false as is_new
            from before_rows as r semi join moved using (unit_id)
            union all
            select r.unit_id, r.unit_month, {content}, true from after_rows as r semi join moved using (unit_id)
        ),
        differing as (
            select unit_id from sides group by unit_id
            having sum(case when is_new then cast(content as hugeint) else -cast(content as hugeint) end) <> 0
        )
        select {literal(definition.metric_name)}, s.unit_month, c.step, count(distinct s.unit_id)
        from sides as s semi join differing using (unit_id) join unit_causes as c using (unit_id)
        group by all
        """
    )


def bridge_rows(con: duckdb.DuckDBPyConnection, metrics: Iterable[str]) -> None:
    """Add the rows of kpi_bridge for `metrics` to temp table bridged, from walked, units_moved and figures.

    figures: metric_name, period_month, value_before, value_after, unattributed (cause of a figure that its rows
    do not give). A figure that is absent on one side has causes and units, and no effects.
    """
    listed = ", ".join(literal(each) for each in metrics) or "''"
    con.execute(
        f"""
        insert into bridged
        with figures_here as (
            select * from figures
            where metric_name in ({listed}) and value_before is distinct from value_after
        ),
        grid as (
            select f.metric_name, f.period_month, s.step, f.value_before, f.value_after,
                coalesce(w.counted_value, case when f.is_additive then 0 end) as counted_value,
                coalesce(u.n_units, 0) as n_units
            from figures_here as f
            join (select distinct metric_name, step from walked) as s using (metric_name)
            left join walked as w using (metric_name, period_month, step)
            left join units_moved as u using (metric_name, period_month, step)
        ),
        ends as (
            select metric_name, period_month,
                abs(min_by(coalesce(counted_value, 0), step) - any_value(coalesce(value_before, 0))) <= {TOLERANCE}
                and abs(max_by(coalesce(counted_value, 0), step) - any_value(coalesce(value_after, 0))) <= {TOLERANCE}
                    as is_recounted,
                any_value(value_before is not null and value_after is not null) as has_both
            from grid group by all
        ),
        kept as (
            select g.*, e.has_both,
                lag(g.counted_value) over w is distinct from g.counted_value as is_moving
            from grid as g join ends as e using (metric_name, period_month)
            where e.is_recounted or not e.has_both
            window w as (partition by g.metric_name, g.period_month order by g.step)
        ),
        causes as (
            select * from kept where step > 0 and (n_units > 0 or (has_both and is_moving))
        ),
        carried as (
            select *,
                row_number() over (partition by metric_name, period_month order by step) as nth,
                row_number() over (partition by metric_name, period_month order by step desc) as nth_last,
                last_value(counted_value ignore nulls) over (
                    partition by metric_name, period_month order by step
                    rows between unbounded preceding and current row
                ) as carried_value
            from causes
        ),
        told as (
            select metric_name, period_month, step, n_units, has_both,
                case when nth_last = 1 then value_after when has_both then coalesce(carried_value, value_before) end
                    as value_after,
                case when nth = 1 then value_before when has_both then coalesce(
                    lag(carried_value) over (partition by metric_name, period_month order by step), value_before)
                end as value_before
            from carried
        )
        select metric_name, period_month, step, value_before, value_after,
            case when has_both then value_after - value_before end as effect, n_units
        from told
        """
    )
