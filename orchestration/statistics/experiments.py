"""What the experiments of a company say at a cycle: read-out, arms, weekly looks (rows EX4-EX7, EX10, DE20, DE21).

Only assigned units count, in the arm they were given, whatever happened to them since. Of accounts the leads created in
[start_on, end_on) are read, of persons whether they converted from start_on to the end of the last window. Golden ids
move: a unit is found by its id and by the records it had when arms were drawn; a golden record with units of two arms
is contaminated and left out. A company without experiments costs nothing. What does NOT belong here: the tests
themselves (orchestration.experiments), protocols and arms (kept by the run).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from ingest.local_time import first_instant
from orchestration.experiments.kept import FINISHED, READY, UNITS, kept_experiments

if TYPE_CHECKING:
    from orchestration.experiments.readout import Cells, Opened
    from orchestration.settings import RunSettings

RATE = pa.decimal128(18, 10)
#: An experiment speaks for a segment while its end lies at most so many months before the cycle's: a year holds every
#: season once, and what a sequence brought under other people, lists and offers is no proof of what it brings now.
MOST_MONTHS = 12
_COUNT, _TEXT, _DAY, _YES = pa.int64(), pa.string(), pa.date32(), pa.bool_()

SCHEMAS: Mapping[str, pa.Schema] = {
    "experiments": pa.schema(
        [("experiment_code", _TEXT), ("protocol_sha256", _TEXT), ("registered_on", _DAY), ("start_on", _DAY),
         ("end_on", _DAY), ("unit_code", _TEXT), ("segment_kind_code", _TEXT), ("segment_code", _TEXT),
         ("control_arm_code", _TEXT), ("test_arm_code", _TEXT), ("status_code", _TEXT),
         *[(name, _COUNT) for name in (
             "n_assigned_units", "n_contaminated_units", "n_test_leads", "n_test_converted", "n_control_leads",
             "n_control_converted", "n_immature")],
         *[(name, RATE) for name in (
             "test_rate", "control_rate", "delta_points", "delta_low_points", "delta_high_points")],
         ("method_code", _TEXT), ("p_value", RATE), ("p_value_adjusted", RATE), ("p_method_code", _TEXT),
         *[(name, RATE) for name in (
             "pooled_points", "newcombe_low_points", "newcombe_high_points", "agresti_low_points",
             "agresti_high_points", "test_design_effect", "control_design_effect", "cuped_points",
             "cuped_low_points", "cuped_high_points", "cuped_variance_ratio", "ttf_p_value", "meetings_delta",
             "meetings_low", "meetings_high", "meetings_p_value", "assigned_ratio_p_value", "ratio_p_value")],
         ("is_ratio_mismatch", _YES), ("worst_difference", RATE), ("is_balanced", _YES),
         ("heterogeneity_p_value", RATE), ("is_heterogeneous", _YES), ("power_rate", RATE),
         ("detectable_points", RATE), ("success_points", RATE), ("n_leads_planned", _COUNT),
         ("complaints_code", _TEXT), ("complaints_points", RATE), ("complaints_high_points", RATE),
         ("guard_rail_code", _TEXT), ("is_bar_met", _YES), ("is_proved", _YES), ("is_valid", _YES),
         ("colour_code", _TEXT), ("reason_codes", _TEXT), ("flag_codes", _TEXT)]
    ),
    "experiment_arms": pa.schema(
        [("experiment_code", _TEXT), ("arm_code", _TEXT), ("is_control", _YES), ("weight_rate", RATE),
         *[(name, _COUNT) for name in (
             "n_assigned_units", "n_exposed_units", "n_units_with_leads", "n_leads",
             "n_immature", "n_converted")],
         ("conversion_rate", RATE), ("conversion_low", RATE), ("conversion_high", RATE),
         ("ttf_median_hours", RATE), ("ttf_low_hours", RATE), ("ttf_high_hours", RATE), ("ttf_reason_code", _TEXT),
         ("n_touches", _COUNT), ("n_meetings", _COUNT), ("meetings_per_touch_rate", RATE),
         ("meetings_reason_code", _TEXT),
         *[(name, _COUNT) for name in ("n_sent", "n_delivered", "n_complained", "n_unsubscribed", "n_bounced")],
         ("complaint_rate", RATE), ("complaint_upper_rate", RATE), ("reason_code", _TEXT)]
    ),
    "experiment_weeks": pa.schema(
        [("experiment_code", _TEXT), ("look_on", _DAY), ("metric_code", _TEXT),
         *[(name, _COUNT) for name in ("n_test", "n_test_events", "n_control", "n_control_events")],
         ("delta_points", RATE), ("low_points", RATE), ("high_points", RATE), ("signal_code", _TEXT),
         ("reason_code", _TEXT)]
    ),
}  # fmt: skip
DESCRIPTIONS = {
    "experiments": "Experiments that the cycle knows, each with its read-out and verdict or why it has none.",
    "experiment_arms": "Arms of the experiments that can be read: units, leads, conversion, contact, mails.",
    "experiment_weeks": "Weekly looks at conversion and guard rails, with intervals that hold at all looks together.",
}

_MEMBERS = """
create or replace temp table experiment_members as
with placed as (
  select u.*, e.unit_code, coalesce(a.account_id, x.account_id, p.person_id, y.person_id) as golden_id
  from read_parquet($units) as u join experiment_protocols as e using (experiment_code)
  left join master.dim_accounts as a on e.unit_code = 'account' and u.record_key is null and a.account_id = u.unit_id
  left join master.xref_accounts as x on e.unit_code = 'account' and x.record_key = u.record_key
  left join master.dim_persons as p on e.unit_code = 'person' and u.record_key is null and p.person_id = u.unit_id
  left join master.xref_persons as y on e.unit_code = 'person' and y.record_key = u.record_key
)
select experiment_code, golden_id, min(arm_code) as arm_code, min(stratum_code) as stratum_code,
  max(n_prior_leads) as n_prior_leads, max(n_prior_conversions) as n_prior_conversions,
  count(distinct arm_code) > 1 as is_contaminated, count(distinct unit_id) as n_units
