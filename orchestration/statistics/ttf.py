"""Time to first contact by segment, and conversion by how soon it came (rows QU3, QU13, DA1, DA4, DE4).

Two periods: `month`, that of the cycle, and `half_year`, the six months up to it. A lead that nobody has contacted
waits still: it is censored at its age. Conversion asks for leads whose window is over, so its `month` is the last one
whose leads all had theirs. A lead that converted before it was contacted tells nothing about the contact (early
converters are contacted late or never) and has a class of its own; so has one contacted after its window, which was
not contacted in it.
What does NOT belong here: the survival estimate (orchestration.audit.survival); breaches by name; approved thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import yaml

from orchestration.audit.shares import wilson
from orchestration.audit.survival import MedianTime, median_time
from orchestration.settings import RunSettings
from orchestration.statistics.audit_units import CUTS
from orchestration.statistics.figures import RATE, decimal, share
from orchestration.statistics.thresholds import Rows, read_rows
from orchestration.statistics.touch_yields import Segment

FILE = Path(__file__).with_name("response.yml")
#: The rule of metrics.fct_thresholds that says when a lead is due.
TTF_RULE = "ttf_max_hours"
#: Hours after which business time can be judged for everybody: a week holds more of it than any target.
_WEEK = 168.0

_KEYS = [
    ("period_code", pa.string()),
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("segment_kind_code", pa.string()),
    ("segment_code", pa.string()),
]
#: prefix of the columns -> (duration, its event) of the query
_CLOCKS = {
    "ttf_hours": ("observed", "is_contacted"),
    "ttf_business_hours": ("business_observed", "is_contacted"),
    "attempt_hours": ("attempt_observed", "is_attempted"),
}
SCHEMAS: Mapping[str, pa.Schema] = {
    "ttf": pa.schema(
        [
            *_KEYS,
            *[
                (name, pa.int64())
                for name in (
                    "n_leads", "n_timed", "n_contacted", "n_never_contacted", "n_never_attempted", "n_negative",
                    "n_day_only",
                )
            ],
            *[
                column
                for clock in _CLOCKS
                for column in (
                    (f"{clock}_median", RATE),
                    (f"{clock}_low", RATE),
                    (f"{clock}_high", RATE),
                    (f"{clock}_reason_code", pa.string()),
                )
            ],
            ("warning_code", pa.string()),
            ("target_hours_min", RATE),
            ("target_hours_max", RATE),
            *[
                column
                for clock in ("target", "business_target")
                for column in (
                    (f"n_{clock}_due", pa.int64()),
                    (f"n_{clock}_met", pa.int64()),
                    (f"{clock}_met_rate", RATE),
                    (f"{clock}_met_low", RATE),
                    (f"{clock}_met_high", RATE),
                    (f"{clock}_reason_code", pa.string()),
                )
            ],
        ]
    ),
    "ttf_buckets": pa.schema(
        [
            *_KEYS,
            ("bucket_code", pa.string()),
            ("bucket_rank", pa.int64()),
            ("until_hours", RATE),
            ("n_leads", pa.int64()),
            ("n_converted", pa.int64()),
            ("conversion_rate", RATE),
            ("conversion_low", RATE),
            ("conversion_high", RATE),
            ("conversion_reason_code", pa.string()),
        ]
    ),
}  # fmt: skip
DESCRIPTIONS = {
    "ttf": "Time to first contact by period and segment, with what still waits, and the share within its target.",
    "ttf_buckets": "Conversion by time to first contact, by period and segment.",
}
#: Classes beside the buckets of the file: bucket_code -> why it has no rate (None: it has one).
ASIDE = {
    "never_in_window": None,
    "converted_first": "converted_before_contact",
    "not_timed": "contact_not_timed",
}

_LEADS = """
select {cuts}, u.created_on, u.created_on >= $cycle_start as is_month, c.ttf_status_code as status,
  cast(c.ttf_hours as double) as hours, cast(c.ttf_business_hours as double) as business_hours,
  cast(c.ttf_observed_hours as double) as observed,
  cast(c.ttf_business_observed_hours as double) as business_observed,
  cast(c.attempt_observed_hours as double) as attempt_observed, c.attempt_hours is not null as is_attempted,
  c.ttf_status_code = 'contacted' as is_contacted, c.first_touch_at is null as is_never_attempted,
  epoch($as_of - u.created_at) / 3600 as age, u.is_created_day_only
