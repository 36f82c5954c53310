"""Thresholds of each segment: what is in force, what the data propose, whether that moves it (rows DE1 to DE4, DE19).

Reads the dated rows (metrics.fct_thresholds) as they hold on the last day of the cycle. Rules that no estimate speaks
about stand in the table with what is in force. Products `touch_yields`, `thresholds` and `threshold_loads`.
What does NOT belong here: the estimates (orchestration.audit), who keeps to a threshold (fct_lead_adherences).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb
import numpy as np
import pyarrow as pa

from expectations.thresholds import ALL, RULES, InForce, Threshold, in_force
from orchestration.audit.thresholds import (
    Proposal,
    decision,
    least_touches,
    mails_a_day,
    most_touches,
    plateau_touches,
    touches_a_day,
    ttf_target,
)
from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.audit.yields import Paths
from orchestration.settings import RunSettings
from orchestration.statistics import touch_yields
from orchestration.statistics.complaint_policy import complaint_policy
from orchestration.statistics.touch_yields import (
    RATE,
    SEGMENT_COLUMNS,
    Pooled,
    Segment,
    exact,
    in_order,
)

VALUE = pa.decimal128(18, 4)
SCHEMAS: Mapping[str, pa.Schema] = {
    "touch_yields": touch_yields.SCHEMA,
    "thresholds": pa.schema(
        [
            *SEGMENT_COLUMNS,
            ("rule_code", pa.string()),
            ("is_action", pa.bool_()),
            ("window_days", pa.int64()),
            ("in_force_value", VALUE),
            ("in_force_origin_code", pa.string()),
            ("in_force_version", pa.string()),
            ("in_force_from", pa.date32()),
            ("in_force_to", pa.date32()),
            ("method_default_value", VALUE),
            ("data_value", VALUE),
            ("data_low", VALUE),
            ("data_high", VALUE),
            ("n_units", pa.int64()),
            ("n_events", pa.int64()),
            ("method_code", pa.string()),
            ("reason_code", pa.string()),
            ("proposed_value", VALUE),
            ("proposed_origin_code", pa.string()),
            ("decision_code", pa.string()),
        ]
    ),
    "threshold_loads": pa.schema(
        [
            ("segment_kind_code", pa.string()),
            ("segment_code", pa.string()),
            ("n_leads", pa.int64()),
            ("n_leads_without_threshold", pa.int64()),
            ("n_work_days", pa.int64()),
            ("touches_a_day", RATE),
            ("capacity_a_day", RATE),
            ("load_rate", RATE),
            ("is_feasible", pa.bool_()),
            ("reason_code", pa.string()),
        ]
    ),
}
DESCRIPTIONS = {
    "touch_yields": "Conversion that goes with the next touch, by touch and segment.",
    "thresholds": "Thresholds by segment and rule: in force, proposed by the data, and whether that moves it.",
    "threshold_loads": "Touches a working day that the thresholds ask of the leads of the cycle, and the capacity.",
}
#: What the data say beside the rules: a third opinion on the number of touches, which is never in force.
PLATEAU = "plateau_touches"


@dataclass(frozen=True)
class Rows:
    """The dated rows and the day on which they are asked."""

    own: tuple[Threshold, ...]
    shipped: tuple[Threshold, ...]
    day: date

    def of(self, rule: str, segment: Segment) -> InForce | None:
        """What holds for a segment."""
        return in_force(self.own, self.shipped, rule, segment.channel, segment.size_band, self.day)

    def default(self, rule: str, segment: Segment) -> Threshold | None:
        """What the method says of it."""
        found = in_force((), self.shipped, rule, segment.channel, segment.size_band, self.day)
        return found.threshold if found else None

    def parameter(self, rule: str, segment: Segment) -> Fraction:
        """A parameter of the proposals. Raises LookupError where neither company nor method says it."""
        if (found := self.of(rule, segment)) is None:
            raise LookupError(f"no row of {rule} is in force on {self.day}")
        return Fraction(found.threshold.value)


def read_rows(con: duckdb.DuckDBPyConnection, day: date) -> Rows:
    """The rows of metrics.fct_thresholds."""
    found: dict[bool, list[Threshold]] = {True: [], False: []}
    for is_own, *values in con.execute(
        "select is_own, rule_code, channel_code, size_band_code, threshold_value, window_days, origin_code,"
        " threshold_version, valid_from, valid_to from metrics.fct_thresholds order by threshold_key"
    ).fetchall():
        names = (
            *("rule_code", "channel_code", "size_band_code", "value", "window_days", "origin_code"),
            *("version", "valid_from", "valid_to"),
        )
        found[is_own].append(Threshold.model_construct(**dict(zip(names, values, strict=True))))
    return Rows(tuple(found[True]), tuple(found[False]), day)


def compute(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    capacity: Mapping[str, Decimal] | None = None,
    bars: Bars = METHOD_BARS,
) -> Mapping[str, pa.Table]:
    """The three tables. capacity: touches a working day by team name, None where nobody has said it. bars: the
    least numbers without which the data propose nothing.

    Raises duckdb.Error when master or metrics lack a table, LookupError without the parameters that Etalon ships.
    """
    rows = read_rows(con, settings.cycle_end - timedelta(days=1))
    pairs = con.execute(
        "select distinct channel_code, size_band_code from metrics.fct_lead_cadences order by all"
    ).fetchall()
    windows = {
        (channel, size): row.threshold.window_days
        for channel, size in pairs
        if (row := rows.of("min_touches", Segment("channel_size", channel, size)))
    }
    whole = Segment(ALL, ALL, ALL)
    pooled = touch_yields.read_pooled(
        con, settings, int(rows.parameter("yield_horizon_days", whole)), windows
    )
    known = {each for pair in pairs for each in touch_yields.segments_of(*pair)}
    complaint_bar = complaint_policy(con, settings).max_rate
    segments = in_order(known | set(pooled.paths) | set(pooled.doses) | {whole})
    table = [
        row
        for segment in segments
        for rule in (*RULES, PLATEAU)
        if (row := _threshold(rule, segment, rows, pooled, windows, settings, bars, complaint_bar))
        is not None
    ]
    return {
        "touch_yields": touch_yields.yields_table(pooled),
        "thresholds": pa.Table.from_pylist(table, schema=SCHEMAS["thresholds"]),
        "threshold_loads": pa.Table.from_pylist(
            _loads(con, settings, rows, capacity), schema=SCHEMAS["threshold_loads"]
        ),
    }


def _threshold(
    rule: str,
    segment: Segment,
    rows: Rows,
    pooled: Pooled,
    windows: Mapping[tuple[str, str], int],
    settings: RunSettings,
    bars: Bars,
    complaint_bar: Fraction | None,
) -> dict[str, object] | None:
    """The row of a rule and segment; None where nothing is in force and nothing proposes."""
    held, default = rows.of(rule, segment), rows.default(rule, segment)
    proposal = _proposal(rule, segment, rows, pooled, bars, complaint_bar)
    if held is None and proposal is None:
        return None
    row = held.threshold if held else None
    decided = decision(proposal, row.value if row else None) if proposal else "keep"
    is_opinion = rule == PLATEAU
    decided = "none" if is_opinion else decided
    moves = decided in ("first", "change")
    window = row.window_days if row else None
    if window is None and (is_opinion or RULES[rule].is_windowed):
        window = windows.get((segment.channel, segment.size_band), settings.conversion_window_days)
    return {
        "period_start": pooled.first_day or settings.cycle_start,
        "period_end": pooled.end_day or settings.cycle_end,
        "segment_kind_code": segment.kind,
        "segment_code": segment.code,
        "rule_code": rule,
        "is_action": not is_opinion and RULES[rule].is_action,
        "window_days": window,
        "in_force_value": row.value if row else None,
        "in_force_origin_code": row.origin_code if row else None,
        "in_force_version": row.version if row else None,
        "in_force_from": row.valid_from if row else None,
        "in_force_to": row.valid_to if row else None,
        "method_default_value": default.value if default else None,
        "data_value": proposal.value if proposal else None,
        "data_low": proposal.low if proposal else None,
        "data_high": proposal.high if proposal else None,
        "n_units": proposal.n_units if proposal else None,
        "n_events": proposal.n_events if proposal else None,
        "method_code": proposal.method if proposal else None,
        "reason_code": proposal.reason if proposal else "not_from_data",
        "proposed_value": proposal.value if proposal and moves else row.value if row else None,
        "proposed_origin_code": "data" if moves else row.origin_code if row else None,
        "decision_code": decided,
    }


def _proposal(
    rule: str, segment: Segment, rows: Rows, pooled: Pooled, bars: Bars, complaint_bar: Fraction | None
) -> Proposal | None:
    """What the data say about a rule; None for a rule that they are not asked about.

    A cap on touches counts the same days as the least number of them, so that one pass serves both: a segment whose
    two rows have other days is told by its least number.
    """
    paths = pooled.paths.get(segment, Paths(()))
    if rule == "min_touches":
        return least_touches(paths, rows.parameter("coverage_rate", segment), bars)
    if rule == "max_touches":
        return most_touches(paths, rows.parameter("yield_floor_rate", segment), bars)
    if rule == PLATEAU:
        return plateau_touches(paths, bars)
    if rule == "ttf_max_hours":
        empty = [(0, 0)] * (len(touch_yields.TTF_EDGES) + 1)
        margin = rows.parameter("ttf_margin_rate", segment)
        return ttf_target(pooled.buckets.get(segment, empty), margin, bars)
    if rule == "max_mails_a_day":
        return mails_a_day(pooled.doses.get(segment, {}), complaint_bar)
    return None


def _loads(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    rows: Rows,
    capacity: Mapping[str, Decimal] | None,
) -> list[dict[str, object]]:
    """Touches a working day by team, segment and for the company, from the leads created in the cycle."""
    counted = con.execute(
        "select c.channel_code, c.size_band_code, coalesce(r.team_name, 'unknown') as team, count(*)"
        " from metrics.fct_lead_cadences as c left join master.dim_reps as r on r.rep_id = c.rep_id"
        " where c.is_dated and c.created_on >= $start and c.created_on < $end group by all order by all",
        {"start": settings.cycle_start, "end": settings.cycle_end},
    ).fetchall()
    work_days = int(np.busday_count(settings.cycle_start, settings.cycle_end))
    asked: dict[tuple[str, str], list] = {("all", "all"): [0, 0, Fraction(0)]}
    for channel, size, team, n in counted:
        segment = Segment("channel_size", channel, size)
        held = rows.of("min_touches", segment)
        a_day = touches_a_day(n, held.threshold.value, work_days) if held else None
        for key in (("all", "all"), ("team", team), ("channel_size", segment.code)):
            cell = asked.setdefault(key, [0, 0, Fraction(0)])
            cell[0] += n
            cell[1] += 0 if held else n
            cell[2] += a_day or 0
    able = {team: Fraction(value) for team, value in (capacity or {}).items()}
    return [
        _load(kind, code, cell, work_days, sum(able.values()) if kind == "all" and able else able.get(code))
        for (kind, code), cell in sorted(asked.items())
    ]


def _load(kind: str, code: str, cell: list, work_days: int, capacity: Fraction | None) -> dict[str, object]:
    n, without, a_day = cell
    reasons = [
        ("no_leads", n == 0),
        ("no_threshold", n > 0 and without == n),
        ("capacity_is_of_teams", kind == "channel_size"),
        ("no_capacity", not capacity),
    ]
    reason = next((name for name, holds in reasons if holds), None)
    is_asked = work_days > 0 and n > without
    load = a_day / capacity if reason is None and is_asked and capacity else None
    return {
        "segment_kind_code": kind,
        "segment_code": code,
        "n_leads": n,
        "n_leads_without_threshold": without,
        "n_work_days": work_days,
        "touches_a_day": exact(a_day) if is_asked else None,
        "capacity_a_day": exact(capacity) if kind != "channel_size" else None,
        "load_rate": exact(load),
        "is_feasible": None if load is None else load <= 1,
        "reason_code": reason,
    }
