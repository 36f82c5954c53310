"""Accounts by touches and conversion: quadrant of each, and where it stood in the two cycles before (2.3, DA6, DA7).

A lead converts or not, so at its grain Q1 and Q2 are the conversions; an account has a share, which is what a team can
be coached by. Half a year of matured leads, touches of the whole window: who is touched more because he is about to
buy stands in Q1 too. The cycles before are computed again from the leads that were matured then, not remembered:
the same facts give the same list in any run. Half years of consecutive cycles share five months of leads: they say
where an account stood, and no interval compares them; for that there is the half year before, which shares no lead.
What does NOT belong here: the line through the accounts (account_lines); names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

import duckdb
import pyarrow as pa

from ingest.local_time import first_instant
from orchestration.audit.points import Points
from orchestration.audit.quadrants import quadrant_of
from orchestration.audit.shares import Shared
from orchestration.settings import RunSettings
from orchestration.statistics.figures import RATE, exact

#: A quadrant is recurring when an account stood in it in so many of the last cycles; the lists hold so many accounts.
CYCLES, RECURRING, LISTED = 3, 2, 10
#: "Cycles ago" of the half year before that of this cycle.
HALF_YEAR_BEFORE = 6

SCHEMAS: Mapping[str, pa.Schema] = {
    "account_quadrants": pa.schema(
        [
            ("account_id", pa.string()),
            ("n_leads", pa.int64()),
            ("n_touches", pa.int64()),
            ("n_converted", pa.int64()),
            ("touches_per_lead", RATE),
            ("conversion_rate", RATE),
            ("quadrant_code", pa.string()),
            ("is_on_line", pa.bool_()),
            ("quadrant_before_code", pa.string()),
            ("quadrant_two_before_code", pa.string()),
            ("recurring_quadrant_code", pa.string()),
            ("is_recurring", pa.bool_()),
            ("list_rank", pa.int64()),
            ("quadrant_reason_code", pa.string()),
        ]
    )
}
DESCRIPTIONS = {
    "account_quadrants": "Touches per lead and conversion of each account, with its quadrant in the last three cycles."
}

_PLACES = pa.schema(
    [
        *[(name, pa.int64()) for name in ("ago", "n", "t", "k")],
        ("x", RATE),
        ("y", RATE),
        ("quadrant_code", pa.string()),
        ("is_on_line", pa.bool_()),
    ]
)
_CYCLE_ROWS = """
create or replace temp table audit_cycles as
with ended as (
select ago, max(created_month) filter (where is_done) as last_month from (
  select c.ago, c.as_of, c.end_on, u.created_month,
    bool_and(case when u.is_created_day_only then u.created_on + $window < c.end_on
      else u.created_at + $window * interval 1 day <= c.as_of end) as is_done
  from (values {values}) as c (ago, as_of, end_on) join audit_units as u on u.created_at < c.as_of
  group by all)
group by all)
select * from ended
union all
select {before}, cast(last_month - interval {before} months as date) from ended where ago = 0
"""
_ACCOUNTS = """
create or replace temp table audit_accounts as
select c.ago, u.account_id, count(*) as n, cast(sum(u.n_effective_touches) as bigint) as t,
  count(*) filter (where u.is_converted_in_window) as k
from audit_units as u join audit_cycles as c
  on u.created_month <= c.last_month and u.created_month >= cast(c.last_month - interval 5 months as date)
where u.account_id <> 'unknown' and not u.is_listed group by all
"""
_LISTS = """
with stood as (
  select a.ago, a.account_id, a.n, a.t, a.k, p.x, p.y, p.quadrant_code, p.is_on_line
  from audit_accounts as a join audit_places as p on p.ago = a.ago and p.n = a.n and p.t = a.t and p.k = a.k
  where a.ago < $cycles
),
frequent as (
  select account_id, quadrant_code from stood group by all having count(*) >= $recurring
),
accounts as (
  select account_id,
    {columns},
    max(quadrant_code) filter (where ago = 1) as quadrant_before_code,
    max(quadrant_code) filter (where ago = 2) as quadrant_two_before_code
  from stood group by account_id
),
ranked as (
  select a.*, f.quadrant_code as recurring_quadrant_code,
    case f.quadrant_code
      when 'q3' then row_number() over (partition by f.quadrant_code order by
        coalesce(a.n, 0) desc, a.x nulls last, a.account_id)
      when 'q1' then row_number() over (partition by f.quadrant_code order by
        coalesce(a.k, 0) desc, a.y desc nulls last, a.account_id)
    end as place
  from accounts as a left join frequent as f on f.account_id = a.account_id
)
select account_id, coalesce(n, 0) as n_leads, coalesce(t, 0) as n_touches, coalesce(k, 0) as n_converted,
  x as touches_per_lead, y as conversion_rate, quadrant_code, is_on_line, quadrant_before_code,
  quadrant_two_before_code, recurring_quadrant_code, recurring_quadrant_code is not null as is_recurring,
  case when place <= $listed then place end as list_rank,
  case when n is null then 'no_matured_lead' end as quadrant_reason_code
