"""Times the Quantify step on planted facts: `python -m tests.bench.quantify [--leads N] [--cycles N]`.

Leads of so many months with ten touches each, written by SQL into the tables that the step reads. What does NOT belong
here: a bar; a machine that is busy is slow and no fault.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime
from multiprocessing import get_context
from pathlib import Path

import duckdb

from expectations.connection import connect
from orchestration.settings import RunSettings
from orchestration.statistics import quantify

AS_OF = datetime(2026, 7, 1)
_LEADS = """
create schema master; create schema metrics; create schema conforming;
create table conforming.int_contact_refusals (person_id varchar, channel_code varchar, refused_at timestamp,
  ends_at timestamp, is_of_flag boolean);
create table conforming.int_contact_exclusions (person_id varchar, account_id varchar, starts_at timestamp,
  ends_at timestamp);
create table drawn as
select i, 'lea_' || md5(i::varchar) as lead_id, 'acc_' || substr(md5((i % ({leads} // 5 + 1))::varchar), 1, 12)
    as account_id, 'rep' || i % 30 as rep_id, ['inbound', 'outbound', 'partner'][1 + i % 3] as channel_code,
  ['smb', 'mid', 'enterprise'][1 + (i // 3) % 3] as size_band_code,
  timestamp '{as_of}' - to_seconds(cast(hash(i) % ({months} * 2629800) as bigint)) as created_at,
  hash(i, 1) % 1000 / 1000 as u, cast(1 + hash(i, 2) % 19 as bigint) as n_touches
from range({leads}) as t (i);
create table outcomes as
select *, case when u < 0.03 + 0.005 * n_touches then created_at + to_seconds(cast(hash(i, 3) % 2592000 as bigint)) end
  as converted_at from drawn;
create table master.fct_touches as
select md5(i::varchar || '/' || k) as source_key,
  ['call', 'email', 'email', 'meeting'][cast(1 + hash(i, k) % 4 as bigint)] as source_stream_code,
  lead_id, account_id, rep_id,
  ['voice', 'email', 'email', 'meeting'][cast(1 + hash(i, k) % 4 as bigint)] as channel_code,
  'outbound' as direction_code, created_at + to_seconds(cast(hash(i, k, 1) % 2000000 as bigint)) as occurred_at,
  hash(i, k, 2) % 3 > 0 as is_effective
from outcomes as o, lateral (select unnest(range(o.n_touches)) as k);
create table master.fct_email_sends as
select source_key as send_key, hash(source_key) % 50 = 0 as is_replied,
  cast(null as timestamp) as replied_at from master.fct_touches
where source_stream_code = 'email';
create table master.fct_leads as select lead_id, converted_at, cast(converted_at as date) as converted_on,
  false as is_created_day_only, false as is_converted_day_only,
  case when i % 4 > 0 then cast(i % 101 as decimal(18, 4)) end as lead_score from outcomes;
create table conforming.int_undated_refusals as select 'per_' || substr(lead_id, 5) as person_id,
  true as is_mail_undated, false as is_call_undated from outcomes where i % 200 = 0;
create table master.dim_reps as select distinct rep_id, 'team' || substr(rep_id, 4)::int % 5 as team_name from outcomes;
create table master.dim_accounts as select account_id, min(size_band_code) as size_band_code,
  hash(account_id) % 20 = 0 as is_strategic from outcomes group by account_id;
create table metrics.fct_thresholds (threshold_key varchar, rule_code varchar, channel_code varchar,
  size_band_code varchar, threshold_value decimal(18,4), window_days int, origin_code varchar,
  threshold_version varchar, is_own boolean, valid_from date, valid_to date);
insert into metrics.fct_thresholds values
  ('ttf', 'ttf_max_hours', 'inbound', 'smb', 2, null, 'method_default', '1', false, null, null),
  ('yield', 'yield_horizon_days', 'all', 'all', 14, null, 'method_default', '1', false, null, null);
create table metrics.fct_email_send_days as select date '2026-06-10' as sent_on, 1000 as n_delivered, 1 as n_complained,
  cast(0.002 as decimal(18, 10)) as complaint_max_rate;
create table master.fct_opportunities as select 'opp' || i as opportunity_id, lead_id, account_id,
  created_at as opened_at, created_at + interval 40 days as closed_at, u < 0.05 as is_won, u > 0.12 as is_lost
  from outcomes where i % 7 = 0;
create table metrics.fct_lead_cadences as
select case when o.i % 2 = 0 then o.created_at end as mql_at, 'source' || o.i % 8 as source_code,
  o.lead_id, o.account_id, o.rep_id, o.channel_code, o.size_band_code, o.created_at,
  cast(o.created_at as date) as created_on, true as is_dated,
  o.created_at + interval 30 days <= timestamp '{as_of}' as is_matured,
  coalesce(o.converted_at < o.created_at + interval 30 days, false) as is_converted_in_window,
  coalesce(t.n_effective_touches, 0) as n_effective_touches, t.first_touch_at, t.first_effective_at,
  case when t.first_effective_at is null then 'never_contacted' else 'contacted' end as ttf_status_code,
  epoch(t.first_effective_at - o.created_at) / 3600 as ttf_hours,
  epoch(coalesce(t.first_effective_at, timestamp '{as_of}') - o.created_at) / 3600 as ttf_observed_hours,
  epoch(t.first_effective_at - o.created_at) / 14400 as ttf_business_hours,
  epoch(coalesce(t.first_effective_at, timestamp '{as_of}') - o.created_at) / 14400 as ttf_business_observed_hours,
  epoch(t.first_touch_at - o.created_at) / 3600 as attempt_hours,
  epoch(coalesce(t.first_touch_at, timestamp '{as_of}') - o.created_at) / 3600 as attempt_observed_hours
from outcomes as o left join (
  select lead_id, min(occurred_at) as first_touch_at,
    min(occurred_at) filter (where is_effective) as first_effective_at,
    count(*) filter (where is_effective) as n_effective_touches
  from master.fct_touches where occurred_at < timestamp '{as_of}' group by lead_id) as t on t.lead_id = o.lead_id;
drop table drawn; drop table outcomes;
"""


def plant(path: Path, leads: int, months: int) -> int:
    """A warehouse with the tables that the step reads; returns its touches."""
    with duckdb.connect(str(path), config={"threads": "2", "memory_limit": "3GB"}) as con:
        con.execute(_LEADS.format(leads=leads, months=months, as_of=AS_OF))
        return con.execute("select count(*) from master.fct_touches").fetchall()[0][0]


def cycle(path: Path, back: int) -> tuple[int, float, int]:
    """Rows, CPU seconds and largest MiB of a process that quantified the cycle so many months before June 2026."""
    month = 12 * 2026 + 5 - back
    first, end = date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    settings = RunSettings(
        company="bench", cycle=f"{first:%Y-%m}", as_of=datetime.combine(end, datetime.min.time()), cycle_start=first,
        cycle_end=end, reporting_currency="EUR", timezone="UTC", conversion_window_days=30, conversation_min_s=10,
        own_domains="", code_version="", policy_version="", run_id="",
    )  # fmt: skip
    used = time.process_time()
    with connect(path) as con:
        tables = quantify.compute(con, settings)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return sum(table.num_rows for table in tables.values()), time.process_time() - used, memory


def measure(leads: int, months: int, cycles: int, processes: int) -> dict[str, float]:
    """What `cycles` monthly cycles cost on one warehouse; memory is the largest process times the processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warehouse.duckdb"
        touches = plant(path, leads, months)
        began = time.perf_counter()
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            told = list(pool.map(cycle, [path] * cycles, range(cycles)))
        seconds = time.perf_counter() - began
    return {
        "cycles": cycles,
        "leads": leads,
        "touches": touches,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(sum(used for _, used, _ in told), 1),
        "rows": sum(rows for rows, _, _ in told),
        "memory_mib": processes * max(memory for _, _, memory in told),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=500_000, help="leads over all months")
    parser.add_argument("--months", type=int, default=36, help="months over which they came in")
    parser.add_argument("--cycles", type=int, default=36, help="monthly cycles, the last one June 2026")
    parser.add_argument("--processes", type=int, default=2, help="cycles quantified at the same time")
    given = parser.parse_args()
    print(measure(given.leads, given.months, given.cycles, given.processes))


if __name__ == "__main__":
    main()
