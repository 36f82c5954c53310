-- Each metric is a column of a subject mart, unpivoted by the int_kpis models; nothing is defined a second time here.
-- Unit, tables that bring its events and what a month without rows means come from the metric's own YAML.
with computed as (
    select * from {{ ref('int_kpis_activity') }}
    union all
    select * from {{ ref('int_kpis_customers') }}
    union all
    select * from {{ ref('int_kpis_key_accounts') }}
    union all
    select * from {{ ref('int_kpis_leads') }}
    union all
    select * from {{ ref('int_kpis_orders') }}
    union all
    select * from {{ ref('int_kpis_pipeline') }}
    union all
    select * from {{ ref('int_kpis_quality') }}
    union all
    select * from {{ ref('int_kpis_reps') }}
    union all
    select * from {{ ref('int_kpis_revenue') }}
    union all
    select * from {{ ref('int_kpis_subscriptions') }}
),

metric_list (metric_name, unit_code, is_additive, empty_reason_code, earlier_reason_code) as (
    {{ published_metrics() }}
),

-- Recurring revenue is a state: the last list of subscriptions stands, so it names no table.
metric_contracts (metric_name, contract) as (
    {{ published_metric_contracts() }}
),

-- The month of the cycle of a metric whose source has sent nothing for it: neither 0 nor a part of the truth.
undelivered as (
    select distinct
        metric_contracts.metric_name,
        settings.cycle_start as period_month
    from metric_contracts
    inner join {{ ref('dq_source_deliveries') }} as deliveries
        on metric_contracts.contract = deliveries.contract and deliveries.is_late
    cross join {{ run_settings() }} as settings
),

first_months as (
    select
        metric_name,
        min(period_month) as first_month
    from computed
    group by metric_name
),

bounds as (
    select min(first_month) as first_month
    from first_months
),

spine_months as (
    select distinct dates.period_month
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    cross join bounds
    where
        dates.period_month <= settings.cycle_start
        and dates.period_month >= coalesce(bounds.first_month, settings.cycle_start)
    union
    -- months that the calendar does not know still hold their rows
    select computed.period_month
    from computed
),

-- The whole company has a row for every metric and month up to the cycle: a gap is said, not left out.
company_rows as (
    select
        metric_list.metric_name,
        spine_months.period_month,
        'all' as segment_kind_code,
        'all' as segment_code,
        case
            when computed.metric_name is not null then computed.metric_value
            when metric_list.is_additive and spine_months.period_month >= first_months.first_month then 0
        end as metric_value,
        computed.numerator,
        computed.denominator,
        case
            when computed.metric_name is not null then computed.reason_code
            when first_months.first_month is null then 'no_source_rows'
            when spine_months.period_month < first_months.first_month then metric_list.earlier_reason_code
            else metric_list.empty_reason_code
        end as reason_code,
        computed.caveat_code,
        computed.n_immature
    from metric_list
    cross join spine_months
    left join first_months on metric_list.metric_name = first_months.metric_name
    left join computed
        on
            metric_list.metric_name = computed.metric_name
            and spine_months.period_month = computed.period_month
            and computed.segment_kind_code = 'all'
),

all_rows as (
    select * from company_rows
    union all
    select * from computed
    where segment_kind_code <> 'all'
)

select
    cast(all_rows.metric_name as string) as metric_name,
    all_rows.period_month,
    cast(all_rows.segment_kind_code as string) as segment_kind_code,
    cast(all_rows.segment_code as string) as segment_code,
    cast(case when undelivered.metric_name is null then all_rows.metric_value end as decimal(38, 10)) as metric_value,
    cast(all_rows.numerator as decimal(38, 4)) as numerator,
    cast(all_rows.denominator as decimal(38, 4)) as denominator,
    cast(
        case when undelivered.metric_name is not null then 'no_delivery' else all_rows.reason_code end as string
    ) as reason_code,
    cast(all_rows.caveat_code as string) as caveat_code,
    cast(all_rows.n_immature as bigint) as n_immature,
    cast(metric_list.unit_code as string) as unit_code,
    cast(
        case when metric_list.unit_code = 'money' then settings.reporting_currency end as string
    ) as reporting_currency
from all_rows
inner join metric_list on all_rows.metric_name = metric_list.metric_name
left join undelivered
    on all_rows.metric_name = undelivered.metric_name and all_rows.period_month = undelivered.period_month
cross join {{ run_settings() }} as settings
