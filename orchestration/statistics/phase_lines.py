"""Touches and what they are for in each phase of the funnel: a meeting after the hand-over, a deal after the opening.

The event of a phase is its own (row QU14): who was handed over is to be met, what was opened is to be won. Each phase
has a landmark, as the leads of touch_lines have: units still waiting for the event so many days after they entered,
their effective touches before that, the event after it up to the end of the phase's window. The population is six
months of entries whose window is over, without those lost before the landmark, those whose person refused contact by
then or since nobody knows when (2.7.1), and those whose person or company stood on an exclusion list before it (DE14).
What does NOT belong here: the phases that a cycle is framed for; causes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from orchestration.audit.composition import adjusted
from orchestration.audit.points import Points
from orchestration.audit.quadrants import quadrants
from orchestration.audit.regression import Line, line
from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.settings import RunSettings
from orchestration.statistics.figures import RATE, decimal, exact


@dataclass(frozen=True)
class Phase:
    """landmark_days: touches before it count. window_days: the event counts up to it; None: the company's window."""

    code: str
    event: str
    landmark_days: int
    window_days: int | None


#: A deal takes a quarter; in two weeks it is known whether anybody works on it.
PHASES = (Phase("mql", "meeting", 5, None), Phase("opportunity", "won", 14, 90))

_COUNTS = (
    "n_units", "n_events", "n_event_before", "n_closed_before", "n_refused_before", "n_excluded", "n_immature",
)  # fmt: skip
_FIGURES = (
    "touches_mean", "event_rate", "r", "r_low", "r_high", "rho", "p_value", "p_value_adjusted", "slope", "slope_low",
    "slope_high", "intercept", "r_squared", "q1_share_rate",
)  # fmt: skip
SCHEMAS: Mapping[str, pa.Schema] = {
    "phase_lines": pa.schema(
        [
            ("phase_code", pa.string()),
            ("event_code", pa.string()),
            ("landmark_days", pa.int64()),
            ("window_days", pa.int64()),
            *[(name, pa.int64()) for name in _COUNTS],
            *[(name, RATE) for name in _FIGURES],
            ("is_enough", pa.bool_()),
            ("line_reason_code", pa.string()),
        ]
    )
}
DESCRIPTIONS = {"phase_lines": "Touches against the event of each phase of the funnel."}

# Leads handed over: touches and held meetings of the lead. entered, landmark and end are instants of each unit. No
# extract dates the day on which a lead is given up: of these the refusals alone are known.
_MQL = """
with entered as (
  select u.unit, u.lead_id, u.account_id, c.mql_at as entered_at
  from audit_units as u join metrics.fct_lead_cadences as c on c.lead_id = u.lead_id
  where c.mql_at < $as_of and c.mql_at >= cast($as_of as timestamp) - $window * interval 1 day - interval 6 months
),
units as (
  select e.unit as unit_id, e.lead_id, e.account_id, e.entered_at,
    count(*) filter (where t.is_effective and t.channel_code <> 'meeting' and t.occurred_at >= e.entered_at
      and t.occurred_at < e.entered_at + $landmark * interval 1 day) as x,
    min(t.occurred_at) filter (where t.channel_code = 'meeting' and t.occurred_at >= e.entered_at) as event_at,
    cast(null as timestamp) as closed_at
  from entered as e left join audit_touches as t on t.unit = e.unit
  group by e.unit, e.lead_id, e.account_id, e.entered_at
)
"""
# Opportunities opened: effective touches of the account, as no extract says for which deal a call was made.
_OPPORTUNITY = """
with units as (
  select o.opportunity_id as unit_id, o.lead_id, o.account_id, o.opened_at as entered_at, count(t.account_id) as x,
    max(case when o.is_won and o.closed_at < $as_of then o.closed_at end) as event_at,
    max(case when o.is_lost and o.closed_at < $as_of then o.closed_at end) as closed_at
  from master.fct_opportunities as o
  left join master.fct_touches as t on t.account_id = o.account_id and t.account_id <> 'unknown' and t.is_effective
    and t.occurred_at >= o.opened_at and t.occurred_at < o.opened_at + $landmark * interval 1 day
    and t.occurred_at < $as_of
  where o.opened_at < $as_of and o.opened_at >= cast($as_of as timestamp) - $window * interval 1 day - interval 6 months
  group by o.opportunity_id, o.lead_id, o.account_id, o.opened_at
)
"""
_COUNTED = """
, refusing as (
  select distinct u.unit_id from units as u
  join conforming.int_contact_refusals as r on r.person_id = 'per_' || substr(u.lead_id, 5)
  where u.lead_id <> 'unknown' and r.refused_at < u.entered_at + $landmark * interval 1 day
    and coalesce(r.ends_at > u.entered_at + $landmark * interval 1 day, true)
  union
  select u.unit_id from units as u
  join conforming.int_undated_refusals as n on n.person_id = 'per_' || substr(u.lead_id, 5)
  where u.lead_id <> 'unknown'
),
listed as (
  select u.unit_id from units as u
  join conforming.int_contact_exclusions as x on x.person_id = 'per_' || substr(u.lead_id, 5)
  where u.lead_id <> 'unknown' and x.starts_at < u.entered_at + $landmark * interval 1 day
    and coalesce(x.ends_at > u.entered_at, true)
  union
  select u.unit_id from units as u join conforming.int_contact_exclusions as x on x.account_id = u.account_id
  where x.starts_at < u.entered_at + $landmark * interval 1 day and coalesce(x.ends_at > u.entered_at, true)
),
placed as (
  select x, entered_at + $window * interval 1 day <= $as_of as is_matured,
    coalesce(event_at < entered_at + $landmark * interval 1 day, false) as is_event_before,
    coalesce(closed_at < entered_at + $landmark * interval 1 day, false) as is_closed_before,
    coalesce(event_at < entered_at + $window * interval 1 day, false) as is_event,
    r.unit_id is not null as is_refused_before, l.unit_id is not null as is_listed
  from units left join refusing as r using (unit_id) left join listed as l using (unit_id)
),
fated as (
  select x, is_event, case when not is_matured then 'immature' when is_listed then 'excluded'
    when is_event_before then 'event_before' when is_closed_before then 'closed_before'
    when is_refused_before then 'refused_before' end as fate
  from placed
)
select case when fate is null then x end as x, count(*) as n, count(*) filter (where is_event) as k,
  count(*) filter (where fate = 'event_before') as n_event_before,
  count(*) filter (where fate = 'closed_before') as n_closed_before,
  count(*) filter (where fate = 'refused_before') as n_refused_before,
  count(*) filter (where fate = 'excluded') as n_excluded,
  count(*) filter (where fate = 'immature') as n_immature
from fated group by 1 order by 1
"""
_QUERIES = {"mql": _MQL + _COUNTED, "opportunity": _OPPORTUNITY + _COUNTED}


