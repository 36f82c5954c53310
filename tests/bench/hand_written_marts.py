"""Hand-written script, last part: the marts, with the segments and the reasons that the pipeline publishes.

What does NOT belong here: facts (hand_written_records, hand_written_events).
"""

from tests.bench.hand_written_files import AS_OF, local_day
from tests.bench.hand_written_groups import GROUPS_MONTH

CYCLE, CYCLE_END = "date '2026-06-01'", "date '2026-07-01'"
SIZE_AND_CHANNEL = {"channel": "channel_code", "size_band": "size_band_code"}


def ratio(numerator: str, denominator: str) -> str:
    """A rate of ten decimals, null without a denominator."""
    return f"cast(cast({numerator} as double) / nullif(cast({denominator} as double), 0) as decimal(18, 10))"


def quantile(value: str, share: float = 0.5) -> str:
    """A quantile of six decimals; nulls do not count."""
    return f"cast(quantile_cont(cast({value} as double), {share}) as decimal(18, 6))"


def complete_sum(amount: str, condition: str = "true") -> str:
    """A sum of the rows that fulfil a condition: 0 without rows, null when one of them has no amount."""
    return (
        f"cast(case when count(*) filter (where {condition} and {amount} is null) = 0 "
        f"then coalesce(sum({amount}) filter (where {condition}), 0) end as decimal(38, 4))"
    )


def cells(source: str, keys: str, cuts: dict[str, str], measures: str) -> str:
    """One row per keys for the whole and per keys and segment for each cut; no cut column is null in `source`."""
    kinds = " ".join(f"when grouping({column}) = 0 then '{kind}'" for kind, column in cuts.items())
    lead = f"{keys}, " if keys else ""
    sets = ", ".join([f"({keys})", *(f"({lead}{column})" for column in cuts.values())])
    return (
        f"select {lead}case {kinds} else 'all' end as segment_kind_code, "
        f"coalesce({', '.join(cuts.values())}, 'all') as segment_code, {measures} "
        f"from {source} group by grouping sets ({sets})"
    )


LEADS_CYCLE = cells(
    "cadences", "", SIZE_AND_CHANNEL,
    f"""count(*) as n_leads, count(created_at) as n_dated, count(*) - count(created_at) as n_undated,
    count(*) filter (where is_converted) as n_converted,
    count(*) filter (where is_conversion_undated) as n_converted_undated,
    {ratio("count(*) filter (where is_converted)", "count(*)")} as converted_share_rate,
    cast(0 as bigint) as n_touches_declared""",
)  # fmt: skip

LEADS_MONTH = f"""
with cells as ({
    cells(
        "cadences",
        "period_month",
        SIZE_AND_CHANNEL,
        f'''
    count(*) as n_leads, count(*) filter (where is_matured) as n_matured,
    count(*) filter (where not is_matured) as n_immature,
    count(*) filter (where is_matured and is_conversion_undated) as n_conversion_undated,
    count(*) filter (where is_matured and is_converted_in_window) as n_converted_in_window,
    cast(coalesce(sum(n_touches) filter (where is_matured), 0) as bigint) as n_touches,
    {quantile("case when is_matured then n_touches end")} as touches_median,
    {quantile("case when is_matured then n_touches end", 0.25)} as touches_first_quartile,
    {quantile("case when is_matured then n_touches end", 0.75)} as touches_third_quartile,
    count(*) filter (where ttf_status_code = 'contacted') as n_contacted,
    count(*) filter (where ttf_status_code = 'never_contacted') as n_never_contacted,
    count(*) filter (where ttf_status_code = 'negative_ttf') as n_negative_ttf,
    count(*) filter (where ttf_status_code = 'day_only') as n_contacted_day_only,
    {quantile("ttf_hours")} as ttf_hours_median, count(*) filter (where is_older_24h) as n_older_24h,
    count(*) filter (where is_older_24h and is_contacted_24h) as n_contacted_24h''',
    )
})
select *, {ratio("n_converted_in_window", "n_matured")} as conversion_rate,
    case when n_matured = 0 then 'cohort_immature' end as conversion_reason_code,
    {ratio("n_touches", "n_matured")} as touches_per_lead,
    case when n_matured = 0 then 'cohort_immature' end as touches_reason_code,
    case when n_contacted > 0 then null when n_contacted_day_only > 0 then 'contact_day_only'
        else 'no_contacted_lead' end as ttf_reason_code,
    {ratio("n_contacted_24h", "n_older_24h")} as contacted_24h_rate,
    case when n_older_24h = 0 then 'cohort_immature' end as contacted_24h_reason_code
from cells where period_month is not null"""

