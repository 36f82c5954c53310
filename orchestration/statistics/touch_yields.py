"""Leads of the pooled half-year by path: touches before the conversion, what came behind the last one, first contact.

One pass over the touches. The leads are those whose conversion window is over; the six months end with the last month
all of whose leads are (the same as of `touch_lines`). A conversion of which only the day is known counts at the first
instant of that day, so that no touch of the day is credited with it. A lead is at risk until it refuses contact or
is put on an exclusion list (DE14): what comes after that is no yield of a touch, and the touch before it stays at risk
without an event, as it may be what the lead refused. Who refused or was listed from the first instant on, or refuses
since nobody knows when, is in no path and counted. Whether a touch is judged never depends on what came of it: its
horizon is over or not. Product `touch_yields`.
What does NOT belong here: hazards (orchestration.audit.yields), thresholds (`thresholds.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import duckdb
import pyarrow as pa

from orchestration.audit.thresholds import TTF_EDGES
from orchestration.audit.yields import Path, Paths, yields
from orchestration.settings import RunSettings

RATE = pa.decimal128(18, 10)
SEGMENT_COLUMNS = [
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("segment_kind_code", pa.string()),
    ("segment_code", pa.string()),
]
SCHEMA = pa.schema(
    [
        *SEGMENT_COLUMNS,
        ("touch_number", pa.int64()),
        ("is_last_cell", pa.bool_()),
        ("n_at_risk", pa.int64()),
        ("n_events", pa.int64()),
        ("yield_rate", RATE),
        ("yield_low_rate", RATE),
        ("yield_high_rate", RATE),
        ("n_conversions", pa.int64()),
        ("cumulative_share_rate", RATE),
        ("reason_code", pa.string()),
        ("n_leads_excluded", pa.int64()),
        ("n_leads_refused", pa.int64()),
    ]
)
#: No lead is told apart beyond so many touches.
_MOST = 60

_POPULATION = """
with bounds as (
  select coalesce(max(last_month), $cycle_start) as last_month from (
    select cast(date_trunc('month', created_on) as date) as last_month, bool_and(is_matured) as is_done
    from metrics.fct_lead_cadences where is_dated group by 1) where is_done),
of_window as (
  select c.lead_id, 'per_' || substr(c.lead_id, 5) as person_id, c.account_id, c.channel_code, c.size_band_code,
    c.created_at, c.is_converted_in_window as is_converted, c.ttf_hours, c.first_effective_at, b.last_month,
    case when l.converted_at < $as_of then greatest(l.converted_at, c.created_at) end as converted_at
  from metrics.fct_lead_cadences as c
  join master.fct_leads as l on l.lead_id = c.lead_id
  cross join bounds as b
  where c.is_dated and c.is_matured
    and c.created_on >= cast(b.last_month - interval 5 months as date)
    and c.created_on < cast(b.last_month + interval 1 month as date)
    and (l.converted_on is null or l.converted_on >= c.created_on)),
refusing as (
  select o.lead_id, bool_or(r.refused_at <= o.created_at) as is_refused_at_first,
    min(r.refused_at) filter (where r.refused_at > o.created_at) as refused_at
  from of_window as o join conforming.int_contact_refusals as r on r.person_id = o.person_id
  where r.refused_at < $as_of and coalesce(r.ends_at > o.created_at, true) group by o.lead_id),
entered as (
  select o.lead_id, o.created_at, x.starts_at, x.ends_at
  from of_window as o join conforming.int_contact_exclusions as x on x.person_id = o.person_id
  union all
  select o.lead_id, o.created_at, x.starts_at, x.ends_at
  from of_window as o join conforming.int_contact_exclusions as x on x.account_id = o.account_id),
listed as (
  select lead_id, bool_or(starts_at <= created_at) as is_listed_at_first,
    min(starts_at) filter (where starts_at > created_at) as listed_at
  from entered where starts_at < $as_of and coalesce(ends_at > created_at, true) group by lead_id),
placed as (
  select o.*, least(r.refused_at, x.listed_at) as stopped_at,
    coalesce(x.listed_at <= r.refused_at, x.listed_at is not null) as is_stopped_by_list,
    coalesce(r.is_refused_at_first, false) or n.person_id is not null as is_refused_at_first,
    coalesce(x.is_listed_at_first, false) as is_listed_at_first
  from of_window as o left join refusing as r on r.lead_id = o.lead_id left join listed as x on x.lead_id = o.lead_id
  left join conforming.int_undated_refusals as n on n.person_id = o.person_id),
population as (select * from placed where not is_refused_at_first and not is_listed_at_first)
"""
# What becomes of a touch is known when its horizon is over, whatever the lead does by then. Touches behind the window
# are none of the path, but a conversion after one of them follows that one and no touch of the window.
_PATHS = """,
risked as (
  select lead_id, channel_code, size_band_code, created_at, last_month, stopped_at,
    case when stopped_at is null or converted_at < stopped_at then converted_at end as converted_at,
    is_converted and coalesce(converted_at < stopped_at, true) as is_converted
  from population),
