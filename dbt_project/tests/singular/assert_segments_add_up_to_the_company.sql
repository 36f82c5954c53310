-- Incident: rows without a channel fell out of the cut by channel, whose total was 6 % below the company's.
-- A segment without an amount (no exchange rate) leaves the company without one. What a month without rows makes 0 adds
-- up itself, anything else by its denominator; that of a share of the company is the same in every segment.
with metric_list (metric_name, unit_code, is_additive, empty_reason_code, earlier_reason_code) as (
    {{ published_metrics() }}
),

cells as (
    select
        kpis.metric_name,
        kpis.period_month,
        kpis.segment_kind_code,
        case when metric_list.is_additive then kpis.metric_value else kpis.denominator end as amount
    from {{ ref('mart_management_kpis_month') }} as kpis
    inner join metric_list on kpis.metric_name = metric_list.metric_name
    where kpis.metric_name <> 'channel_revenue_share'
),

parts as (
    select
        metric_name,
        period_month,
        segment_kind_code,
        case when count(*) = count(amount) then sum(amount) end as amount
    from cells
    group by metric_name, period_month, segment_kind_code
)

select
    parts.metric_name,
    parts.period_month,
    parts.segment_kind_code,
    parts.amount,
    totals.amount as company_amount
from parts
inner join parts as totals
    on
        parts.metric_name = totals.metric_name
        and parts.period_month = totals.period_month
        and totals.segment_kind_code = 'all'
where parts.amount is distinct from totals.amount