CLOSINGS = f"""
select cast(date_trunc('month', closed_on) as date) as period_month, o.size_band_code,
    coalesce(channel_code, 'unknown') as channel_code, is_won, is_lost, sales_cycle_days, amount_reporting,
    amount is not null and amount_reporting is null as is_unconverted
from fct_opportunities as o left join fct_leads using (lead_id) where not is_open and closed_on < {CYCLE_END}"""

OPPORTUNITIES_MONTH = f"""
with closings as ({CLOSINGS}),
cells as ({
    cells(
        "closings",
        "period_month",
        SIZE_AND_CHANNEL,
        f'''
    count(*) as n_closed, count(*) filter (where is_won) as n_won, count(*) filter (where is_lost) as n_lost,
    count(*) filter (where is_unconverted) as n_unconverted,
    cast(case when not bool_or(is_unconverted) then coalesce(sum(amount_reporting), 0) end as decimal(38, 4))
        as closed_amount,
    cast(case when not bool_or(is_unconverted and is_won) then coalesce(sum(amount_reporting) filter (where is_won), 0)
        end as decimal(38, 4)) as won_amount,
    count(sales_cycle_days) filter (where is_won) as n_won_with_cycle,
    {quantile("case when is_won then sales_cycle_days end")} as sales_cycle_days_median,
    sum(sales_cycle_days) filter (where is_won) as won_cycle_days,
    {quantile("case when is_lost then sales_cycle_days end")} as lost_cycle_days_median''',
    )
})
select * exclude (won_cycle_days), {ratio("n_won", "n_closed")} as win_rate,
    {ratio("won_amount", "closed_amount")} as win_amount_rate,
    case when closed_amount = 0 then 'no_closed_amount' when closed_amount is null then 'exchange_rate_missing' end
        as win_amount_reason_code,
    cast(cast(won_amount as double) / nullif(n_won, 0) as decimal(38, 10)) as avg_deal_amount,
    case when n_won = 0 then 'no_won_opportunity' when won_amount is null then 'exchange_rate_missing' end
        as avg_deal_reason_code,
    'EUR' as reporting_currency,
    {ratio("won_cycle_days", "n_won_with_cycle")} as sales_cycle_days_mean,
    case when n_won_with_cycle = 0 then 'no_won_opportunity' end as sales_cycle_reason_code
from cells"""

# A skipped stage counts as reached at the first later one; winning reaches every stage, losing none.
STAGES_MONTH = f"""
with entries as (
    select opportunity_id, stage_rank, entered_at from stage_entries where stage_rank between 1 and 6
    union all
    select opportunity_id, 7, closed_at from fct_opportunities where is_won),
passages as (
    select opportunity_id, funnel.stage_code, funnel.stage_rank, min(entered_at) as entered_at,
        max(entries.stage_rank) > funnel.stage_rank as is_next_reached
    from entries inner join funnel on entries.stage_rank >= funnel.stage_rank
    where entered_at < {AS_OF} group by opportunity_id, funnel.stage_code, funnel.stage_rank),
cut as (
    select passages.*, cast(date_trunc('month', {
    local_day("entered_at")
}) as date) as period_month, o.size_band_code,
        coalesce(channel_code, 'unknown') as channel_code, entered_at <= {
    AS_OF
} - interval 30 day as is_matured
    from passages inner join fct_opportunities as o using (opportunity_id) left join fct_leads using (lead_id)),
cells as ({
    cells(
        "cut",
        "period_month, stage_code, stage_rank",
        SIZE_AND_CHANNEL,
        '''
    count(*) as n_reached, count(*) filter (where is_matured) as n_matured,
    count(*) filter (where not is_matured) as n_immature,
    count(*) filter (where is_matured and is_next_reached) as n_reached_next''',
    )
})
select *, {ratio("n_reached_next", "n_matured")} as stage_conversion_rate,
    case when n_matured = 0 then 'cohort_immature' end as stage_conversion_reason_code
from cells"""