touched as (
  select p.lead_id,
    count(*) filter (where t.occurred_at < p.created_at + $window * interval 1 day) as n_touches,
    count(*) filter (where t.occurred_at < p.created_at + $window * interval 1 day
      and t.occurred_at + $horizon * interval 1 day <= $as_of) as n_followed,
    count(*) filter (where t.occurred_at < p.created_at
      + least(coalesce(w.window_days, $window), $window) * interval 1 day) as n_in_window,
    max(t.occurred_at) as last_at,
    bool_or(t.occurred_at >= p.created_at + $window * interval 1 day) as is_touched_later
  from risked as p
  join master.fct_touches as t on t.lead_id = p.lead_id
  left join windows as w on w.channel_code = p.channel_code and w.size_band_code = p.size_band_code
  where t.is_effective and t.occurred_at >= p.created_at and t.occurred_at < $as_of
    and t.occurred_at < p.created_at + ($window + $horizon) * interval 1 day
    and (p.converted_at is null or t.occurred_at < p.converted_at)
    and (p.stopped_at is null or t.occurred_at < p.stopped_at)
  group by p.lead_id)
select p.channel_code, p.size_band_code,
  least(coalesce(t.n_touches, 0), {most}) as n_touches,
  least(coalesce(t.n_followed, 0), {most}) as n_followed,
  least(coalesce(t.n_in_window, 0), {most}) as n_in_window,
  coalesce(t.n_followed, 0) = coalesce(t.n_touches, 0) and p.converted_at is not null
    and not coalesce(t.is_touched_later, false)
    and p.converted_at <= coalesce(t.last_at, p.created_at) + $horizon * interval 1 day as has_event,
  p.is_converted, count(*) as n_leads,
  min(cast(p.last_month - interval 5 months as date)) as first_day,
  min(cast(p.last_month + interval 1 month as date)) as end_day
from risked as p left join touched as t on t.lead_id = p.lead_id
group by all order by all
"""
_ASIDE = """
select channel_code, size_band_code,
  count(*) filter (where is_listed_at_first or (not is_refused_at_first and is_stopped_by_list and is_stopped))
    as n_excluded,
  count(*) filter (where not is_listed_at_first
    and (is_refused_at_first or (not is_stopped_by_list and is_stopped))) as n_refused
from (
  select *, stopped_at < created_at + $window * interval 1 day and coalesce(stopped_at <= converted_at, true)
    as is_stopped
  from placed where is_listed_at_first or is_refused_at_first or stopped_at is not null)
group by all order by all
"""
# A first contact after the conversion, or at its instant, says nothing about what came before it.
_BUCKETS = """
select channel_code, size_band_code, {bucket} as bucket, count(*) as n, count(*) filter (where is_converted) as k
from population
where ttf_hours is not null and (converted_at is null or first_effective_at < converted_at)
group by all order by all
"""
# One person's mails of one day of the company; a complaint belongs to the day of the send.
_DOSES = """
with days as (
  select s.person_id, s.lead_id, cast(timezone($timezone, timezone('UTC', s.sent_at)) as date) as sent_on,
    count(*) as n_mails,
    count(*) filter (where s.is_complained and (s.complained_at is null or s.complained_at < $as_of)) as n_complained
  from master.fct_email_sends as s
  where s.is_delivered and s.sent_at < $as_of and s.sent_at >= $cycle_end - interval 6 months
    and s.person_id <> 'unknown'
  group by all)
select coalesce(c.channel_code, 'unknown'), coalesce(c.size_band_code, 'unknown'), least(d.n_mails, 10) as dose,
  cast(sum(d.n_mails) as bigint), cast(sum(least(d.n_complained, d.n_mails)) as bigint)