from placed where golden_id <> 'unknown' group by experiment_code, golden_id
"""
_LEADS = """
create or replace temp table experiment_leads as
select m.experiment_code, m.arm_code, m.stratum_code, m.golden_id, c.lead_id, c.created_on as from_on,
  c.created_on + cast($window as integer) as until_on, c.is_matured, c.is_converted_in_window as is_converted,
  case when c.is_converted_in_window then l.converted_on end as converted_on, c.n_touches,
  case when c.ttf_status_code in ('contacted', 'never_contacted') then c.ttf_observed_hours end as ttf_hours,
  c.ttf_status_code = 'contacted' as is_contacted
from experiment_members as m join experiment_protocols as e using (experiment_code)
join metrics.fct_lead_cadences as c on c.account_id = m.golden_id
join master.fct_leads as l on l.lead_id = c.lead_id
where e.unit_code = 'account' and not m.is_contaminated and c.is_dated
  and c.created_on >= e.start_on and c.created_on < e.end_on
  and (e.channel_codes is null or list_contains(e.channel_codes, c.channel_code))
union all
select m.experiment_code, m.arm_code, m.stratum_code, m.golden_id, c.lead_id, e.start_on,
  e.end_on + cast($window as integer), e.end_on + cast($window as integer) <= $cycle_end,
  coalesce(l.converted_on >= e.start_on and l.converted_on < e.end_on + cast($window as integer)
    and l.converted_on < $cycle_end, false),
  case when l.converted_on >= e.start_on and l.converted_on < e.end_on + cast($window as integer)
    and l.converted_on < $cycle_end then l.converted_on end, 0, null, false
from experiment_members as m join experiment_protocols as e using (experiment_code)
join master.fct_leads as l on l.person_id = m.golden_id
join metrics.fct_lead_cadences as c on c.lead_id = l.lead_id
where e.unit_code = 'person' and not m.is_contaminated and c.created_on < e.start_on
  and (l.converted_on is null or l.converted_on >= e.start_on)
  and (e.channel_codes is null or list_contains(e.channel_codes, c.channel_code))
