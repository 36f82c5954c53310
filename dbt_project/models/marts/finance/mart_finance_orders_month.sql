-- The backlog is the running sum of what was ordered less what left or was cancelled; a month without an order keeps
-- the one of the month before.
with flows as (
    select * from {{ ref('fct_order_flows') }}
),

promises as (
    select * from {{ ref('fct_order_promises') }}
),

segmented_flows as (
    {{ segment_rows('flows', {'size_band': 'size_band_code'}) }}
),

segmented_promises as (
    {{ segment_rows('promises', {'size_band': 'size_band_code'}) }}
),

flow_months as (
    select
        segment_kind_code,
        segment_code,
        period_month,
        sum(case when flow_code = 'ordered' then 1 else 0 end) as n_ordered,
        {{ complete_sum('backlog_amount', "flow_code = 'ordered'") }} as ordered_amount,
        -{{ complete_sum('backlog_amount', "flow_code = 'shipped'") }} as shipped_amount,
        -{{ complete_sum('backlog_amount', "flow_code = 'cancelled'") }} as cancelled_amount,
        sum(coalesce(backlog_amount, 0)) as backlog_change,
        sum(n_lines) as n_lines_change,
        sum(n_unconverted_lines) as n_unconverted_change
    from segmented_flows
    group by segment_kind_code, segment_code, period_month
),

promise_months as (
    select
        segment_kind_code,
        segment_code,
        period_month,
        count(*) as n_promised,
        sum(case when is_late then 1 else 0 end) as n_late
    from segmented_promises
    group by segment_kind_code, segment_code, period_month
),

firsts as (
    select
        segment_kind_code,
        segment_code,
        min(period_month) as first_month
    from (
        select
            segment_kind_code,
            segment_code,
            period_month
        from flow_months
        union all
        select
            segment_kind_code,
            segment_code,
            period_month
        from promise_months
    ) as known_months
    group by segment_kind_code, segment_code
),

months as (
    select distinct
        firsts.segment_kind_code,
        firsts.segment_code,
        dates.period_month
    from firsts
    cross join {{ run_settings() }} as settings
    inner join {{ ref('dim_dates') }} as dates
        on firsts.first_month <= dates.period_month and settings.cycle_start >= dates.period_month
),

summed as (
    select
        months.period_month,
        months.segment_kind_code,
        months.segment_code,
        coalesce(flow_months.n_ordered, 0) as n_ordered,
        case when flow_months.period_month is null then 0 else flow_months.ordered_amount end as ordered_amount,
        case when flow_months.period_month is null then 0 else flow_months.shipped_amount end as shipped_amount,
        case when flow_months.period_month is null then 0 else flow_months.cancelled_amount end as cancelled_amount,
        sum(coalesce(flow_months.backlog_change, 0)) over running_months as backlog_amount,
        sum(coalesce(flow_months.n_lines_change, 0)) over running_months as n_lines_owed,
        sum(coalesce(flow_months.n_unconverted_change, 0)) over running_months as n_unconverted_lines,
        coalesce(promise_months.n_promised, 0) as n_promised,
        coalesce(promise_months.n_late, 0) as n_late
    from months
    left join flow_months
        on
            months.period_month = flow_months.period_month
            and months.segment_kind_code = flow_months.segment_kind_code
            and months.segment_code = flow_months.segment_code
    left join promise_months
        on
            months.period_month = promise_months.period_month
            and months.segment_kind_code = promise_months.segment_kind_code
            and months.segment_code = promise_months.segment_code
    window
        running_months as (
            partition by months.segment_kind_code, months.segment_code
            order by months.period_month asc nulls last
            rows between unbounded preceding and current row
        )
)

select
    summed.period_month,
    cast(summed.segment_kind_code as string) as segment_kind_code,
    cast(summed.segment_code as string) as segment_code,
    cast(summed.n_ordered as bigint) as n_ordered,
    cast(summed.ordered_amount as decimal(38, 4)) as ordered_amount,
    cast(summed.shipped_amount as decimal(38, 4)) as shipped_amount,
    cast(summed.cancelled_amount as decimal(38, 4)) as cancelled_amount,
    cast(summed.n_lines_owed as bigint) as n_lines_owed,
    cast(summed.n_unconverted_lines as bigint) as n_unconverted_lines,
    cast(case when summed.n_unconverted_lines = 0 then summed.backlog_amount end as decimal(38, 4)) as backlog_amount,
    case when summed.n_unconverted_lines > 0 then 'exchange_rate_missing' end as backlog_reason_code,
    cast(summed.n_promised as bigint) as n_promised,
    cast(summed.n_late as bigint) as n_late,
    {{ metric_ratio('summed.n_late', 'summed.n_promised') }} as late_delivery_rate,
    case when summed.n_promised = 0 then 'no_promised_line' end as late_delivery_reason_code,
    settings.reporting_currency
from summed
cross join {{ run_settings() }} as settings
