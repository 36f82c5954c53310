"""One cause for each unit of a KPI whose row is another one than in the former publication.

Signs are collected from near to far: the records of the unit, its own golden id, its rate, the records of its person
or account, the other units of its account or group that moved, and only then what concerns everything (definitions,
policy, the clock). The nearest sign wins (causes.RANKS). A unit of which nothing but its maturity differs has become
old enough to count, whatever else was told of its records.
What does NOT belong here: what happened to a record (see records), the effect on a figure (see walking).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from ingest.sql import ident, literal
from orchestration.bridge.causes import RANKS, STEPS
from orchestration.bridge.evidence import LINKS, Evidence, Family, identity

#: Settings of a run that are part of what a figure means, and those that decide which rows count.
_OF_DEFINITION = ("conversion_window_days", "conversation_min_s", "timezone", "reporting_currency")
_OF_CLEANING = ("own_domains", "policy_version")
#: Columns of a unit that time alone changes.
_OF_AGE = re.compile(r"^is_(matured|older_\w+|\w+_matured|\w*immature)$")


@dataclass(frozen=True)
class Surroundings:
    """What changed for every unit at once.

    is_later: the new publication speaks for a later instant, and nothing was delivered that units could have come from
    unseen: rows to which no record leads (a cell of a mart) say nothing of time.
    """

    is_definition: bool
    is_cleaning: bool
    is_code: bool
    is_later: bool
    is_money: bool

    @classmethod
    def between(
        cls,
        before: Mapping[str, str],
        after: Mapping[str, str],
        *,
        is_other_version: bool,
        is_money: bool,
        is_traced: bool,
    ) -> Surroundings:
        """From the settings of both runs. is_traced: records lead to the units, or none was delivered."""

        def differ(names: Iterable[str]) -> bool:
            return any(before.get(name) != after.get(name) for name in names)

        return cls(
            is_definition=is_other_version or differ(_OF_DEFINITION),
            is_cleaning=differ(_OF_CLEANING),
            is_code=differ(("code_version",)),
            is_later=is_traced and after["as_of"] > before["as_of"],
            is_money=is_money,
        )

    def signs(self) -> list[tuple[str, str]]:
        """The signs that every unit has."""
        given = {
            ("settings", "definition_change"): self.is_definition,
            ("settings", "cleaning_decision"): self.is_cleaning,
            ("clock", "elapsed_time"): self.is_later,
            ("code", "definition_change"): self.is_code,
        }
        return [each for each, is_given in given.items() if is_given] + [("nothing", "not_separable")]


def find_entity_signs(con: duckdb.DuckDBPyConnection, before: Evidence, after: Evidence) -> None:
    """Fill temp table entity_signs (entity, entity_id, cause) from record_signs and from who holds which golden id."""
    former, now = before.file("members"), after.file("members")
    con.execute(
        f"""
        create or replace temp table entity_signs as
        with signed as (select {identity("record_key")} as record_id, cause from record_signs),
        moved as (
            select entity, b.entity_id as left_id, a.entity_id as joined_id
            from {former} as b join {now} as a using (entity, record_id) where b.entity_id <> a.entity_id
        )
        select distinct m.entity, m.entity_id, s.cause from {former} as m join signed as s using (record_id)
        union
        select distinct m.entity, m.entity_id, s.cause from {now} as m join signed as s using (record_id)
        union
        select entity, unnest([left_id, joined_id]), 'merge' from moved
        """
    )


def find_changed_rates(con: duckdb.DuckDBPyConnection, before: Evidence, after: Evidence) -> None:
    """Fill temp table changed_rates (currency, unit_month) over the months of the calendar."""
    con.execute("create or replace temp table changed_rates (currency varchar, unit_month date)")
    if not (before.has("rates") and after.has("rates")):
        return
    spans = {
        name: f"select currency, valid_from_month, valid_to_month, exchange_rate from {each.file('rates')}"
        for name, each in (("b", before), ("a", after))
    }
    con.execute(
        f"""
        insert into changed_rates
        with months as (
            select distinct period_month as unit_month from master.dim_dates
        ),
        b as (select m.unit_month, r.currency, r.exchange_rate from ({spans["b"]}) as r join months as m
              on m.unit_month >= r.valid_from_month and m.unit_month < r.valid_to_month),
        a as (select m.unit_month, r.currency, r.exchange_rate from ({spans["a"]}) as r join months as m
              on m.unit_month >= r.valid_from_month and m.unit_month < r.valid_to_month)
        select currency, unit_month from b full join a using (currency, unit_month)
        where b.exchange_rate is distinct from a.exchange_rate
        """
    )


def attribute(
    con: duckdb.DuckDBPyConnection,
    family: Family,
    of_record: Mapping[str, str],
    columns: frozenset[str],
    surroundings: Surroundings,
) -> None:
    """Fill temp table unit_causes (unit_id, step) for the units of temp table moved. of_record: as in kpis.yml.

    columns: those of `moved` (b_<link>, a_<link>, unit_currency, b_month, a_month, ...).
    """
    ranks = ", ".join(
        f"('{near}', '{cause}', {rank}, {STEPS[cause]})" for (near, cause), rank in RANKS.items()
    )
    con.execute(
        f"create or replace temp table ranked as select * from (values {ranks}) as t (near, cause, rank, step)"
    )
    con.execute("create or replace temp table unit_signs (unit_id ubigint, near varchar, cause varchar)")
    signed = {name for (name,) in con.execute("select distinct contract from record_signs").fetchall()}
    leading = {contract: query for contract, query in of_record.items() if contract in signed}
    for query in _queries(family, leading, columns, surroundings):
        con.execute(f"insert into unit_signs {query}")
    for link in ("link_account", "link_group"):
        if f"a_{link}" in columns:
            con.execute(f"insert into unit_signs {_siblings(link)}")
    everywhere = ", ".join(f"('{near}', '{cause}')" for near, cause in surroundings.signs())
    con.execute(
        f"""
        create or replace temp table unit_causes as
        with signs as (
            select unit_id, near, cause from unit_signs
            union all
            select m.unit_id, e.near, e.cause from moved as m cross join (values {everywhere}) as e (near, cause)
        )
        select s.unit_id, min_by(r.step, r.rank) as step
        from signs as s join ranked as r using (near, cause) group by s.unit_id
        """
    )


def _queries(
    family: Family, of_record: Mapping[str, str], columns: frozenset[str], surroundings: Surroundings
) -> Iterable[str]:
    if surroundings.is_later:
        yield "select unit_id, 'age_alone', 'elapsed_time' from moved where is_age_alone"
    for contract, query in of_record.items():
        yield (
            f"select distinct {family.unit_identity('k.unit_key')}, 'record', s.cause from record_signs as s,"
            f" lateral ({query.replace('$record', 's.record_key')}) as k(unit_key)"
            f" where s.contract = '{contract}'"
        )
    listed = ", ".join(f"'{name}'" for name in of_record) or "''"
    own = f"(select {identity('record_key')} as record_id, cause from record_signs where contract in ({listed}))"
    places = ["m.unit_id", *(f"m.{side}_link_record" for side in "ba" if f"{side}_link_record" in columns)]
    for place in places:
        yield f"select distinct m.unit_id, 'record', s.cause from moved as m join {own} as s on {place} = s.record_id"
    for link in LINKS:
        if link == "link_record" or not {f"a_{link}", f"b_{link}"} <= columns:
            continue
        yield (
            f"select unit_id, 'unit', 'merge' from moved where b_{link} <> a_{link}"  # null on either side is no move
        )
        for side in "ba":
            near = "case when e.cause = 'merge' then 'own_entity' else 'entity' end"
            yield (
                f"select distinct m.unit_id, {near if link == family.own_link else repr('entity')}, e.cause"
                f" from moved as m join entity_signs as e"
                f" on e.entity = {literal(link.removeprefix('link_'))} and m.{side}_{link} = e.entity_id"
            )
    if "unit_currency" in columns:
        yield (
            "select m.unit_id, 'unit', 'currency' from moved as m join changed_rates as r"
            " on m.unit_currency = r.currency and coalesce(m.a_month, m.b_month) = r.unit_month"
        )
    elif surroundings.is_money:
        yield (
            "select distinct m.unit_id, 'month', 'currency' from moved as m join changed_rates as r"
            " on coalesce(m.a_month, m.b_month) = r.unit_month"
        )


def _siblings(link: str) -> str:
    """The strongest cause among the moved units of the same account or group, for those that have none yet."""
    return f"""
        with found as (
            select s.unit_id, min(r.rank) as rank from unit_signs as s join ranked as r using (near, cause)
            where s.near <> 'sibling' group by s.unit_id
        ),
        placed as (
            select coalesce(m.a_{link}, m.b_{link}) as place, min(f.rank) as rank
            from moved as m join found as f using (unit_id) group by 1
        )
        select m.unit_id, 'sibling', r.cause
        from moved as m
        join placed as p on coalesce(m.a_{link}, m.b_{link}) = p.place
        join ranked as r on p.rank = r.rank
        where m.unit_id not in (select unit_id from unit_signs)
    """


def find_moved(con: duckdb.DuckDBPyConnection, shared: Iterable[str], used: Iterable[str]) -> frozenset[str]:
    """Fill temp table moved with the units of before_rows and after_rows that differ; returns its columns.

    shared: columns of both. used: those that the KPIs read.
    """
    shared, used = list(shared), ["unit_month", *sorted(used)]
    links = [name for name in LINKS if name in shared]
    currency = ["unit_currency"] if "unit_currency" in shared else []
    inner = "".join(f", any_value({ident(name)}) as {ident(name)}" for name in [*links, *currency])
    outer = "".join(f", b.{name} as b_{name}, a.{name} as a_{name}" for name in links)
    outer += ", coalesce(a.unit_currency, b.unit_currency) as unit_currency" if currency else ""
    content = {
        "content": ", ".join(ident(name) for name in used),
        "lasting": ", ".join(ident(name) for name in used if not _OF_AGE.search(name)),
    }
    hashed = ", ".join(f"sum(cast(hash({sql}) as hugeint)) as {name}" for name, sql in content.items())
    side = f"select unit_id, {hashed}, any_value(unit_month) as unit_month{inner} from {{0}} group by unit_id"
    con.execute(
        f"""
        create or replace temp table moved as
        with b as ({side.format("before_rows")}), a as ({side.format("after_rows")})
        select coalesce(a.unit_id, b.unit_id) as unit_id, b.unit_month as b_month, a.unit_month as a_month,
            coalesce(a.lasting = b.lasting, false) as is_age_alone{outer}
        from b full join a on a.unit_id = b.unit_id
        where a.content is distinct from b.content
        """
    )
    return frozenset({"unit_id", "b_month", "a_month", "is_age_alone", *currency}) | {
        f"{side}_{name}" for name in links for side in "ba"
    }