from days as d left join metrics.fct_lead_cadences as c on c.lead_id = d.lead_id
group by all order by all
"""


@dataclass(frozen=True)
class Segment:
    """A cut and one segment of it; channel and size_band are 'all' where the cut does not name them."""

    kind: str
    channel: str
    size_band: str

    @property
    def code(self) -> str:
        """Code of the segment in its cut."""
        named = {"all": "all", "channel": self.channel, "size_band": self.size_band}
        return named.get(self.kind, f"{self.channel}/{self.size_band}")


def segments_of(channel: str, size_band: str) -> tuple[Segment, ...]:
    """The segments to which a lead belongs, one of each cut."""
    return (
        Segment("all", "all", "all"),
        Segment("channel", channel, "all"),
        Segment("size_band", "all", size_band),
        Segment("channel_size", channel, size_band),
    )


@dataclass(frozen=True)
class Pooled:
    """What the half-year holds of each segment.

    first_day, end_day: half-open days of creation; None without leads.
    buckets: (leads, conversions) by time to first contact, one for each of TTF_EDGES and one beyond.
    doses: mails of a person and day -> (delivered, complained).
    aside: leads (listed, refusing in the window before they converted), by what came first. Those listed or refusing
        from the first instant on are in nothing above; the path of the others ends there.
    """

    first_day: date | None
    end_day: date | None
    paths: Mapping[Segment, Paths]
    buckets: Mapping[Segment, list[tuple[int, int]]]
    doses: Mapping[Segment, dict[int, tuple[int, int]]]
    aside: Mapping[Segment, tuple[int, int]]


def read_pooled(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    horizon_days: int,
    windows: Mapping[tuple[str, str], int],
) -> Pooled:
    """The leads of the half-year by path. windows: (channel, size band) -> days that its thresholds speak about.

    The horizon is no longer than the conversion window. Raises duckdb.Error when master or metrics lack a table.
    """
    given = pa.table(
        {
            "channel_code": pa.array([channel for channel, _ in windows], pa.string()),
            "size_band_code": pa.array([size for _, size in windows], pa.string()),
            "window_days": pa.array(windows.values(), pa.int64()),
        }
    )
    con.register("windows", given)
    window = settings.conversion_window_days
    bind = {"as_of": settings.as_of, "cycle_start": settings.cycle_start, "window": window}
    rows = con.execute(
        _POPULATION + _PATHS.format(most=_MOST),
        {**bind, "horizon": min(horizon_days, window)},
    ).fetchall()
    set_aside = con.execute(_POPULATION + _ASIDE, bind).fetchall()
    con.unregister("windows")
    edges = " ".join(f"when ttf_hours <= {edge} then {n}" for n, edge in enumerate(TTF_EDGES))
    timed = con.execute(
        _POPULATION + _BUCKETS.format(bucket=f"case {edges} else {len(TTF_EDGES)} end"),
        {"as_of": settings.as_of, "cycle_start": settings.cycle_start},
    ).fetchall()
    dosed = con.execute(
        _DOSES,
        {"as_of": settings.as_of, "cycle_end": settings.cycle_end, "timezone": settings.timezone},
    ).fetchall()
    paths: dict[Segment, list[Path]] = defaultdict(list)
    buckets: dict[Segment, list[tuple[int, int]]] = defaultdict(lambda: [(0, 0)] * (len(TTF_EDGES) + 1))
    doses: dict[Segment, dict[int, tuple[int, int]]] = defaultdict(dict)
    aside: dict[Segment, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for channel, size, excluded, refused in set_aside:
        for segment in segments_of(channel, size):
            before = aside[segment]
            aside[segment] = (before[0] + excluded, before[1] + refused)
    for channel, size, *cells in rows:
        for segment in segments_of(channel, size):
            paths[segment].append(Path(*cells[:6]))
    for channel, size, place, n, k in timed:
        for segment in segments_of(channel, size):
            before = buckets[segment][place]
            buckets[segment][place] = (before[0] + n, before[1] + k)
    for channel, size, dose, n, k in dosed:
        for segment in segments_of(channel, size):
            before = doses[segment].get(dose, (0, 0))
            doses[segment][dose] = (before[0] + n, before[1] + k)
    pooled = {segment: Paths.of(each) for segment, each in paths.items()}
    return Pooled(
        first_day=rows[0][8] if rows else None,
        end_day=rows[0][9] if rows else None,
        # a segment of several has no window of its own: the conversion window
        paths={s: p if s.kind == "channel_size" else p.whole() for s, p in pooled.items()},
        buckets=dict(buckets),
        doses=dict(doses),
        aside=dict(aside),
    )


def in_order(segments: set[Segment]) -> list[Segment]:
    """Segments by cut and code."""
    return sorted(segments, key=lambda each: (each.kind, each.code))


def yields_table(pooled: Pooled) -> pa.Table:
    """The hazard behind each touch of each segment, over the conversion window (SCHEMA)."""
    rows = [
        {
            "period_start": pooled.first_day,
            "period_end": pooled.end_day,
            "segment_kind_code": segment.kind,
            "segment_code": segment.code,
            "touch_number": each.touch,
            "is_last_cell": each.is_pooled,
            "n_at_risk": each.n_at_risk,
            "n_events": each.n_events,
            "yield_rate": exact(each.rate),
            "yield_low_rate": ten_digits(each.low),
            "yield_high_rate": ten_digits(each.high),
            "n_conversions": each.n_conversions,
            "cumulative_share_rate": exact(each.cumulative_share),
            "reason_code": "nobody_at_risk" if each.rate is None else None,
            "n_leads_excluded": pooled.aside.get(segment, (0, 0))[0],
            "n_leads_refused": pooled.aside.get(segment, (0, 0))[1],
        }
        for segment in in_order(set(pooled.paths))
        for each in yields(pooled.paths[segment].whole())
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def exact(value: Fraction | None) -> Decimal | None:
    """An exact share to ten digits."""
    if value is None:
        return None
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("1e-10"))


def ten_digits(value: float | None) -> Decimal | None:
    """A computed share to ten digits."""
    return None if value is None else Decimal(repr(value)).quantize(Decimal("1e-10"))
