"""What was known about a deal at the instant it entered a stage, and how it ended. No later edit comes in.

What does NOT belong here: the model (deal_score.py). Every feature looks back from `entered_at`, strictly: what
happened at that instant or later is not known yet. Attributes that the CRM overwrites without a history (size of
the account, kind of business, origin of the lead) are taken as they are, because they are set before the first stage;
the amount is rebuilt from its history, and unknown where the CRM keeps none.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.settings import RunSettings

Floats = NDArray[np.float64]

#: In the order in which they are given up when there are too few outcomes; the meaning stands in the source's YAML.
FEATURES = (
    "rep_win_logit",
    "log_account_touches_30d",
    "log_persons_touched",
    "log_days_open",
    "is_not_new_business",
    "has_won_before",
    "log_amount",
    "n_close_date_changes",
    "is_mid",
    "is_enterprise",
    "is_inbound",
    "is_outbound",
    "is_partner",
)
#: Outcomes of the whole company that a seller's own history is shrunk with.
_PRIOR_DEALS = 10

# As-of joins: the last running count before the instant, by account, seller or deal.
_QUERY = """
with passages as (
  select s.opportunity_id, s.stage_code, s.first_entered_at as entered_at, o.account_id, o.rep_id, o.opened_at,
    o.opportunity_type_code, o.size_band_code, l.channel_code, o.amount, o.is_won, o.is_lost,
    case when (o.is_won or o.is_lost) and o.closed_at < $as_of then o.closed_at end as closed_at,
    cast(date_trunc('month', o.closed_on) as date) as closed_month,
    o.stage_code as present_stage_code
  from master.fct_opportunity_stages as s
  join master.fct_opportunities as o on s.opportunity_id = o.opportunity_id
  left join master.fct_leads as l on o.lead_id = l.lead_id
  where s.stage_rank between 1 and 6 and s.n_source_rows > 0 and s.first_entered_at < $as_of
    and (o.closed_at is null or s.first_entered_at < o.closed_at)
    and not ((o.is_won or o.is_lost) and o.closed_at is null)
),
outcomes as (
  select opportunity_id, account_id, rep_id, closed_at, is_won from master.fct_opportunities
  where (is_won or is_lost) and closed_at < $as_of
),
rep_history as (
  select rep_id, closed_at as happened_at, count(*) over w as n_closed, count(*) filter (where is_won) over w as n_won
  from outcomes where rep_id <> 'unknown'
  window w as (partition by rep_id order by closed_at range between unbounded preceding and current row)
),
company_history as (
  select closed_at as happened_at, count(*) over w as n_closed, count(*) filter (where is_won) over w as n_won
  from outcomes window w as (order by closed_at range between unbounded preceding and current row)
),
account_wins as (
  select account_id, min(closed_at) as happened_at from outcomes where is_won and account_id <> 'unknown'
  group by account_id
),
touched as (
  select account_id, person_id, occurred_at as happened_at from master.fct_touches
  where account_id in (select account_id from passages where account_id <> 'unknown') and occurred_at < $as_of
),
touch_history as (
  select account_id, happened_at, count(*) over w as n from touched
  window w as (partition by account_id order by happened_at range between unbounded preceding and current row)
),
first_meetings as (
  select account_id, person_id, min(happened_at) as happened_at from touched where person_id <> 'unknown'
  group by account_id, person_id
),
person_history as (
  select account_id, happened_at, count(*) over w as n from first_meetings
  window w as (partition by account_id order by happened_at range between unbounded preceding and current row)
),
changes as (
  select o.record_key as opportunity_id, e.field, e.changed_at as happened_at, e.record_key,
    try_cast(e.old_value as double) as old_amount, try_cast(e.new_value as double) as new_amount
  from staging.stg_crm__opportunity_events as e
  join staging.stg_crm__opportunities as o
    on o.source_instance = e.source_instance and o.source_record_id = e.opportunity_id
  where e.field in ('amount', 'close_date') and not e.is_deleted
),
kept_histories as (
  select distinct opportunities.source_instance from staging.stg_crm__opportunities as opportunities
  join changes on changes.opportunity_id = opportunities.record_key and changes.field = 'amount'
),
amount_before as (
  select opportunity_id, happened_at, max_by(new_amount, record_key) as amount from changes where field = 'amount'
  group by opportunity_id, happened_at
),
amount_first as (
  select opportunity_id, min_by(old_amount, (happened_at, record_key)) as amount from changes
  where field = 'amount' group by opportunity_id
),
pushes as (
  select opportunity_id, happened_at, count(*) over w as n from changes where field = 'close_date'
  window w as (partition by opportunity_id order by happened_at range between unbounded preceding and current row)
)
select p.opportunity_id, p.stage_code, p.entered_at, p.closed_at, p.closed_month,
  p.is_won and p.closed_at is not null as is_won,
  p.stage_code = p.present_stage_code and p.closed_at is null as is_present,
  coalesce(r.n_closed, 0) as rep_closed, coalesce(r.n_won, 0) as rep_won,
  coalesce(c.n_closed, 0) as company_closed, coalesce(c.n_won, 0) as company_won,
  ln(1 + coalesce(t.n, 0) - coalesce(u.n, 0)) as log_account_touches_30d,
  ln(1 + coalesce(h.n, 0)) as log_persons_touched,
  ln(1 + greatest(epoch(p.entered_at) - epoch(coalesce(p.opened_at, p.entered_at)), 0) / 86400) as log_days_open,
  cast(p.opportunity_type_code <> 'new' as double) as is_not_new_business,
  cast(coalesce(a.happened_at < p.entered_at, false) as double) as has_won_before,
  ln(1 + abs(coalesce(b.amount, f.amount, case when k.source_instance is not null then cast(p.amount as double) end)))
    as log_amount,
  cast(coalesce(s.n, 0) as double) as n_close_date_changes,
  cast(p.size_band_code = 'mid' as double) as is_mid,
  cast(p.size_band_code = 'enterprise' as double) as is_enterprise,
  cast(coalesce(p.channel_code = 'inbound', false) as double) as is_inbound,
  cast(coalesce(p.channel_code = 'outbound', false) as double) as is_outbound,
  cast(coalesce(p.channel_code = 'partner', false) as double) as is_partner