"""
# Touches of a person belong to the days of the experiment as his meetings do; those of a lead of an account are counted
# from its creation to the end of its window, as its meetings are.
_PERSON_TOUCHES = """
update experiment_leads set n_touches = counted.n from (
  select l.experiment_code, l.lead_id, count(*) as n
  from experiment_leads as l join experiment_protocols as e using (experiment_code)
  join master.fct_touches as t on t.lead_id = l.lead_id
  where e.unit_code = 'person' and t.occurred_on >= l.from_on and t.occurred_on < l.until_on and t.occurred_at < $as_of
  group by all) as counted
where experiment_leads.experiment_code = counted.experiment_code and experiment_leads.lead_id = counted.lead_id
"""
_CLUSTERS = """
with met as (
  select l.experiment_code, l.lead_id, count(*) as n_meetings
  from experiment_leads as l join master.fct_meetings as m on m.lead_id = l.lead_id
  where m.is_held and m.starts_on >= l.from_on and m.starts_on < l.until_on group by all)
select l.experiment_code, l.arm_code, l.stratum_code, l.golden_id,
  count(*) filter (where l.is_matured) as n, count(*) filter (where l.is_matured and l.is_converted) as x,
  count(*) as n_so_far, count(*) filter (where l.is_converted) as x_so_far,
  count(*) filter (where not l.is_matured) as n_immature,
  coalesce(sum(l.n_touches) filter (where l.is_matured), 0) as n_touches,
  coalesce(sum(met.n_meetings) filter (where l.is_matured), 0) as n_meetings,
  any_value(m.n_prior_leads) as n_prior_leads, any_value(m.n_prior_conversions) as n_prior_conversions
from experiment_leads as l join experiment_members as m using (experiment_code, golden_id)
left join met on met.experiment_code = l.experiment_code and met.lead_id = l.lead_id
group by all order by l.experiment_code, l.arm_code, l.golden_id
"""
_WAITS = """
select experiment_code, arm_code, ttf_hours, is_contacted, count(*) as n from experiment_leads
where is_matured and ttf_hours is not null group by all order by all
"""
_LEAD_WEEKS = """
select l.experiment_code, l.arm_code, (l.from_on - e.start_on) // 7 as week,
  case when l.is_converted then (l.converted_on - e.start_on) // 7 end as event_week, count(*) as n
from experiment_leads as l join experiment_protocols as e using (experiment_code) group by all order by all
"""
# Once by account and once by person: a join on one or the other would compare every mail with every unit.
_MAILS = """
create or replace temp table experiment_mails as
with mails as (
  select m.experiment_code, m.arm_code, m.golden_id, s.sent_at, s.is_sent, s.is_delivered, s.is_bounced_hard,
    s.is_complained and (s.complained_at is null or s.complained_at < $as_of) as is_complained,
    s.is_unsubscribed and (s.unsubscribed_at is null or s.unsubscribed_at < $as_of) as is_unsubscribed
  from experiment_members as m join experiment_protocols as e using (experiment_code)
  join master.fct_email_sends as s on s.account_id = m.golden_id
  where e.unit_code = 'account' and not m.is_contaminated and s.sent_at >= $first_at and s.sent_at < $as_of
  union all
  select m.experiment_code, m.arm_code, m.golden_id, s.sent_at, s.is_sent, s.is_delivered, s.is_bounced_hard,
    s.is_complained and (s.complained_at is null or s.complained_at < $as_of),
    s.is_unsubscribed and (s.unsubscribed_at is null or s.unsubscribed_at < $as_of)
  from experiment_members as m join experiment_protocols as e using (experiment_code)
  join master.fct_email_sends as s on s.person_id = m.golden_id
  where e.unit_code = 'person' and not m.is_contaminated and s.sent_at >= $first_at and s.sent_at < $as_of)
select m.experiment_code, m.arm_code, m.golden_id, w.week, count(*) filter (where m.is_sent) as n_sent,
  count(*) filter (where m.is_delivered) as n_delivered,
  count(*) filter (where m.is_delivered and m.is_complained) as n_complained,
  count(*) filter (where m.is_delivered and m.is_unsubscribed) as n_unsubscribed,
  count(*) filter (where m.is_sent and m.is_bounced_hard) as n_bounced
from mails as m join experiment_week_bounds as w
  on w.experiment_code = m.experiment_code and m.sent_at >= w.from_at and m.sent_at < w.until_at