# New business is judged on the group: none of its months in the last twelve had revenue. A line without a rate is some.
REVENUE_MONTH = f"""
with lines as (
    select cast(date_trunc('month', invoiced_on) as date) as period_month, l.group_id, l.currency, net_amount,
        net_amount_reporting, l.is_recurring, coalesce(size_band_code, 'unknown') as size_band_code,
        coalesce(product_family, 'unknown') as product_family
    from fct_invoice_lines as l left join dim_accounts using (account_id) left join dim_products using (product_id)
    where not is_intercompany and invoiced_on < {CYCLE_END}),
group_months as (
    select group_id, period_month, group_id <> 'unknown' and coalesce(max(case when revenue <> 0 or n_unconverted > 0 then period_month end)
            over (partition by group_id order by period_month rows between unbounded preceding and 1 preceding)
            < period_month - interval 12 month, true) as is_new
    from (
        select group_id, period_month, sum(net_amount_reporting) as revenue,
            count(*) - count(net_amount_reporting) as n_unconverted
        from lines group by all)),
judged as (
    select lines.*, is_new, period_month < (select min(period_month) from lines) + interval 12 month as is_history_short
    from lines inner join group_months using (group_id, period_month)),
cells as ({
    cells(
        "judged",
        "period_month",
        {"size_band": "size_band_code", "product_family": "product_family", "currency": "currency"},
        f'''
    {complete_sum("net_amount_reporting")} as revenue_amount,
    {complete_sum("net_amount_reporting", "is_new")} as new_business_amount,
    {complete_sum("net_amount_reporting", "is_recurring")} as recurring_amount,
    cast(case when grouping(currency) = 0 then sum(net_amount) end as decimal(38, 4)) as source_currency_amount,
    count(*) as n_lines, count(*) - count(net_amount_reporting) as n_unconverted_lines,
    count(distinct group_id) as n_groups, count(distinct case when is_new then group_id end) as n_new_business_groups,
    bool_or(is_history_short) as is_history_short''',
    )
})
select * exclude (is_history_short), {
    ratio("new_business_amount", "revenue_amount")
} as new_business_share_rate,
    case when revenue_amount = 0 then 'no_revenue' when revenue_amount is null then 'exchange_rate_missing' end
        as new_business_share_reason_code,
    'EUR' as reporting_currency, case when revenue_amount is null then 'exchange_rate_missing' end as revenue_reason_code,
    case when new_business_amount is null then 'exchange_rate_missing' end as new_business_reason_code,
    case when is_history_short then 'history_under_12_months' end as new_business_caveat_code
from cells"""

MRR_MONTH = cells(
    "fct_mrr_movements", "period_month", {"size_band": "size_band_code"},
    ", ".join(
        f"cast(sum({m}_mrr) as decimal(38, 4)) as {m}_mrr"
        for m in ("opening", "new", "reactivation", "expansion", "contraction", "churn", "closing")
    )
    + """, 'EUR' as reporting_currency, count(*) filter (where opening_mrr > 0) as n_accounts_opening,
    count(*) filter (where new_mrr > 0) as n_accounts_new,
    count(*) filter (where reactivation_mrr > 0) as n_accounts_reactivated,
    count(*) filter (where churn_mrr < 0) as n_accounts_churned,
    count(*) filter (where closing_mrr > 0) as n_accounts_closing""",
)  # fmt: skip

