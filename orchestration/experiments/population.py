"""Who may take part, and what the segment did so far, from the warehouse of the last run (rows EX2, EX4).

Sets in SQL; units come back sorted. What does NOT belong here: who of them may not be drawn (left_out), arms
(assignment), sizes (design).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np

from orchestration.experiments.design import cluster_effect
from orchestration.experiments.effects import intraclass_correlation
from orchestration.experiments.protocol import Protocol
from orchestration.experiments.records import Unit

#: Days behind base rate and what is known of a unit, and days behind traffic.
RATE_DAYS, TRAFFIC_DAYS = 180, 90

_DIMENSIONS = {
    "size_band_code": "a.size_band_code", "country_code": "coalesce(a.country_code, 'unknown')",
    "industry": "coalesce(a.industry, 'unknown')", "team_code": "coalesce(r.team_name, 'unknown')",
}  # fmt: skip
_ACCOUNTS = """
select a.account_id as unit_id, a.account_id, {stratum} as stratum_code, a.first_seen_on
from master.dim_accounts as a left join master.dim_reps as r on r.rep_id = a.owner_rep_id
where a.account_id <> 'unknown' {filters}
"""
_PERSONS = """
select l.person_id as unit_id, l.account_id, {stratum} as stratum_code, a.first_seen_on
from master.fct_leads as l
left join master.dim_accounts as a on a.account_id = l.account_id
left join master.dim_reps as r on r.rep_id = a.owner_rep_id
where l.person_id <> 'unknown' and not l.is_converted and not l.is_opted_out and l.created_on < $as_of_on {filters}
"""
_UNITS = """
with eligible as ({eligible}),
known as (
  select e.unit_id, count(*) as n_leads, count(*) filter (where c.is_converted_in_window) as n_conversions
  from eligible as e join metrics.fct_lead_cadences as c on c.account_id = e.unit_id
  where c.is_dated and c.created_on >= $as_of_on - {days} group by e.unit_id),
records as (
  select x.{entity}_id as unit_id, x.contract, x.source_instance, x.source_record_id,
    rank() over (partition by x.{entity}_id order by x.contract = $contract desc) as place
  from master.xref_{entity}s as x semi join eligible as e on e.unit_id = x.{entity}_id
  where x.contract in ('crm_account', 'crm_contact', 'crm_lead')),
listed as (
  select unit_id, list([contract, source_instance, source_record_id]
    order by contract, source_instance, source_record_id) as records
  from records where place = 1 group by unit_id)
select e.unit_id, e.stratum_code, coalesce(k.n_leads, 0) as n_leads, coalesce(k.n_conversions, 0) as n_conversions,
  coalesce(l.records, []) as records
from eligible as e left join known as k on k.unit_id = e.unit_id left join listed as l on l.unit_id = e.unit_id
order by e.unit_id
"""
_HISTORY = """
with eligible as (select distinct account_id, first_seen_on from ({eligible}))
select c.account_id, count(*) filter (where c.is_matured and c.created_on >= $as_of_on - {rate_days}) as n,
  count(*) filter (where c.is_matured and c.is_converted_in_window and c.created_on >= $as_of_on - {rate_days}) as x,
  count(*) filter (where c.created_on >= $as_of_on - {traffic_days}
    and coalesce(e.first_seen_on < $as_of_on - {traffic_days}, true)) as n_recent
from eligible as e join metrics.fct_lead_cadences as c on c.account_id = e.account_id
where c.is_dated and c.created_on >= $as_of_on - {rate_days} {channel}
group by c.account_id order by c.account_id
"""


@dataclass(frozen=True)
class History:
    """What the eligible units did. base_rate: None without matured leads; leads_per_day: of units known before them."""

    n_units: int
    n_matured: int
    n_converted: int
    leads_per_day: float
    design_effect: float
    correlation: float | None

    @property
    def base_rate(self) -> float | None:
        return self.n_converted / self.n_matured if self.n_matured else None


def eligible_units(con: duckdb.DuckDBPyConnection, protocol: Protocol, as_of_on: dt.date) -> list[Unit]:
    """Golden records of the segment, by id; records: those of the CRM that take them furthest."""
    entity = protocol.unit
    query = _UNITS.format(eligible=_eligible(protocol), entity=entity, days=RATE_DAYS)
    values = {
        **_values(protocol),
        "as_of_on": as_of_on,
        "contract": "crm_account" if entity == "account" else "crm_lead",
    }
    if entity == "person":  # what an account did before says nothing of one of its persons
        query = query.replace("c.account_id = e.unit_id", "false")
    return [
        Unit(unit, stratum, leads, conversions, tuple(tuple(record) for record in records))
        for unit, stratum, leads, conversions, records in con.execute(query, values).fetchall()
    ]


def history(con: duckdb.DuckDBPyConnection, protocol: Protocol, as_of_on: dt.date) -> History:
    """Base rate, traffic and the likeness of leads of one account, from the last months."""
    channel = "and list_contains($channel_code, c.channel_code)" if protocol.segment.channel_code else ""
    query = _HISTORY.format(
        eligible=_eligible(protocol), rate_days=RATE_DAYS, traffic_days=TRAFFIC_DAYS, channel=channel
    )
    values = {**_values(protocol), "as_of_on": as_of_on}
    if protocol.segment.channel_code:
        values["channel_code"] = protocol.segment.channel_code
    rows = con.execute(query, values).fetchnumpy()
    n, x = (np.asarray(rows[name], dtype=float) for name in ("n", "x"))
    counted = con.execute(
        f"select count(*) from ({_eligible(protocol)})",
        {key: value for key, value in {**_values(protocol), "as_of_on": as_of_on}.items()
         if key != "as_of_on" or protocol.unit == "person"},
    ).fetchall()  # fmt: skip
    clustered = protocol.unit == "account" and n.sum() > 0
    correlation = intraclass_correlation(x[n > 0], n[n > 0]) if clustered else None
    size = float((n**2).sum() / n.sum()) if clustered else 1.0
    return History(
        n_units=counted[0][0],
        n_matured=int(n.sum()),
        n_converted=int(x.sum()),
        leads_per_day=float(np.asarray(rows["n_recent"], dtype=float).sum()) / TRAFFIC_DAYS,
        design_effect=cluster_effect(size, correlation),
        correlation=correlation,
    )


def _eligible(protocol: Protocol) -> str:
    given = protocol.segment.model_dump()
    filters = "".join(
        f" and list_contains(${name}, {column})" for name, column in _DIMENSIONS.items() if given[name]
    )
    if protocol.unit == "person" and protocol.segment.channel_code:
        filters += " and list_contains($channel_code, l.channel_code)"
    parts = [f"coalesce({_DIMENSIONS[name]}, 'unknown')" for name in protocol.strata]
    stratum = " || '|' || ".join(parts) if parts else "'all'"
    template = _ACCOUNTS if protocol.unit == "account" else _PERSONS
    return template.format(stratum=stratum, filters=filters)


def _values(protocol: Protocol) -> dict[str, object]:
    given = protocol.segment.model_dump()
    values = {name: given[name] for name in _DIMENSIONS if given[name]}
    if protocol.unit == "person" and protocol.segment.channel_code:
        values["channel_code"] = protocol.segment.channel_code
    return values