from audit_units as u join metrics.fct_lead_cadences as c on c.lead_id = u.lead_id
where u.created_on >= cast($cycle_start - interval 5 months as date) and u.created_on < $cycle_end
order by u.unit
"""
_BUCKETS = """
with placed as (
  select date_diff('month', u.created_month, u.last_month) as age, u.last_month, {u_columns},
    u.is_converted_in_window as y,
    case
      when c.ttf_status_code not in ('contacted', 'never_contacted') then 'not_timed'
      when u.is_converted_in_window and c.first_effective_at is not null
        and u.converted_at < c.first_effective_at then 'converted_first'
      when c.ttf_hours is null or c.ttf_hours >= $window * 24 then 'never_in_window'
      {cases}
    end as bucket_code
  from audit_units as u join metrics.fct_lead_cadences as c on c.lead_id = u.lead_id
  where u.is_matured and u.created_month <= u.last_month
    and u.created_month >= cast(u.last_month - interval 5 months as date)
),
cells as (
  select age, last_month, {columns}, bucket_code, count(*) as n, count(*) filter (where y) as k
  from placed group by all
),
periods as (
  select 'month' as period_code, last_month as period_start, * from cells where age = 0
  union all select 'half_year', cast(last_month - interval 5 months as date), * from cells
),
cuts as (
  select period_code, period_start, last_month, 'all' as kind, 'all' as segment, bucket_code, n, k from periods
  {unions}
)
select period_code, period_start, cast(last_month + interval 1 month as date), kind, segment, bucket_code,
  cast(sum(n) as bigint), cast(sum(k) as bigint)
from cuts group by all order by all
"""


@dataclass(frozen=True)
class Response:
    """response.yml: (code, last hour it holds or None) of each class, and the hours of leads that no rule is about."""

    buckets: tuple[tuple[str, float | None], ...]
    default_hours: float


@cache
def response() -> Response:
    """The content of the file. Raises KeyError or ValueError when it breaks its own form."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    buckets = tuple((b["code"], b.get("until_hours")) for b in content["buckets"])
    edges = [edge for _, edge in buckets[:-1]]
    if None in edges or buckets[-1][1] is not None or edges != sorted(set(edges)):
        raise ValueError(f"{FILE.name}: ascending until_hours in all buckets but the last expected")
    return Response(buckets, float(content["default_target_hours"]))


