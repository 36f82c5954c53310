"""A figure that moved, told segment by segment: for every part of a KPI that adds up, the effect of each cause in each
segment, and apart from it what a unit took along when its segment became another one.

A unit that is in the same month of both publications, in another segment of a kind, migrates: its former share leaves
one segment (migration_out) and enters the other (migration_in), which cancel out over the kind; what its own content
changed by is told within the segment it is in now. The two legs have the cause of the change of segment, the content
has its own: a lead that became old enough and whose channel was corrected has both.
Effects are differences of shares of the units that moved, so the segments of a kind add up to the whole.
What does NOT belong here: which cause a unit has (see attributing), which parts add up (see cuts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from ingest.sql import ident, literal
from orchestration.bridge.causes import CODES, STEPS
from orchestration.bridge.cuts import PARTS, WHOLE, cut_column, parts_of
from orchestration.bridge.schemas import SEGMENT_BRIDGE_SCHEMA
from orchestration.explaining.definitions import Definition

#: The mart gives halves with four decimals.
TOLERANCE = "0.0001"
#: Why a figure is told undivided.
NO_EVIDENCE, NO_SEGMENTS, OTHER_ROWS = "evidence_not_kept", "segments_not_kept", "rows_give_another_figure"
CELL_COLUMNS = ("metric_name", "period_month", "segment_kind_code", "segment_code", *PARTS.values())


@dataclass(frozen=True)
class Cells:
    """Figures of both publications by segment, columns CELL_COLUMNS; former is None where they are no longer kept."""

    former: pa.Table | None
    now: pa.Table


@dataclass(frozen=True)
class Divided:
    """A KPI to divide. former: part -> its formula in the former publication, where it was another one."""

    definition: Definition
    former: Mapping[str, str] = field(default_factory=dict)


def find_moved_cells(
    con: duckdb.DuckDBPyConnection, cells: Cells, definitions: Mapping[str, Definition]
) -> frozenset[str]:
    """Fill temp table cells (figures by segment and part, of months for which both publications give the part of the
    whole, in kinds into which both cut the metric); returns the metrics that moved in one of them.

    A segment without a row counts nothing, and so a kind that only one version has is left out: it would have moved
    from nothing in every month. A figure that is withheld is no nothing.
    """
    con.execute(
        "create or replace temp table divided (metric_name varchar, part_code varchar, segment_kind_code varchar,"
        " period_month date, segment_code varchar, step integer, movement_code varchar, effect decimal(38, 10),"
        " n_units bigint)"
    )
    con.execute(
        "create or replace temp table undivided (metric_name varchar, segment_kind_code varchar, reason_code varchar)"
    )
    parts = [(name, part) for name, each in definitions.items() for part in parts_of(each)]
    if cells.former is None or not parts:
        con.execute(
            "create or replace temp table cells (metric_name varchar, part_code varchar, segment_kind_code varchar,"
            " period_month date, segment_code varchar, value_before decimal(38, 10), value_after decimal(38, 10))"
        )
        return frozenset()
    listed = ", ".join(f"({literal(name)}, {literal(part)})" for name, part in parts)
    given = " ".join(
        f"when {literal(part)} then {column if part == 'value' else f'coalesce({column}, 0)'}"
        for part, column in PARTS.items()
    )
    whole = " ".join(f"when {literal(part)} then {column}" for part, column in PARTS.items())
    con.register("former_cells", cells.former)
    con.register("cells_now", cells.now)
    columns = "metric_name, part_code, segment_kind_code, period_month, segment_code"
    told = {
        name: f"select {columns}, cast(case part_code {given} end as decimal(38, 10)) as value,"
        f" case part_code {whole} end is not null as is_given from {relation} join parts using (metric_name)"
        for name, relation in (("b", "former_cells"), ("a", "cells_now"))
    }
    con.execute(
        f"""
        create or replace temp table cells as
        with parts (metric_name, part_code) as (values {listed}),
        b as ({told["b"]}), a as ({told["a"]}),
        shared as (
            select metric_name, part_code, period_month from b where segment_kind_code = '{WHOLE}' and is_given
            intersect
            select metric_name, part_code, period_month from a where segment_kind_code = '{WHOLE}' and is_given
        ),
        cut as (
            select metric_name, segment_kind_code from b intersect select metric_name, segment_kind_code from a
        )
        select {columns}, case when b.is_given is null then 0 else b.value end as value_before,
            case when a.is_given is null then 0 else a.value end as value_after
        from b full join a using ({columns})
        semi join shared using (metric_name, part_code, period_month)
        semi join cut using (metric_name, segment_kind_code)
        """
    )
    con.unregister("former_cells")
    con.unregister("cells_now")
    return frozenset(
        name
        for (name,) in con.execute(
            "select distinct metric_name from cells where value_before is distinct from value_after"
        ).fetchall()
    )


def divide(con: duckdb.DuckDBPyConnection, metrics: Iterable[Divided], columns: frozenset[str]) -> None:
    """Add to temp table divided the effects of the causes of temp tables segment_causes and migration_causes (unit_id,
    step): of what the units hold, and of their change of segment.

    columns: those that before_rows and after_rows share. A kind of which they hold no segments goes to `undivided`.
    """
    by_column: dict[str | None, list[tuple[str, Divided]]] = {}
    told = {
        (name, kind)
        for name, kind in con.execute("select distinct metric_name, segment_kind_code from cells").fetchall()
    }
    for each in metrics:
        name = each.definition.metric_name
        by_column.setdefault(None, []).append((WHOLE, each))
        for kind, column in each.definition.segments.items():
            if (name, kind) not in told:
                continue
            if cut_column(column) in columns:
                by_column.setdefault(cut_column(column), []).append((kind, each))
            else:
                con.execute("insert into undivided values (?, ?, ?)", [name, kind, NO_SEGMENTS])
    for column, those in by_column.items():
        _shares(con, column)
        _add_effects(con, those)
        for kind, each in those:
            _add_redefinition(con, kind, column, each)


def _shares(con: duckdb.DuckDBPyConnection, column: str | None) -> None:
    """Temp table shares: rows of the units that moved, with sign, segment, movement and step of its cause."""
    segment = ident(column) if column else literal(WHOLE)
    con.execute(
        f"""
        create or replace temp table shares as
        with causes as (
            select unit_id, coalesce(c.step, m.step) as step, coalesce(m.step, c.step) as migration_step
            from segment_causes as c full join migration_causes as m using (unit_id)
        ),
        b as (
            select r.*, {segment} as segment_code, c.step, c.migration_step
            from before_rows as r join causes as c using (unit_id)
        ),
        a as (
            select r.*, {segment} as segment_code, c.step from after_rows as r join causes as c using (unit_id)
        ),
        one_before as (
            select unit_id, any_value(unit_month) as unit_month, any_value(segment_code) as segment_code
            from b group by unit_id having count(*) = 1
        ),
        one_after as (
            select unit_id, any_value(unit_month) as unit_month, any_value(segment_code) as segment_code
            from a group by unit_id having count(*) = 1
        ),
        migrated as (
            select unit_id, n.segment_code as to_segment
            from one_before as o join one_after as n using (unit_id, unit_month)
            where o.segment_code <> n.segment_code
        ),
        placed as (select b.*, m.to_segment from b left join migrated as m using (unit_id))
        select * exclude (to_segment, migration_step), -1 as sign, 'within' as movement_code
        from placed where to_segment is null
        union all by name
        select * exclude (to_segment, migration_step) replace (migration_step as step), -1 as sign,
            'migration_out' as movement_code
        from placed where to_segment is not null
        union all by name
        select * exclude (to_segment, migration_step) replace (to_segment as segment_code, migration_step as step),
            1 as sign, 'migration_in' as movement_code
        from placed where to_segment is not null
        union all by name
        select * exclude (to_segment, migration_step) replace (to_segment as segment_code), -1 as sign,
            'within' as movement_code
        from placed where to_segment is not null
        union all by name
        select *, 1 as sign, 'within' as movement_code from a
        """
    )


def _add_effects(con: duckdb.DuckDBPyConnection, those: Sequence[tuple[str, Divided]]) -> None:
    parts = [
        (each.definition.metric_name, kind, part, sql)
        for kind, each in those
        for part, sql in parts_of(each.definition).items()
    ]
    formulas = list(dict.fromkeys(sql for *_, sql in parts))
    if not formulas:
        return
    counted = "".join(
        f", cast(coalesce({sql}, 0) as decimal(38, 10)) as share_{number}"
        for number, sql in enumerate(formulas)
    )
    summed = "".join(f", sum(sign * share_{number}) as share_{number}" for number in range(len(formulas)))
    con.execute(
        f"""
        create or replace temp table unit_shares as
        with counted as (
            select unit_id, unit_month, segment_code, step, movement_code, sign{counted} from shares as r group by all
        )
        select unit_id, unit_month, segment_code, step, movement_code{summed} from counted group by all
        """
    )
    for name, kind, part, sql in parts:
        share = f"share_{formulas.index(sql)}"
        con.execute(
            f"insert into divided select {literal(name)}, {literal(part)}, {literal(kind)}, unit_month, segment_code,"
            f" step, movement_code, sum({share}), count(*) from unit_shares where {share} <> 0 group by all"
        )


def _add_redefinition(con: duckdb.DuckDBPyConnection, kind: str, column: str | None, each: Divided) -> None:
    """What the new formula gives on the former rows and the former one did not."""
    segment = ident(column) if column else literal(WHOLE)
    for part, sql in parts_of(each.definition).items():
        if part not in each.former:
            continue
        con.execute(
            f"""
            insert into divided
            with both_ways as (
                select unit_month, {segment} as segment_code,
                    cast(coalesce({sql}, 0) as decimal(38, 10))
                    - cast(coalesce({each.former[part]}, 0) as decimal(38, 10)) as effect
                from before_rows as r group by all
            )
            select {literal(each.definition.metric_name)}, {literal(part)}, {literal(kind)}, unit_month, segment_code,
                {STEPS["definition_change"]}, 'within', effect, 0
            from both_ways where effect <> 0
            """
        )


def segment_rows(
    con: duckdb.DuckDBPyConnection, publications: tuple[str, str], redefined: Iterable[str], reason: str
) -> pa.Table:
    """Rows of kpi_segment_bridge from temp tables cells, divided and undivided. publications: from, to.

    A figure that moved and that its effects do not reach has one row with the whole difference. redefined: metrics of
    another version or formula; reason: why a figure without any effect is undivided.
    """
    codes = ", ".join(f"({step}, {literal(code)})" for step, code in CODES.items())
    listed = ", ".join(literal(each) for each in sorted(redefined)) or "''"
    key = "metric_name, part_code, segment_kind_code, period_month, segment_code"
    return (
        con.sql(
            f"""
            with causes (step, cause_code) as (values {codes}),
            steps as (
                select {key}, step, movement_code, sum(effect) as effect, sum(n_units) as n_units
                from divided group by all
            ),
            reached as (
                select {key}, c.value_before, c.value_after,
                    c.value_before is not null and c.value_after is not null as has_both,
                    coalesce(sum(s.effect), 0) as effect, count(s.step) as n_steps
                from cells as c left join steps as s using ({key}) group by all
            ),
            kept as (
                select * from reached
                where n_steps > 0
                    and (not has_both or abs(value_before + effect - value_after) <= {TOLERANCE})
                    and (has_both or value_before is distinct from value_after)
            ),
            carried as (
                select {key}, s.step, s.movement_code, s.n_units, k.has_both, k.value_before as first_value,
                    k.value_after as last_value,
                    k.value_before + sum(s.effect) over (
                        partition by {key} order by s.step, s.movement_code
                        rows between unbounded preceding and current row
                    ) as carried_value,
                    row_number() over (partition by {key} order by s.step, s.movement_code) as nth,
                    row_number() over (partition by {key} order by s.step desc, s.movement_code desc) as nth_last
                from kept as k join steps as s using ({key})
            ),
            walked as (
                select {key}, step, movement_code, n_units, has_both,
                    case when nth = 1 then first_value
                        when has_both then lag(carried_value) over (partition by {key} order by nth)
                    end as value_before,
                    case when nth_last = 1 then last_value when has_both then carried_value end as value_after
                from carried
            ),
            whole as (
                select r.*,
                    coalesce(u.reason_code, case when r.n_steps > 0 then '{OTHER_ROWS}' else {literal(reason)} end)
                        as reason_code
                from reached as r left join undivided as u using (metric_name, segment_kind_code)
                anti join kept as k using ({key})
                where r.value_before is distinct from r.value_after
            ),
            told as (
                select {key}, step, movement_code, value_before, value_after,
                    case when has_both then value_after - value_before end as effect,
                    cast(n_units as bigint) as n_units, cast(null as varchar) as reason_code
                from walked
                union all
                select {key},
                    case when metric_name in ({listed}) then {STEPS["definition_change"]}
                        else {STEPS["not_separable"]} end,
                    'within', value_before, value_after, value_after - value_before, null, reason_code
                from whole
            )
            select t.metric_name, t.period_month, t.segment_kind_code, t.segment_code, t.part_code,
                $left as from_publication_id, $right as to_publication_id, c.cause_code, t.movement_code,
                t.step as step_order, t.value_before, t.value_after, t.effect, t.n_units, t.reason_code
            from told as t join causes as c using (step)
            order by 1, 2, 3, 4, 5, t.step, t.movement_code
            """,
            params={"left": publications[0], "right": publications[1]},
        )
        .to_arrow_table()
        .cast(SEGMENT_BRIDGE_SCHEMA)
    )


def silent_segments(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> list[tuple[str, str]]:
    """Figures of temp table cells that moved and of which `rows` do not tell the whole difference: metric, and month
    with segment.
    """
    con.register("told_rows", rows)
    try:
        return con.execute(
            """
            with told as (
                select metric_name, part_code, segment_kind_code, period_month, segment_code, sum(effect) as effects,
                    count(*) filter (where effect is null) as n_without
                from told_rows group by all
            )
            select c.metric_name,
                strftime(c.period_month, '%Y-%m') || ' ' || c.segment_kind_code || '=' || c.segment_code
            from cells as c
            left join told as t using (metric_name, part_code, segment_kind_code, period_month, segment_code)
            where c.value_before is distinct from c.value_after and (
                t.metric_name is null
                or (c.value_before is not null and c.value_after is not null
                    and (t.n_without > 0 or t.effects is distinct from c.value_after - c.value_before))
            )
            order by all
            """
        ).fetchall()
    finally:
        con.unregister("told_rows")
