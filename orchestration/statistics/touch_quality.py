"""What touches bring besides their number: answers and meetings, by segment and channel (rows QU16, DE23).

The touches are those of touch_lines' periods: outbound ones of matured leads, in the window of the lead. A call is
answered by a conversation, a delivered mail of a platform by a reply; nobody records whether a message of another kind
was answered. A meeting belongs to the touch that came last before it, whatever brought it about.
What does NOT belong here: whether more touches go with more conversion (touch_lines).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from orchestration.audit.shares import wilson
from orchestration.settings import RunSettings
from orchestration.statistics.audit_units import CUTS
from orchestration.statistics.figures import RATE, decimal, share

_KEYS = [
    ("period_code", pa.string()),
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("segment_kind_code", pa.string()),
    ("segment_code", pa.string()),
    ("touch_channel_code", pa.string()),
]
_COUNTS = ("n_leads", "n_touches", "n_reached", "n_answerable", "n_answered", "n_meetings", "n_met_touches")
SCHEMAS: Mapping[str, pa.Schema] = {
    "touch_quality": pa.schema(
        [
            *_KEYS,
            *[(name, pa.int64()) for name in _COUNTS],
            ("touches_per_lead", RATE),
            ("answer_rate", RATE),
            ("answer_low", RATE),
            ("answer_high", RATE),
            ("answer_reason_code", pa.string()),
            ("meetings_per_touch", RATE),
            ("met_touch_rate", RATE),
            ("met_touch_low", RATE),
            ("met_touch_high", RATE),
            ("met_touch_reason_code", pa.string()),
        ]
    )
}
DESCRIPTIONS = {
    "touch_quality": "Answers and meetings of touches by period, segment and channel of the touch."
}

# Each meeting takes the last outbound touch of its lead before it; of two at one instant the later in the alphabet.
_QUERY = """
with units as (
  select unit, created_at, date_diff('month', created_month, last_month) as age, last_month, {columns}
  from audit_units
  where is_matured and created_month <= last_month
    and created_month >= cast(last_month - interval 5 months as date)
),
inside as (
  select t.unit, coalesce(t.channel_code, 'unknown') as channel_code, t.occurred_at, t.is_effective, t.is_replied,
    t.source_stream_code
  from audit_touches as t join units as u on u.unit = t.unit
  where t.direction_code = 'outbound' and t.occurred_at < u.created_at + $window * interval 1 day
),
meetings as (select unit, occurred_at, count(*) as n_meetings from inside where channel_code = 'meeting' group by all),
before as (
  select m.unit, m.occurred_at, m.n_meetings,
    arg_max({{'channel_code': t.channel_code, 'at': t.occurred_at}},
      {{'at': t.occurred_at, 'channel_code': t.channel_code}}) as last_touch
  from meetings as m join inside as t on t.unit = m.unit and t.occurred_at <= m.occurred_at
  where t.channel_code <> 'meeting' group by all
),
met as (
  select unit, last_touch.channel_code as channel_code, sum(n_meetings) as n_meetings,
    count(distinct last_touch.at) as n_met_touches
  from before group by all
),
touched as (
  select unit, channel_code, count(*) as n_touches, count(*) filter (where is_effective) as n_reached,
    count(*) filter (where channel_code = 'voice'
      or (source_stream_code = 'email' and channel_code = 'email' and is_effective)) as n_answerable,
    count(*) filter (where (channel_code = 'voice' and is_effective)
      or (source_stream_code = 'email' and channel_code = 'email' and is_effective and is_replied)) as n_answered
  from inside where channel_code <> 'meeting' group by all
),
by_lead as (
  select u.unit, t.channel_code as touch_channel, t.n_touches, t.n_reached, t.n_answerable, t.n_answered,
    coalesce(m.n_meetings, 0) as n_meetings, coalesce(m.n_met_touches, 0) as n_met_touches, 1 as n_leads
  from units as u join touched as t on t.unit = u.unit
  left join met as m on m.unit = t.unit and m.channel_code = t.channel_code
  union all
  select u.unit, 'all', coalesce(sum(t.n_touches), 0), coalesce(sum(t.n_reached), 0), coalesce(sum(t.n_answerable), 0),
    coalesce(sum(t.n_answered), 0), coalesce(max(a.n_meetings), 0), coalesce(max(m.n_met_touches), 0), 1
  from units as u left join touched as t on t.unit = u.unit
  left join (select unit, sum(n_meetings) as n_meetings from meetings group by 1) as a on a.unit = u.unit
  left join (select unit, sum(n_met_touches) as n_met_touches from met group by 1) as m on m.unit = u.unit
  group by u.unit
),
cells as (
  select u.age, u.last_month, {u_columns}, touch_channel, {sums}
  from by_lead as b join units as u on u.unit = b.unit group by all
),
periods as (
  select 'month' as period_code, last_month as period_start, * from cells where age = 0
  union all select 'half_year', cast(last_month - interval 5 months as date), * from cells
),
cuts as (
  select period_code, period_start, last_month, 'all' as kind, 'all' as segment, touch_channel, {names} from periods
  {unions}
)
select period_code, period_start, cast(last_month + interval 1 month as date), kind, segment, touch_channel, {sums}
from cuts group by all order by all
"""


def figures(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    """touch_quality, from the temporary tables of `audit_units.prepare`."""
    names = ", ".join(_COUNTS)
    query = _QUERY.format(
        columns=", ".join(CUTS.values()),
        u_columns=", ".join(f"u.{column}" for column in CUTS.values()),
        sums=", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _COUNTS),
        names=names,
        unions=" ".join(
            f"union all select period_code, period_start, last_month, '{kind}', {column}, touch_channel, {names}"
            " from periods"
            for kind, column in CUTS.items()
        ),
    )
    rows = []
    for found in con.execute(query, {"window": settings.conversion_window_days}).fetchall():
        keys = dict(zip((name for name, _ in _KEYS), found, strict=False))
        rows.append(keys | _row(dict(zip(_COUNTS, found[len(_KEYS) :], strict=True))))
    return {"touch_quality": pa.Table.from_pylist(rows, schema=SCHEMAS["touch_quality"])}


def _row(counts: dict[str, int]) -> dict[str, object]:
    """The columns of touch_quality beyond its keys."""
    answer = wilson(counts["n_answered"], counts["n_answerable"])
    met = wilson(counts["n_met_touches"], counts["n_touches"])
    answer_reason = None if counts["n_answerable"] else "answers_not_recorded"
    return {
        **counts,
        "touches_per_lead": share(counts["n_touches"], counts["n_leads"]),
        "answer_rate": share(counts["n_answered"], counts["n_answerable"]),
        "answer_low": decimal(answer[0]),
        "answer_high": decimal(answer[1]),
        "answer_reason_code": answer_reason if counts["n_touches"] else "no_touches",
        "meetings_per_touch": share(counts["n_meetings"], counts["n_touches"]),
        "met_touch_rate": share(counts["n_met_touches"], counts["n_touches"]),
        "met_touch_low": decimal(met[0]),
        "met_touch_high": decimal(met[1]),
        "met_touch_reason_code": None if counts["n_touches"] else "no_touches",
    }