group by all
"""
_MAIL_SUMS = """
select experiment_code, arm_code, {by}, cast(sum(n_sent) as bigint) as n_sent,
  cast(sum(n_delivered) as bigint) as n_delivered, cast(sum(n_complained) as bigint) as n_complained,
  cast(sum(n_unsubscribed) as bigint) as n_unsubscribed, cast(sum(n_bounced) as bigint) as n_bounced
from experiment_mails group by all order by all
"""
_ASSIGNED = """
select experiment_code, arm_code, stratum_code, unit_id, n_prior_leads, n_prior_conversions
from read_parquet($units) where record_key is null order by all
"""
# The bar of the experiment's last day that has one: what holds when it ends is what it is judged by.
_CEILINGS = """
select e.experiment_code, arg_max(d.complaint_max_rate, d.sent_on) as complaint_max_rate
from experiment_protocols as e
join metrics.fct_email_send_days as d on d.sent_on >= e.start_on and d.sent_on < e.end_on
group by e.experiment_code
"""
_CONTAMINATED = """
select experiment_code, arm_code, n_units as n from experiment_members where is_contaminated
"""
_EXPOSED = """
with exposed as (
  select distinct e.experiment_code, case e.unit_code when 'account' then p.account_id else p.person_id end as golden_id
  from experiment_protocols as e
  join staging.stg_crm__campaign_members as c on c.campaign_id = e.exposure_campaign
  join master.xref_persons as x on x.record_key = c.source_instance || '/crm_' || c.person_type || '/' || c.person_id
  join master.dim_persons as p on p.person_id = x.person_id
  where c.created_at < $as_of)