from ranked order by account_id
"""


@dataclass(frozen=True)
class Ended:
    """An end of a cycle: how many cycles ago, its first instant after it and the day after its last."""

    ago: int
    as_of: datetime
    end_on: date


def ends(settings: RunSettings) -> list[Ended]:
    """The ends of this cycle and of those before it, newest first."""
    found = [Ended(0, settings.as_of, settings.cycle_end)]
    month = settings.cycle_end.year * 12 + settings.cycle_end.month - 1
    for ago in range(1, CYCLES):
        end = settings.cycle_end.replace(year=(month - ago) // 12, month=(month - ago) % 12 + 1)
        found.append(Ended(ago, first_instant(end, settings.timezone), end))
    return found


def prepare(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[int, Points]:
    """Temporary tables audit_accounts (cycles ago and account -> leads, touches, conversions) and audit_places.

    Returns the points by cycle, and those of HALF_YEAR_BEFORE; none without a matured account. Read from the temporary
    tables of `audit_units.prepare`.
    """
    told = ends(settings)
    values = ", ".join(f"({each.ago}, timestamp '{each.as_of}', date '{each.end_on}')" for each in told)
    con.execute(
        _CYCLE_ROWS.format(values=values, before=HALF_YEAR_BEFORE),
        {"window": settings.conversion_window_days},
    )
    con.execute(_ACCOUNTS)
    rows = con.execute(
        "select ago, n, t, k, count(*) from audit_accounts group by all order by all"
    ).fetchall()
    points = {
        ago: Points.of(
            (Fraction(t, n), Fraction(k, n), units) for of_ago, n, t, k, units in rows if of_ago == ago
        )
        for ago in (*(each.ago for each in told), HALF_YEAR_BEFORE)
    }
    _place(con, points, [row[:4] for row in rows])
    return points


def _place(
    con: duckdb.DuckDBPyConnection, points: Mapping[int, Points], kinds: Sequence[tuple[int, int, int, int]]
) -> None:
    """Temporary table audit_places: the quadrant of each (ago, leads, touches, conversions) that an account has."""
    means = {ago: (found.mean_x(), found.mean_y()) for ago, found in points.items()}
    places = []
    for ago, n, t, k in kinds:
        x, y = Fraction(t, n), Fraction(k, n)
        mean_x, mean_y = means[ago]
        places.append(
            {
                "ago": ago,
                "n": n,
                "t": t,
                "k": k,
                "x": exact(x),
                "y": exact(y),
                "quadrant_code": quadrant_of(x, y, mean_x, mean_y),
                "is_on_line": x == mean_x or y == mean_y,
            }
        )
    con.register("places", pa.Table.from_pylist(places, schema=_PLACES))
    con.execute("create or replace temp table audit_places as select * from places")
    con.unregister("places")


def is_full_before(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the leads reach back to the first month of the half year before. Reads the tables of `prepare`."""
    found = con.execute(
        "select max(date_diff('month', created_month, last_month)) >= $age from audit_units",
        {"age": 2 * HALF_YEAR_BEFORE - 1},
    ).fetchall()[0][0]
    return bool(found)


def shared(con: duckdb.DuckDBPyConnection) -> Shared:
    """Accounts that stand in this half year and in the one before, by Q1. Reads the tables of `prepare`."""
    found = con.execute(
        "select count(*), count(*) filter (where p.quadrant_code = 'q1'),"
        " count(*) filter (where q.quadrant_code = 'q1'),"
        " count(*) filter (where p.quadrant_code = 'q1' and q.quadrant_code = 'q1')"
        " from audit_accounts as a join audit_accounts as b on b.account_id = a.account_id"
        " join audit_places as p on p.ago = a.ago and p.n = a.n and p.t = a.t and p.k = a.k"
        " join audit_places as q on q.ago = b.ago and q.n = b.n and q.t = b.t and q.k = b.k"
        " where a.ago = 0 and b.ago = $before",
        {"before": HALF_YEAR_BEFORE},
    ).fetchall()[0]
    return Shared(*found)


def figures(con: duckdb.DuckDBPyConnection) -> Mapping[str, pa.Table]:
    """account_quadrants, from the tables of `prepare`."""
    columns = ", ".join(
        f"max({name}) filter (where ago = 0) as {name}" for name in ("n", "t", "k", "x", "y", "quadrant_code")
    )
    query = _LISTS.format(columns=columns + ", bool_or(is_on_line) filter (where ago = 0) as is_on_line")
    bind = {"recurring": RECURRING, "listed": LISTED, "cycles": CYCLES}
    table = con.sql(query, params=bind).to_arrow_table()
    return {"account_quadrants": table}