from passages as p
asof left join rep_history as r on r.rep_id = p.rep_id and r.happened_at < p.entered_at
asof left join company_history as c on c.happened_at < p.entered_at
asof left join touch_history as t on t.account_id = p.account_id and t.happened_at < p.entered_at
asof left join touch_history as u on u.account_id = p.account_id and u.happened_at < p.entered_at - interval 30 days
asof left join person_history as h on h.account_id = p.account_id and h.happened_at < p.entered_at
asof left join amount_before as b on b.opportunity_id = p.opportunity_id and b.happened_at < p.entered_at
asof left join pushes as s on s.opportunity_id = p.opportunity_id and s.happened_at < p.entered_at
left join amount_first as f on f.opportunity_id = p.opportunity_id
left join staging.stg_crm__opportunities as o on o.record_key = p.opportunity_id
left join kept_histories as k on k.source_instance = o.source_instance
left join account_wins as a on a.account_id = p.account_id
order by p.opportunity_id, p.stage_code
"""


@dataclass(frozen=True)
class Passages:
    """One element per opportunity and stage really entered, ordered by opportunity and stage.

    closed_at: epoch seconds, NaN while open; is_present: the stage in which an open opportunity stands.
    features: n x len(FEATURES); a column without any value is NaN and is given up.
    """

    opportunity_ids: NDArray[np.str_]
    stages: NDArray[np.str_]
    entered_at: Floats
    closed_at: Floats
    closed_months: pa.ChunkedArray
    is_won: NDArray[np.bool_]
    is_present: NDArray[np.bool_]
    features: Floats


def read_passages(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Passages:
    """Every passage known at as_of. Raises duckdb.Error when master or staging lack a table."""
    found = con.sql(_QUERY, params={"as_of": settings.as_of}).to_arrow_table()
    columns = {name: found[name] for name in found.column_names}

    def floats(name: str) -> Floats:
        return columns[name].to_numpy(zero_copy_only=False).astype(np.float64)

    # A seller without outcomes is the company; the company without outcomes is even.
    company = (floats("company_won") + 0.5) / (floats("company_closed") + 1)
    share = (floats("rep_won") + _PRIOR_DEALS * company) / (floats("rep_closed") + _PRIOR_DEALS)
    values = {"rep_win_logit": np.log(share) - np.log1p(-share)}
    matrix = [values[name] if name in values else floats(name) for name in FEATURES]
    return Passages(
        opportunity_ids=columns["opportunity_id"].to_numpy(zero_copy_only=False).astype(str),
        stages=columns["stage_code"].to_numpy(zero_copy_only=False).astype(str),
        entered_at=_seconds(columns["entered_at"]),
        closed_at=_seconds(columns["closed_at"]),
        closed_months=columns["closed_month"],
        is_won=columns["is_won"].to_numpy(zero_copy_only=False).astype(bool),
        is_present=columns["is_present"].to_numpy(zero_copy_only=False).astype(bool),
        features=np.column_stack(matrix) if found.num_rows else np.empty((0, len(FEATURES))),
    )


def _seconds(column: pa.ChunkedArray) -> Floats:
    """UTC epoch seconds; NaN for null."""
    micros = column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    seconds = micros.astype(np.int64) / 1e6
    return np.where(np.isnat(micros), np.nan, seconds)
