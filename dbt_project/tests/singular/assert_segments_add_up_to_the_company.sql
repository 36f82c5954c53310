-- Incident: rows without a channel fell out of the cut by channel, whose total was 6 % below the company's.
-- A segment without an amount (no exchange rate) leaves the company without one.
with cells as (
    select
        metric_name,
        period_month,
        segment_kind_code,
        coalesce(denominator, case when unit_code in ('count', 'money') then metric_value end) as amount
    from {{ ref('mart_management_kpis_month') }}
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
