"""kpi_bridge and kpi_segment_bridge: every figure that two publications give differently, split by cause.

What does NOT belong here: which publication is compared with (orchestration.publication.restating), the evidence
itself (see evidence).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sql import ident, literal
from orchestration.bridge.attributing import (
    Surroundings,
    attribute,
    find_changed_rates,
    find_entity_signs,
    find_moved,
)
from orchestration.bridge.causes import CODES
from orchestration.bridge.cuts import is_cut, parts_of
from orchestration.bridge.dividing import (
    NO_EVIDENCE,
    OTHER_ROWS,
    Cells,
    Divided,
    divide,
    find_moved_cells,
    segment_rows,
)
from orchestration.bridge.evidence import FORMULAS, LINKS, Evidence, Family, families, formula_columns
from orchestration.bridge.records import Period, find_record_signs
from orchestration.bridge.schemas import BRIDGE_SCHEMA
from orchestration.bridge.walking import Counted, bridge_rows, walk
from orchestration.explaining.definitions import Definition

#: Records have signs for units that did not move as well.
_CAUSES_OF_MOVED = "insert into {} select unit_id, step from unit_causes semi join moved using (unit_id)"


@dataclass(frozen=True)
class Compared:
    """Two publications to compare. before, after: their evidence, None where it is not kept."""

    from_publication_id: str
    to_publication_id: str
    before: Evidence | None
    after: Evidence


@dataclass(frozen=True)
class Moving:
    """Metrics that moved: as a whole (kpi_bridge), in a segment or half (kpi_segment_bridge), and those in money."""

    wholes: frozenset[str]
    parts: frozenset[str]
    money: frozenset[str]

    @property
    def either(self) -> frozenset[str]:
        """Those with anything to explain."""
        return self.wholes | self.parts


def compare(
    con: duckdb.DuckDBPyConnection,
    compared: Compared,
    former: pa.Table,
    now: pa.Table,
    cells: Cells,
    definitions: Mapping[str, Definition],
    dispositions: Path,
) -> tuple[pa.Table, pa.Table]:
    """Rows of kpi_bridge and of kpi_segment_bridge. con: uses the warehouse, read only.

    former, now: metric_name, period_month, value, unit_code. cells: the same by segment.
    Raises nothing for a figure that its rows do not give: its one row says `not_separable`.
    """
    _figures(con, former, now, definitions)
    moving = Moving(
        frozenset(name for (name,) in con.execute("select distinct metric_name from figures").fetchall()),
        find_moved_cells(con, cells, definitions),
        frozenset(pc.unique(now.filter(pc.equal(now["unit_code"], "money"))["metric_name"]).to_pylist()),
    )
    con.execute(
        "create or replace temp table bridged (metric_name varchar, period_month date, step integer,"
        " value_before decimal(38, 10), value_after decimal(38, 10), effect decimal(38, 10), n_units bigint)"
    )
    before, after = compared.before, compared.after
    if before is not None and moving.either:
        _attribute_all(con, before, after, definitions, dispositions, moving)
    redefined = _redefined(before, after)
    _add_unattributed(con, before, after, redefined)
    publications = (compared.from_publication_id, compared.to_publication_id)
    reason = OTHER_ROWS if before is not None else NO_EVIDENCE
    return _bridge_rows(con, publications), segment_rows(con, publications, redefined, reason)


def _bridge_rows(con: duckdb.DuckDBPyConnection, publications: tuple[str, str]) -> pa.Table:
    codes = ", ".join(f"({step}, {literal(code)})" for step, code in CODES.items())
    return (
        con.sql(
            "select b.metric_name, b.period_month, $left as from_publication_id, $right as to_publication_id,"
            " c.cause_code, b.step as step_order, b.value_before, b.value_after, b.effect, b.n_units"
            f" from bridged as b join (values {codes}) as c (step, cause_code) using (step)"
            " order by b.metric_name, b.period_month, b.step",
            params={"left": publications[0], "right": publications[1]},
        )
        .to_arrow_table()
        .cast(BRIDGE_SCHEMA)
    )


def _figures(
    con: duckdb.DuckDBPyConnection, former: pa.Table, now: pa.Table, definitions: Mapping[str, Definition]
) -> None:
    """Temp table figures: those that both publications know and give differently."""
    additive = [name for name, each in definitions.items() if each.value and not each.denominator]
    listed = ", ".join(literal(name) for name in additive) or "''"
    con.register("former_figures", former)
    con.register("figures_now", now)
    con.execute(
        f"""
        create or replace temp table figures as
        select metric_name, period_month, cast(f.value as decimal(38, 10)) as value_before,
            cast(n.value as decimal(38, 10)) as value_after, metric_name in ({listed}) as is_additive, n.unit_code
        from former_figures as f join figures_now as n using (metric_name, period_month)
        where f.value is distinct from n.value
        """
    )
    con.unregister("former_figures")
    con.unregister("figures_now")


def _attribute_all(
    con: duckdb.DuckDBPyConnection,
    before: Evidence,
    after: Evidence,
    definitions: Mapping[str, Definition],
    dispositions: Path,
    moving: Moving,
) -> None:
    period = _period(before, after)
    known = [each for name, each in definitions.items() if name in before.metrics and name in after.metrics]
    dates: dict[str, str | None] = {}
    for each in known:
        for contract in each.of_record:
            dates[contract] = dates.get(contract) or each.contracts.get(contract)
    find_record_signs(con, dates, period, before, after, dispositions)
    find_entity_signs(con, before, after)
    find_changed_rates(con, before, after)
    for pair, family in _pairs(known, before, after):
        if moving.either.isdisjoint(each.metric_name for each in family.definitions):
            continue
        _bridge_family(con, family, pair, before, after, moving)


def _period(before: Evidence, after: Evidence) -> Period:
    former, now = before.content, after.content
    return Period(
        former=frozenset(former["deliveries"]),
        fresh=frozenset(now["deliveries"]) - frozenset(former["deliveries"]),
        since=datetime.fromisoformat(former["settings"]["as_of"]),
        until=datetime.fromisoformat(now["settings"]["as_of"]),
        since_day=date.fromisoformat(former["settings"]["cycle_end"]),
        until_day=date.fromisoformat(now["settings"]["cycle_end"]),
    )


def _pairs(
    known: Iterable[Definition], before: Evidence, after: Evidence
) -> Iterable[tuple[tuple[str, str], Family]]:
    """Families whose rows can be compared: by the file of before and the file of now."""
    for family in families(known):
        by_file: dict[tuple[str, str], list[Definition]] = {}
        for each in family.definitions:
            files = (before.metrics[each.metric_name]["family"], after.metrics[each.metric_name]["family"])
            by_file.setdefault(files, []).append(each)
        for files, those in by_file.items():
            yield (
                files,
                Family(family.name, family.rows, family.month, family.where, family.key, tuple(those)),
            )


def _bridge_family(
    con: duckdb.DuckDBPyConnection,
    family: Family,
    files: tuple[str, str],
    before: Evidence,
    after: Evidence,
    moving: Moving,
) -> None:
    is_redefined = any(_former_formulas(each, before) for each in family.definitions)
    shared = _changed_rows(con, before.file(files[0]), after.file(files[1]), every_month=is_redefined)
    present = frozenset(shared)
    cuts = {name for name in shared if is_cut(name)}
    for of_record, is_other, those in _variants(family, before, after, moving.either):
        wholes = [each for each in those if each.metric_name in moving.wholes]
        parts = [each for each in those if each.metric_name in moving.parts]

        def told(
            some: Iterable[Definition], is_other: bool = is_other, is_led: bool = bool(of_record)
        ) -> Surroundings:
            return Surroundings.between(
                before.content["settings"],
                after.content["settings"],
                is_other_version=is_other,
                is_money=not moving.money.isdisjoint(each.metric_name for each in some),
                is_traced=is_led or not _period(before, after).fresh,
            )

        for name in ("segment_causes", "migration_causes"):
            con.execute(f"create or replace temp table {name} (unit_id ubigint, step integer)")
        if wholes:
            columns = find_moved(con, shared, _read_by(wholes, present))
            attribute(con, family, of_record, columns, told(wholes))
            con.execute(
                "create or replace temp table walked"
                " (metric_name varchar, period_month date, step integer, counted_value decimal(38, 10))"
            )
            con.execute(
                "create or replace temp table units_moved"
                " (metric_name varchar, period_month date, step integer, n_units bigint)"
            )
            counted = [Counted(each, _former_formulas(each, before)) for each in wholes]
            walk(con, [each for each in counted if _is_countable(con, each)], present)
            bridge_rows(con, [each.metric_name for each in wholes])
            con.execute(_CAUSES_OF_MOVED.format("segment_causes"))
        if parts:
            # a unit's content has one cause, in the whole and in its segments
            columns = find_moved(con, shared, _read_by(parts, present))
            con.execute("delete from moved where unit_id in (select unit_id from segment_causes)")
            if _any_moved(con):
                attribute(con, family, of_record, columns, told(parts))
                con.execute(_CAUSES_OF_MOVED.format("segment_causes"))
            # why its segment is another one is asked apart: neither its age nor a rate changed that
            columns = find_moved(con, shared, cuts) - {"unit_currency"}
            if cuts and _any_moved(con):
                attribute(con, family, of_record, columns, replace(told(parts), is_money=False))
                con.execute(_CAUSES_OF_MOVED.format("migration_causes"))
            counted = [Counted(each, _former_formulas(each, before)) for each in parts]
            divide(con, _divided(each for each in counted if _is_countable(con, each)), present)


def _any_moved(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(con.execute("select count(*) from moved").fetchall()[0][0])


def _read_by(those: Iterable[Definition], present: frozenset[str]) -> set[str]:
    return {name for each in those for name in formula_columns(each, present)}


def _divided(those: Iterable[Counted]) -> list[Divided]:
    """KPIs whose former halves, where they were others, can be counted on the former rows."""
    found = []
    for each in those:
        former = parts_of(each.former) if each.former else {}
        if not each.former or former.keys() >= parts_of(each.definition).keys():
            found.append(Divided(each.definition, former))
    return found


def _variants(
    family: Family, before: Evidence, after: Evidence, moving: frozenset[str]
) -> list[tuple[Mapping[str, str], bool, list[Definition]]]:
    """KPIs of a family that share the causes of their units."""
    found: dict[tuple[str, bool], tuple[Mapping[str, str], bool, list[Definition]]] = {}
    for each in family.definitions:
        if each.metric_name not in moving:
            continue
        is_other = _version(before, each) != _version(after, each)
        key = (repr(sorted(each.of_record.items())), is_other)
        found.setdefault(key, (each.of_record, is_other, []))[2].append(each)
    return list(found.values())


def _version(evidence: Evidence, definition: Definition) -> tuple[str | None, ...]:
    told = evidence.metrics[definition.metric_name]
    return tuple(told.get(name) for name in ("metric_version", *FORMULAS))


def _former_formulas(definition: Definition, before: Evidence) -> Mapping[str, str] | None:
    told = before.metrics[definition.metric_name]
    return told if any(told.get(name) != getattr(definition, name) for name in FORMULAS) else None


def _is_countable(con: duckdb.DuckDBPyConnection, counted: Counted) -> bool:
    """Whether the rows of both publications hold what the formulas read; else the definition moved the figure."""
    sides = {name: _names(con, f"select * from {name}") for name in ("before_rows", "after_rows")}
    asked = {"before_rows": counted.former or counted.definition, "after_rows": counted.definition}
    everything = sides["before_rows"] | sides["after_rows"]
    now = formula_columns(counted.definition, everything)
    return now <= sides["before_rows"] & sides["after_rows"] and all(
        formula_columns(formulas, everything) <= sides[side] for side, formulas in asked.items()
    )


def _changed_rows(con: duckdb.DuckDBPyConnection, former: str, now: str, *, every_month: bool) -> list[str]:
    """Temp tables before_rows and after_rows: the months that differ, or all. Returns the shared columns."""
    types = {row[0]: row[1] for row in con.execute(f"describe select * from {now}").fetchall()}
    known = _names(con, f"select * from {former}")
    shared = [name for name in types if name in known]
    cast = ", ".join(f"cast({ident(name)} as {types[name]}) as {ident(name)}" for name in shared)
    former = f"(select * replace ({cast}) from {former})"
    content = [ident(name) for name in shared if name not in LINKS and name != "unit_id"]
    signature = f"hash(unit_id, {', '.join(content)})"
    print_of = (
        "select unit_month, count(*) as n, sum(cast({0} as hugeint)) as content from {1} group by unit_month"
    )
    con.execute(
        f"""
        create or replace temp table changed_months as
        select unit_month from ({print_of.format(signature, former)}) as b
        full join ({print_of.format(signature, now)}) as a using (unit_month)
        where {every_month} or a.content is distinct from b.content
        """
    )
    for name, relation in (("before_rows", former), ("after_rows", now)):
        con.execute(
            f"create or replace temp table {name} as"
            f" select * from {relation} semi join changed_months using (unit_month)"
        )
    return shared


def _names(con: duckdb.DuckDBPyConnection, query: str) -> frozenset[str]:
    return frozenset(row[0] for row in con.execute(f"describe {query}").fetchall())


def _redefined(before: Evidence | None, after: Evidence) -> list[str]:
    """Metrics of another version or formula."""
    return [
        name
        for name, told in (after.metrics.items() if before else ())
        if name in before.metrics
        and any(told.get(each) != before.metrics[name].get(each) for each in ("metric_version", *FORMULAS))
    ]


def _add_unattributed(
    con: duckdb.DuckDBPyConnection, before: Evidence | None, after: Evidence, redefined: Iterable[str]
) -> None:
    """One row for each figure that the walk has not explained, with the cause that concerns the figure as a whole."""
    has_fresh = before is not None and bool(
        frozenset(after.content["deliveries"]) - frozenset(before.content["deliveries"])
    )
    listed = ", ".join(literal(name) for name in redefined) or "''"
    con.execute(
        f"""
        insert into bridged
        select metric_name, period_month,
            case
                when metric_name in ({listed}) then 1
                when (value_before is null or value_after is null) and {has_fresh} then 6
                else 9
            end,
            value_before, value_after, value_after - value_before, null
        from figures anti join bridged using (metric_name, period_month)
        """
    )
