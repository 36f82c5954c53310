-- Two anchors in one mart: what marketing handed over counts in the month of the hand-over, what sales accepted in the
-- month of the acceptance.
with events as (
    select
        mql_on as qualified_on,
        channel_code,
        size_band_code,
        source_code,
        rep_id,
        1 as n_mql,
        0 as n_sql,
        case when is_handoff_sla_over then 1 else 0 end as n_sla_over,
        case when is_handoff_sla_over and not is_handoff_touched_in_sla then 1 else 0 end as n_lost,
        case when is_handoff_matured then 1 else 0 end as n_matured,
        case when is_handoff_matured and is_handoff_accepted then 1 else 0 end as n_accepted,
        handoff_lag_hours
    from {{ ref('fct_lead_cadences') }}
    where mql_on is not null
    union all
    select
        sql_on as qualified_on,
        channel_code,
        size_band_code,
        source_code,
        rep_id,
        0 as n_mql,
        1 as n_sql,
        0 as n_sla_over,
        0 as n_lost,
        0 as n_matured,
        0 as n_accepted,
        cast(null as decimal(18, 4)) as handoff_lag_hours
    from {{ ref('fct_lead_cadences') }}
    where sql_on is not null
),

segmented as (
    {{ segment_rows('events', {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'source': 'source_code', 'rep': 'rep_id'
    }) }}
),

cells as (
    select
        {{ first_of_month('qualified_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_mql) as n_mql,
        sum(n_sql) as n_sql,
        sum(n_sla_over) as n_sla_over,
        sum(n_lost) as n_lost,
        sum(n_matured) as n_matured,
        sum(n_accepted) as n_accepted,
        count(handoff_lag_hours) as n_with_lag,
        {{ metric_median('handoff_lag_hours') }} as lag_hours_median
    from segmented
    group by {{ first_of_month('qualified_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_mql as bigint) as n_mql,
    cast(n_sql as bigint) as n_sql,
    cast(n_sla_over as bigint) as n_sla_over,
    cast(n_mql - n_sla_over as bigint) as n_sla_open,
    cast(n_lost as bigint) as n_lost,
    {{ metric_ratio('n_lost', 'n_sla_over') }} as handoff_loss_rate,
    case
        when n_mql = 0 then 'no_handoff'
        when n_sla_over = 0 then 'cohort_immature'
    end as handoff_loss_reason_code,
    cast(n_matured as bigint) as n_matured,
    cast(n_mql - n_matured as bigint) as n_immature,
    cast(n_accepted as bigint) as n_accepted,
    {{ metric_ratio('n_accepted', 'n_matured') }} as handoff_acceptance_rate,
    case
        when n_mql = 0 then 'no_handoff'
        when n_matured = 0 then 'cohort_immature'
    end as handoff_acceptance_reason_code,
    cast(n_with_lag as bigint) as n_with_lag,
    lag_hours_median,
    case
        when n_mql = 0 then 'no_handoff'
        when n_with_lag = 0 then 'no_contacted_lead'
    end as lag_reason_code
from cells