def figures(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    """Every table of SCHEMAS, from the temporary tables of `audit_units.prepare` and the cadences of the leads."""
    return {"ttf": _times(con, settings), "ttf_buckets": _buckets(con, settings)}


def _times(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    bind = {"as_of": settings.as_of, "cycle_start": settings.cycle_start, "cycle_end": settings.cycle_end}
    cuts = ", ".join(f"u.{column} as {kind}" for kind, column in CUTS.items())
    read = con.sql(_LEADS.format(cuts=cuts), params=bind).to_arrow_table()
    # null hours become nan: a lead without them has no duration
    leads = {name: read[name].to_numpy() for name in read.schema.names}
    leads["target"] = _targets(leads, read_rows(con, settings.cycle_start))
    month = settings.cycle_start.year * 12 + settings.cycle_start.month - 1 - 5
    starts = {
        "month": settings.cycle_start,
        "half_year": settings.cycle_start.replace(year=month // 12, month=month % 12 + 1),
    }
    rows = []
    for period, first in starts.items():
        inside = np.flatnonzero(leads["is_month"].astype(bool)) if period == "month" else slice(None)
        of_period = {name: values[inside] for name, values in leads.items()}
        for kind, segment, at in _segments(of_period):
            keys = (period, first, settings.cycle_end, kind, segment)
            rows.append(
                dict(zip((name for name, _ in _KEYS), keys, strict=True))
                | _time_figures({name: values[at] for name, values in of_period.items()})
            )
    rows.sort(key=lambda row: (row["period_code"], row["segment_kind_code"], row["segment_code"]))
    return pa.Table.from_pylist(rows, schema=SCHEMAS["ttf"])


def _segments(leads: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str, np.ndarray]]:
    """(kind, segment, places of its leads), the whole first; nothing without leads."""
    everybody = np.arange(len(leads["age"]))
    if not len(everybody):
        return
    yield "all", "all", everybody
    for kind in CUTS:
        codes, of = np.unique(leads[kind].astype(str), return_inverse=True)
        order = np.argsort(of, kind="stable")
        bounds = np.searchsorted(of[order], np.arange(len(codes) + 1))
        for place, code in enumerate(codes):
            yield kind, str(code), order[bounds[place] : bounds[place + 1]]


def _targets(leads: Mapping[str, np.ndarray], rows: Rows) -> np.ndarray:
    """Hours within which each lead is due: what is in force for its channel and size on its day, else the default."""
    target = np.full(len(leads["age"]), response().default_hours)
    days = leads["created_on"].astype("datetime64[D]")
    changes = {day for row in (*rows.own, *rows.shipped) for day in (row.valid_from, row.valid_to) if day}
    edges = [np.datetime64("0001-01-01"), *(np.datetime64(day) for day in sorted(changes))]
    span = np.searchsorted(np.array(edges, dtype="datetime64[D]"), days, side="right") - 1
    pairs = np.char.add(np.char.add(leads["channel"].astype(str), "\n"), leads["size_band"].astype(str))
    cells, of = np.unique(np.char.add(np.char.add(pairs, "\n"), span.astype(str)), return_inverse=True)
    for place, cell in enumerate(cells.tolist()):
        channel, size, at = cell.split("\n")
        held = replace(rows, day=edges[int(at)].item()).of(TTF_RULE, Segment("channel_size", channel, size))
        if held:
            target[of == place] = float(held.threshold.value)
    return target


def _time_figures(leads: Mapping[str, np.ndarray]) -> dict[str, object]:
    """The columns of ttf beyond its keys, for the leads of one segment (at least one)."""
    status = leads["status"].astype(str)
    found: dict[str, object] = {
        "n_leads": len(status),
        "n_timed": int(np.count_nonzero(~np.isnan(leads["observed"]))),
        "n_contacted": int(np.count_nonzero(leads["is_contacted"])),
        "n_never_contacted": int(np.count_nonzero(status == "never_contacted")),
        "n_never_attempted": int(np.count_nonzero(leads["is_never_attempted"])),
        "n_negative": int(np.count_nonzero(status == "negative_ttf")),
        "n_day_only": int(np.count_nonzero(status == "day_only")),
    }
    for clock, (duration, event) in _CLOCKS.items():
        found |= _median_columns(clock, median_time(leads[duration], leads[event].astype(bool)), found)
    found["warning_code"] = _warning(leads)
    target = leads["target"][~np.isnan(leads["target"])]
    found["target_hours_min"] = decimal(float(target.min())) if len(target) else None
    found["target_hours_max"] = decimal(float(target.max())) if len(target) else None
    # a negative time or a day without an hour says of no target whether it was met
    timed = (
        ~np.isnan(leads["observed"]) & ~np.isnan(leads["target"]) & ~leads["is_created_day_only"].astype(bool)
    )
    due = timed & (leads["age"] >= leads["target"])
    found |= _met_columns("target", due, leads["hours"], leads["target"])
    due = timed & (leads["age"] >= np.maximum(leads["target"], _WEEK))
    return found | _met_columns("business_target", due, leads["business_hours"], leads["target"])


def _warning(leads: Mapping[str, np.ndarray]) -> str | None:
    """attempts_without_contact: half are tried within their target, and half are not reached within it (row PB12).

    A bonus on fast contacts invites calls that reach nobody; the share of each target tells, as targets differ.
    """
    tried = median_time(leads["attempt_observed"] / leads["target"], leads["is_attempted"].astype(bool))
    reached = median_time(leads["observed"] / leads["target"], leads["is_contacted"].astype(bool))
    if tried.value is None or tried.value > 1 or reached.reason == "no_units":
        return None
    return "attempts_without_contact" if reached.value is None or reached.value > 1 else None


def _median_columns(clock: str, found: MedianTime, counts: Mapping[str, object]) -> dict[str, object]:
    reason = found.reason
    if reason == "under_half":
        reason = "under_half_attempted" if clock == "attempt_hours" else "under_half_contacted"
    elif reason == "no_units":
        reason = "contact_day_only" if counts["n_day_only"] else "no_contacted_lead"
    return {
        f"{clock}_median": decimal(found.value),
        f"{clock}_low": decimal(found.low),
        f"{clock}_high": decimal(found.high),
        f"{clock}_reason_code": reason,
    }


def _met_columns(clock: str, due: np.ndarray, hours: np.ndarray, target: np.ndarray) -> dict[str, object]:
    """A target is met at its last instant too; who was never contacted has not met it (nan compares as False)."""
    n, met = int(np.count_nonzero(due)), int(np.count_nonzero(due & (hours <= target)))
    low, high = wilson(met, n)
    return {
        f"n_{clock}_due": n,
        f"n_{clock}_met": met,
        f"{clock}_met_rate": share(met, n),
        f"{clock}_met_low": decimal(low),
        f"{clock}_met_high": decimal(high),
        f"{clock}_reason_code": None if n else "no_lead_due",
    }


def _buckets(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    buckets = response().buckets
    cases = " ".join(f"when c.ttf_hours <= {edge:g} then '{code}'" for code, edge in buckets[:-1])
    unions = " ".join(
        f"union all select period_code, period_start, last_month, '{kind}', {column}, bucket_code, n, k from periods"
        for kind, column in CUTS.items()
    )
    query = _BUCKETS.format(
        columns=", ".join(CUTS.values()),
        u_columns=", ".join(f"u.{column}" for column in CUTS.values()),
        cases=f"{cases} else '{buckets[-1][0]}'",
        unions=unions,
    )
    found = con.execute(query, {"window": settings.conversion_window_days}).fetchall()
    counted = {(*row[:5], row[5]): (row[6], row[7]) for row in found}
    edges = {**dict(buckets), **dict.fromkeys(ASIDE)}
    rows = []
    for segment in sorted({key[:5] for key in counted}):
        for rank, (code, edge) in enumerate(edges.items(), start=1):
            n, k = counted.get((*segment, code), (0, 0))
            reason = ASIDE.get(code) or (None if n else "no_leads")
            low, high = wilson(k, n) if reason is None else (None, None)
            rows.append(
                dict(zip((name for name, _ in _KEYS), segment, strict=True))
                | {
                    "bucket_code": code,
                    "bucket_rank": rank,
                    "until_hours": decimal(edge),
                    "n_leads": n,
                    "n_converted": k,
                    "conversion_rate": share(k, n) if reason is None else None,
                    "conversion_low": decimal(low),
                    "conversion_high": decimal(high),
                    "conversion_reason_code": reason,
                }
            )
    return pa.Table.from_pylist(rows, schema=SCHEMAS["ttf_buckets"])