def figures(
    con: duckdb.DuckDBPyConnection, settings: RunSettings, bars: Bars = METHOD_BARS
) -> Mapping[str, pa.Table]:
    """phase_lines: one row per phase, from the temporary tables of `audit_units.prepare` and the opportunities."""
    rows, lines = [], {}
    for phase in PHASES:
        window = phase.window_days or settings.conversion_window_days
        bind = {"as_of": settings.as_of, "landmark": phase.landmark_days, "window": window}
        found = con.execute(_QUERIES[phase.code], bind).fetchall()
        points = Points.of_outcomes((x, n, k) for x, n, k, *_ in found if x is not None)
        lines[phase.code] = line(points)
        aside = [sum(row[place] for row in found) for place in range(3, 3 + len(_COUNTS[2:]))]
        rows.append(
            {
                "phase_code": phase.code,
                "event_code": phase.event,
                "landmark_days": phase.landmark_days,
                "window_days": window,
                **dict(zip(_COUNTS[2:], aside, strict=True)),
                **_figures(lines[phase.code], points, bars),
            }
        )
    p_values = adjusted({code: fitted.p for code, fitted in lines.items()})
    for row in rows:
        row["p_value_adjusted"] = decimal(p_values.get(row["phase_code"]))
    return {"phase_lines": pa.Table.from_pylist(rows, schema=SCHEMAS["phase_lines"])}


def _figures(fitted: Line, points: Points, bars: Bars) -> dict[str, object]:
    return {
        "n_units": fitted.n,
        "n_events": fitted.n_events,
        "touches_mean": exact(fitted.mean_x),
        "event_rate": exact(fitted.mean_y),
        "r": decimal(fitted.r),
        "r_low": decimal(fitted.r_low),
        "r_high": decimal(fitted.r_high),
        "rho": decimal(fitted.rho),
        "p_value": decimal(fitted.p),
        "slope": decimal(fitted.slope),
        "slope_low": decimal(fitted.slope_low),
        "slope_high": decimal(fitted.slope_high),
        "intercept": decimal(fitted.intercept),
        "r_squared": decimal(fitted.r_squared),
        "q1_share_rate": exact(quadrants(points).q1_share),
        "is_enough": bars.is_enough(fitted.n, fitted.n_events),
        "line_reason_code": fitted.reason,
    }
