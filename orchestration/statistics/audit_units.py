"""The leads that the audit looks at and their touches, read once and shared by its estimates.

`audit_units` is one row per dated lead created in the twelve months up to the last month whose leads all had their
window, and after it up to the cycle's end: who it is, how it ended, its effective touches before each landmark, and
whether it had converted or refused contact by then (2.7.1); who refuses since nobody knows when has refused by any.
A lead is listed (row DE14) where the person or the company stood on an exclusion list in the days whose touches count:
`is_listed_<d>` before a landmark, `is_listed` in all. `is_refused_at_first`, `is_listed_at_first`: from the creation
on; `refused_at`, `listed_at`: the first time after it.
`audit_touches` is one row per touch of these leads from their creation on. Both are temporary tables of the
connection. A large company has millions of touches in views over calls and mails: one pass over them serves all.
What does NOT belong here: an estimate, a segment's figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from orchestration.settings import RunSettings
from orchestration.statistics.frame import METHOD

# segment kind -> column of audit_units; the four cuts of the audit that need no phase (row QU12)
CUTS = {"channel": "channel_code", "size_band": "size_band_code", "team": "team_code", "rep": "rep_id"}

# Where a day of conversion has no hour, one on the landmark's own day counts as before it: the lead leaves the
# population of the landmark, whatever its touches were.
_UNITS = """
create or replace temp table audit_leads as
with bounds as (
  select coalesce(max(last_month), $cycle_start) as last_month from (
    select cast(date_trunc('month', created_on) as date) as last_month, bool_and(is_matured) as is_done
    from metrics.fct_lead_cadences where is_dated group by 1) where is_done)
select row_number() over (order by c.lead_id) as unit, c.lead_id, coalesce(c.account_id, 'unknown') as account_id,
  coalesce(c.channel_code, 'unknown') as channel_code, coalesce(c.size_band_code, 'unknown') as size_band_code,
  coalesce(c.rep_id, 'unknown') as rep_id, coalesce(r.team_name, 'unknown') as team_code,
  c.created_at, c.created_on, cast(date_trunc('month', c.created_on) as date) as created_month, b.last_month,
  l.converted_at, l.is_created_day_only, c.is_matured, c.is_converted_in_window, c.n_effective_touches,
  l.converted_on - c.created_on as days_to_conversion, l.is_created_day_only or l.is_converted_day_only as is_by_day
from metrics.fct_lead_cadences as c
join master.fct_leads as l on l.lead_id = c.lead_id
left join master.dim_reps as r on r.rep_id = c.rep_id
cross join bounds as b
where c.is_dated and c.created_on >= cast(b.last_month - interval 11 months as date)
"""
_TOUCHES = """
create or replace temp table audit_touches as
select u.unit, t.channel_code, t.direction_code, t.occurred_at, t.is_effective, t.source_stream_code,
  t.source_stream_code = 'email' and t.source_key in (
    select send_key from master.fct_email_sends where is_replied and (replied_at is null or replied_at < $as_of))
    as is_replied
from master.fct_touches as t join audit_leads as u on t.lead_id = u.lead_id
where t.occurred_at >= u.created_at and t.occurred_at < $as_of
"""
# Once by person and once by company: a join on one or the other would compare every lead with every entry.
_LISTED = """
create or replace temp table audit_listed as
select unit, bool_or(starts_at < created_at + $window * interval 1 day) as is_listed,
  bool_or(starts_at <= created_at) as is_listed_at_first,
  min(starts_at) filter (where starts_at > created_at) as listed_at, {listed}
from (
  select u.unit, u.created_at, x.starts_at, x.ends_at from audit_leads as u
  join conforming.int_contact_exclusions as x on x.person_id = 'per_' || substr(u.lead_id, 5)
  union all
  select u.unit, u.created_at, x.starts_at, x.ends_at from audit_leads as u
  join conforming.int_contact_exclusions as x on x.account_id = u.account_id)
where starts_at < $as_of and (ends_at is null or ends_at > created_at)
group by unit
"""
_EARLY = """
create or replace temp table audit_units as
with early as (
  select unit, {early} from audit_touches join audit_leads using (unit)
  where is_effective and occurred_at < created_at + interval {longest} days group by unit),
refused as (
  select unit, {refused}, bool_or(refused_at <= created_at) as is_refused_at_first,
    min(refused_at) filter (where refused_at > created_at) as refused_at
  from audit_leads
  join conforming.int_contact_refusals as r on r.person_id = 'per_' || substr(lead_id, 5)
  where r.refused_at < $as_of and coalesce(r.ends_at > created_at, true) group by unit)
select u.*, coalesce(x.is_listed, false) as is_listed, r.refused_at, x.listed_at,
  coalesce(r.is_refused_at_first, false) or n.person_id is not null as is_refused_at_first,
  coalesce(x.is_listed_at_first, false) as is_listed_at_first, {columns}
from audit_leads as u left join early as e using (unit) left join refused as r using (unit)
left join audit_listed as x using (unit)
left join conforming.int_undated_refusals as n on n.person_id = 'per_' || substr(u.lead_id, 5)
"""


def prepare(
    con: duckdb.DuckDBPyConnection, settings: RunSettings, landmarks: Sequence[int] = METHOD.landmarks
) -> None:
    """audit_units and audit_touches of the cycle. landmarks: days after creation.

    Raises duckdb.Error when master, metrics or conforming lack a table.
    """
    con.execute(_UNITS, {"cycle_start": settings.cycle_start})
    con.execute(_TOUCHES, {"as_of": settings.as_of})
    early = ", ".join(
        f"count(*) filter (where occurred_at < created_at + interval {d} days) as x_{d}" for d in landmarks
    )
    columns = ", ".join(
        f"coalesce(e.x_{d}, 0) as x_{d}, coalesce(u.is_converted_in_window and case when u.is_by_day"
        f" then u.days_to_conversion <= {d} else u.converted_at < u.created_at + interval {d} days end, false)"
        f" as is_before_{d}, coalesce(r.is_refused_{d}, false) or n.person_id is not null as is_refused_{d},"
        f" coalesce(x.is_listed_{d}, false) as is_listed_{d}"
        for d in landmarks
    )
    # On whatever channel: fewer touches follow from any refusal, and so may no conversion.
    refused = ", ".join(
        f"bool_or(refused_at < created_at + interval {d} days"
        f" and coalesce(ends_at > created_at + interval {d} days, true)) as is_refused_{d}"
        for d in landmarks
    )
    listed = ", ".join(
        f"bool_or(starts_at < created_at + interval {d} days) as is_listed_{d}" for d in landmarks
    )
    con.execute(
        _LISTED.format(listed=listed), {"window": settings.conversion_window_days, "as_of": settings.as_of}
    )
    con.execute(
        _EARLY.format(early=early, columns=columns, refused=refused, longest=max(landmarks)),
        {"as_of": settings.as_of},
    )
    con.execute("drop table audit_leads")
    con.execute("drop table audit_listed")


def is_judged(day: int) -> str:
    """SQL: whether a row of audit_units is in the population of the landmark `day`."""
    return f"is_matured and not is_listed_{day} and not is_before_{day} and not is_refused_{day}"