SEND_DAYS = f"""
select {local_day("sent_at")} as sent_on, coalesce(size_band_code, 'unknown') as size_band_code,
    case when is_automated then 'automated' else 'one_to_one' end as sending_code,
    count(*) filter (where is_sent) as n_sent, count(*) filter (where is_delivered) as n_delivered,
    count(*) filter (where is_bounced_hard) as n_bounced_hard,
    count(*) filter (where complained_at < {AS_OF}) as n_complained,
    count(*) filter (where unsubscribed_at < {AS_OF}) as n_unsubscribed
from fct_email_sends left join dim_accounts using (account_id) where sent_at < {AS_OF} group by all"""
SENDINGS = {"size_band": "size_band_code", "sending": "sending_code"}
SEND_SUMS = ", ".join(
    f"cast(sum({n}) as bigint) as {n}"
    for n in ("n_sent", "n_delivered", "n_bounced_hard", "n_complained", "n_unsubscribed")
)

COMPLAINTS_WEEK = f"""
with weeks as (select *, cast(date_trunc('week', sent_on) as date) as iso_week_start_on from send_days),
cells as ({cells("weeks", "iso_week_start_on", SENDINGS, SEND_SUMS)})
select *, {ratio("n_complained", "n_delivered")} as complaint_rate, complaint_rate > 0.002 as is_complaint_breach,
    case when n_delivered = 0 then 'no_delivered_mail' end as complaint_reason_code,
    {ratio("n_unsubscribed", "n_delivered")} as unsubscribe_rate, {ratio("n_bounced_hard", "n_sent")} as bounce_rate,
    cast(0 as bigint) as n_replied
from cells"""

CONVERSION_CAVEAT = """case when n_conversion_undated > 0 then 'conversion_undated'
    when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature' end"""
LEADS_CAVEAT = "case when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature' end"
#: metric, unit, reason of a month without rows (null: such a month is a true zero), relation, value, numerator,
#: denominator, reason, caveat, immature
KPIS = [
    ("leads_new", "count", None, "mart_sales_leads_month", "n_leads"),
    ("cr", "rate", "no_lead", "mart_sales_leads_month", "conversion_rate", "n_converted_in_window", "n_matured",
     "conversion_reason_code", CONVERSION_CAVEAT, "n_immature"),
    ("touches_per_lead", "touches_per_lead", "no_lead", "mart_sales_leads_month", "touches_per_lead", "n_touches",
     "n_matured", "touches_reason_code", LEADS_CAVEAT, "n_immature"),
    ("ttf_hours", "hours", "no_lead", "mart_sales_leads_month", "ttf_hours_median", "null", "n_contacted",
     "ttf_reason_code"),
    ("contacted_24h_rate", "rate", "no_lead", "mart_sales_leads_month", "contacted_24h_rate", "n_contacted_24h",
     "n_older_24h", "contacted_24h_reason_code", "null", "n_leads - n_older_24h"),
    ("win_rate_close", "rate", "no_closed_opportunity", "mart_sales_opportunities_month", "win_rate", "n_won", "n_closed"),
    ("win_amount_rate_close", "rate", "no_closed_opportunity", "mart_sales_opportunities_month", "win_amount_rate",
     "won_amount", "closed_amount", "win_amount_reason_code"),
    ("sales_cycle_days", "days", "no_closed_opportunity", "mart_sales_opportunities_month", "sales_cycle_days_median",
     "null", "n_won_with_cycle", "sales_cycle_reason_code"),
    ("stage_conversion", "rate", "no_stage_entered", "stage_months", ratio("n_reached_next", "n_matured"),
     "n_reached_next", "n_matured", "case when n_matured = 0 then 'cohort_immature' end", LEADS_CAVEAT, "n_immature"),
    ("revenue_total", "money", None, "mart_finance_revenue_month", "revenue_amount", "null", "null",
     "revenue_reason_code"),
    ("revenue_new_business", "money", None, "mart_finance_revenue_month", "new_business_amount", "null", "null",
     "new_business_reason_code", "new_business_caveat_code"),
    ("revenue_new_business_share", "rate", "no_revenue", "mart_finance_revenue_month", "new_business_share_rate",
     "new_business_amount", "revenue_amount", "new_business_share_reason_code", "new_business_caveat_code"),
    ("mrr", "money", None, "mart_finance_mrr_month", "closing_mrr"),
    *((f"mrr_{m}", "money", None, "mart_finance_mrr_month", f"{m}_mrr")
      for m in ("new", "expansion", "contraction", "churn", "reactivation")),
    ("complaint_rate", "rate", "no_delivered_mail", "send_months", ratio("n_complained", "n_delivered"), "n_complained",
     "n_delivered", "case when n_delivered = 0 then 'no_delivered_mail' end"),
]  # fmt: skip