select m.experiment_code, m.arm_code, count(*) as n
from experiment_members as m join exposed using (experiment_code, golden_id) group by all order by all
"""


@dataclass(frozen=True)
class Tested:
    """What an experiment says about the light of its segment. complaints: proved_stable, not_proved, up or breach."""

    experiment_code: str
    experiment: str
    delta_points: Decimal | None
    is_gain_proved: bool
    is_heterogeneous: bool
    complaints: str | None
    power: Decimal | None


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    """The three tables of the cycle. Raises duckdb.Error when master or metrics lack a table."""
    work = _work(con)
    kept = kept_experiments(work) if work else []
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    if kept:
        _read_all(con, settings, work, kept, rows)
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def segments_tested(experiments: pa.Table, cycle_end: dt.date) -> dict[tuple[str, str], Tested]:
    """(kind, segment) -> what the last finished experiment on it says, if it is not too old at the cycle's end.

    experiments: the table of compute().
    """
    found = {}
    oldest = _months_before(cycle_end, MOST_MONTHS)
    names = {"worse": "up", "breach": "breach", "proved": "proved_stable", "not_proved": "not_proved"}
    for row in sorted(experiments.to_pylist(), key=lambda r: (r["end_on"], r["experiment_code"])):
        if row["status_code"] != FINISHED or row["end_on"] < oldest:
            continue
        state = "mismatch" if row["is_ratio_mismatch"] else "valid" if row["is_valid"] else "none"
        found[row["segment_kind_code"], row["segment_code"]] = Tested(
            experiment_code=row["experiment_code"],
            experiment=state,
            delta_points=row["delta_points"],
            is_gain_proved=bool(row["is_proved"]),
            is_heterogeneous=bool(row["is_heterogeneous"]),
            complaints=names.get(row["complaints_code"]),
            power=row["power_rate"],
        )
    return found


def _months_before(day: dt.date, months: int) -> dt.date:
    """The first of the month so many months before; a cycle ends on the first of a month."""
    place = day.year * 12 + day.month - 1 - months
    return dt.date(place // 12, place % 12 + 1, 1)


def _work(con: duckdb.DuckDBPyConnection) -> Path | None:
    """The work directory that the warehouse lies in; None for a database without a file."""
    query = "select path from duckdb_databases() where database_name = current_database()"
    path = con.execute(query).fetchall()[0][0]
    return Path(path).parent if path else None


def _read_all(
    con: duckdb.DuckDBPyConnection, settings: RunSettings, work: Path, kept: list[dict[str, Any]],
    rows: dict[str, list[dict[str, Any]]],
) -> None:  # fmt: skip
    # Imported here: a company without experiments pays for none of it.
    from orchestration.experiments.readout import Opened, adjust, arm_rows, experiment_row, week_rows

    opened = [Opened.of(told, settings) for told in kept]
    read = [each for each in opened if each.told["standing"] == READY and each.started]
    counted = _count(con, settings, work, read) if read else {}
    for each in opened:
        cells = counted.get(each.protocol.code)
        rows["experiments"].append(experiment_row(each, cells))
        if cells is not None:
            rows["experiment_arms"] += arm_rows(each, cells)
            rows["experiment_weeks"] += week_rows(each, cells)
    adjust(rows["experiments"])


def _count(
    con: duckdb.DuckDBPyConnection, settings: RunSettings, work: Path, read: list[Opened]
) -> dict[str, Cells]:
    """Everything the tables are made of, by experiment: one pass over leads, meetings and mails for all of them."""
    from orchestration.experiments.readout import Cells

    protocols = pa.Table.from_pylist(
        [
            {
                "experiment_code": each.protocol.code, "unit_code": each.protocol.unit,
                "start_on": each.protocol.start_on, "end_on": each.protocol.end_on,
                "channel_codes": each.protocol.segment.channel_code,
                "exposure_campaign": each.protocol.exposure_campaign,
            }
            for each in read
        ],
        schema=pa.schema(
            [("experiment_code", _TEXT), ("unit_code", _TEXT), ("start_on", _DAY), ("end_on", _DAY),
             ("channel_codes", pa.list_(_TEXT)), ("exposure_campaign", _TEXT)]
        ),
    )  # fmt: skip
    weeks = [
        {
            "experiment_code": each.protocol.code, "week": week,
            "from_at": first_instant(first, settings.timezone), "until_at": first_instant(last, settings.timezone),
        }
        for each in read
        for week, (first, last) in enumerate(each.weeks)
    ]  # fmt: skip
    bounds = pa.Table.from_pylist(
        weeks,
        schema=pa.schema(
            [("experiment_code", _TEXT), ("week", _COUNT), ("from_at", pa.timestamp("us")),
             ("until_at", pa.timestamp("us"))]
        ),
    )  # fmt: skip
    con.register("experiment_protocols", protocols)
    con.register("experiment_week_bounds", bounds)
    try:
        con.execute(_MEMBERS, {"units": str(work / UNITS)})
        window = {"window": settings.conversion_window_days}
        con.execute(_LEADS, {**window, "cycle_end": settings.cycle_end})
        if any(each.protocol.unit == "person" for each in read):
            con.execute(_PERSON_TOUCHES, {"as_of": settings.as_of})
        moments = {"as_of": settings.as_of, "first_at": min(week["from_at"] for week in weeks)}
        con.execute(_MAILS, moments)
        found = {
            "clusters": _rows(con, _CLUSTERS),
            "waits": _rows(con, _WAITS),
            "lead_weeks": _rows(con, _LEAD_WEEKS),
            "mail_weeks": _rows(con, _MAIL_SUMS.format(by="week")),
            "mail_clusters": _rows(con, _MAIL_SUMS.format(by="golden_id")),
            "exposed": _rows(con, _EXPOSED, {"as_of": settings.as_of}),
            "units": _rows(con, _ASSIGNED, {"units": str(work / UNITS)}),
            "contaminated": _rows(con, _CONTAMINATED),
            "ceilings": _rows(con, _CEILINGS),
        }
        return {each.protocol.code: Cells.of(found, each.protocol.code) for each in read}
    finally:
        for name in ("experiment_members", "experiment_leads", "experiment_mails"):
            con.execute(f"drop table if exists temp.{name}")
        con.unregister("experiment_protocols")
        con.unregister("experiment_week_bounds")


def _rows(
    con: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any] | None = None
) -> dict[str, pa.Table]:
    """Result of a query by experiment_code."""
    table = con.sql(query, params=values or {}).to_arrow_table()
    codes = table["experiment_code"].to_numpy(zero_copy_only=False).astype(str)
    return {code: table.filter(pa.array(codes == code)) for code in np.unique(codes).tolist()}