def kpi_rows(name: str, unit: str, empty: str | None, relation: str, value: str, *more: str) -> str:
    """One metric of a mart as long rows."""
    numerator, denominator, reason, caveat, immature = (*more, *["null"] * (5 - len(more)))
    return (
        f"select '{name}' as metric_name, period_month, segment_kind_code, segment_code, "
        f"cast({value} as decimal(38, 10)) as metric_value, cast({numerator} as decimal(38, 4)) as numerator, "
        f"cast({denominator} as decimal(38, 4)) as denominator, cast({reason} as varchar) as reason_code, "
        f"cast({caveat} as varchar) as caveat_code, cast({immature} as bigint) as n_immature from {relation}"
    )


METRICS = ", ".join(f"('{k[0]}', '{k[1]}', " + (f"'{k[2]}')" if k[2] else "null)") for k in KPIS)

# The whole company has a row for every metric and month up to the cycle: a gap is said, not left out.
KPIS_MONTH = f"""
with send_cells as (select *, cast(date_trunc('month', sent_on) as date) as period_month from send_days),
send_months as ({cells("send_cells", "period_month", SENDINGS, SEND_SUMS)}),
stage_months as (
    select period_month, segment_kind_code, segment_code, sum(n_matured) as n_matured, sum(n_immature) as n_immature,
        sum(n_reached_next) as n_reached_next
    from mart_sales_stages_month group by all
    union all
    select period_month, 'stage', stage_code, n_matured, n_immature, n_reached_next
    from mart_sales_stages_month where segment_kind_code = 'all'),
computed as ({" union all ".join(kpi_rows(*k) for k in KPIS)}),
metrics (metric_name, unit_code, empty_reason_code) as (values {METRICS}),
firsts as (select metric_name, min(period_month) as first_month from computed group by metric_name),
months as (
    select cast(m as date) as period_month
    from generate_series((select min(first_month) from firsts), {CYCLE}, interval 1 month) as series (m)
    union select period_month from computed),
company as (
    select metric_name, period_month, 'all' as segment_kind_code, 'all' as segment_code,
        case when c.segment_code is not null then metric_value
            when empty_reason_code is null and period_month >= first_month then 0 end as metric_value,
        numerator, denominator,
        case when c.segment_code is not null then reason_code when first_month is null then 'no_source_rows'
            when period_month < first_month then 'before_first_row' else empty_reason_code end as reason_code,
        caveat_code, n_immature
    from metrics cross join months left join firsts using (metric_name)
    left join (from computed where segment_kind_code = 'all') as c using (metric_name, period_month))
select rows.*, unit_code, case when unit_code = 'money' then 'EUR' end as reporting_currency
from (from company union all from computed where segment_kind_code <> 'all') as rows
inner join metrics using (metric_name)"""

#: In order: KPIs read the marts before them.
MARTS = {
    "mart_sales_leads_cycle": "select '2026-06' as cycle, * from (" + LEADS_CYCLE + ")",
    "mart_sales_leads_month": LEADS_MONTH,
    "mart_sales_opportunities_month": OPPORTUNITIES_MONTH,
    "mart_sales_stages_month": STAGES_MONTH,
    "mart_finance_revenue_month": REVENUE_MONTH,
    "mart_finance_groups_month": GROUPS_MONTH,
    "mart_finance_mrr_month": MRR_MONTH,
    "send_days": SEND_DAYS,
    "mart_marketing_complaints_week": COMPLAINTS_WEEK,
    "mart_management_kpis_month": KPIS_MONTH,
}


def marts() -> list[str]:
    """The marts, one statement each."""
    return [f"create temp table {name} as {query}" for name, query in MARTS.items()]
