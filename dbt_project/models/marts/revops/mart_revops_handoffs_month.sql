-- Three anchors in one mart: what marketing handed over counts in the month of the hand-over, what sales accepted in
-- that of the acceptance, a customer handed to customer success in the month in which the deal was won.
with events as (
    select
        handed_on as counted_on,
        channel_code,
        size_band_code,
        source_code,
        rep_id,
        1 as n_mql,
        0 as n_sql,
        case when is_sla_over then 1 else 0 end as n_sla_over,
        case when is_lost then 1 else 0 end as n_lost,
        case when is_matured then 1 else 0 end as n_matured,
        case when is_accepted_in_window then 1 else 0 end as n_accepted,
        lag_hours,
        0 as n_sql_matured,
        0 as n_sql_with_opportunity,
        0 as n_cs_handoffs,
        0 as n_cs_unjudged,
        0 as n_cs_without_team,
        0 as n_cs_without_account,
        0 as n_cs_sla_over,
        0 as n_cs_lost,
        cast(null as decimal(18, 4)) as cs_lag_days
    from {{ ref('fct_handoffs') }}
    where to_code = 'sales'
    union all
    select
        sql_on as counted_on,
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
        cast(null as decimal(18, 4)) as lag_hours,
        case when is_sql_matured then 1 else 0 end as n_sql_matured,
        case when is_sql_matured and is_sql_with_opportunity then 1 else 0 end as n_sql_with_opportunity,
        0 as n_cs_handoffs,
        0 as n_cs_unjudged,
        0 as n_cs_without_team,
        0 as n_cs_without_account,
        0 as n_cs_sla_over,
        0 as n_cs_lost,
        cast(null as decimal(18, 4)) as cs_lag_days
    from {{ ref('fct_lead_cadences') }}
    where sql_on is not null
    union all
    select
        handed_on as counted_on,
        channel_code,
        size_band_code,
        source_code,
        rep_id,
        0 as n_mql,
        0 as n_sql,
        0 as n_sla_over,
        0 as n_lost,
        0 as n_matured,
        0 as n_accepted,
        cast(null as decimal(18, 4)) as lag_hours,
        0 as n_sql_matured,
        0 as n_sql_with_opportunity,
        1 as n_cs_handoffs,
        case when reason_code is not null then 1 else 0 end as n_cs_unjudged,
        case when reason_code = 'no_customer_success' then 1 else 0 end as n_cs_without_team,
        case when reason_code = 'account_unknown' then 1 else 0 end as n_cs_without_account,
        case when is_sla_over then 1 else 0 end as n_cs_sla_over,
        case when is_lost then 1 else 0 end as n_cs_lost,
        lag_days as cs_lag_days
    from {{ ref('fct_handoffs') }}
    where to_code = 'customer_success'
),

segmented as (
    {{ segment_rows('events', {
        'channel': 'channel_code', 'size_band': 'size_band_code', 'source': 'source_code', 'rep': 'rep_id'
    }) }}
),

cells as (
    select
        {{ first_of_month('counted_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_mql) as n_mql,
        sum(n_sql) as n_sql,
        sum(n_sla_over) as n_sla_over,
        sum(n_lost) as n_lost,
        sum(n_matured) as n_matured,
        sum(n_accepted) as n_accepted,
        count(lag_hours) as n_with_lag,
        {{ metric_median('lag_hours') }} as lag_hours_median,
        sum(n_sql_matured) as n_sql_matured,
        sum(n_sql_with_opportunity) as n_sql_with_opportunity,
        sum(n_cs_handoffs) as n_cs_handoffs,
        sum(n_cs_unjudged) as n_cs_unjudged,
        sum(n_cs_without_team) as n_cs_without_team,
        sum(n_cs_without_account) as n_cs_without_account,
        sum(n_cs_sla_over) as n_cs_sla_over,
        sum(n_cs_lost) as n_cs_lost,
        count(cs_lag_days) as n_cs_with_lag,
        {{ metric_median('cs_lag_days') }} as cs_lag_days_median
    from segmented
    group by {{ first_of_month('counted_on') }}, segment_kind_code, segment_code
),

known_opportunities as (
    select coalesce(max(case when are_opportunities_told then 1 else 0 end) = 1, false) as are_told
    from {{ ref('fct_lead_cadences') }}
),

reasoned as (
    select
        cells.*,
        known_opportunities.are_told as are_opportunities_told,
        case
            when cells.n_cs_handoffs = 0 then 'no_won_deal'
            when cells.n_cs_handoffs = cells.n_cs_unjudged and cells.n_cs_without_team > 0 then 'no_customer_success'
            when cells.n_cs_handoffs = cells.n_cs_unjudged and cells.n_cs_without_account > 0 then 'account_unknown'
            when cells.n_cs_handoffs = cells.n_cs_unjudged then 'definition_missing'
        end as cs_reason_code
    from cells
    cross join known_opportunities
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
    end as lag_reason_code,
    cast(n_sql_matured as bigint) as n_sql_matured,
    cast(n_sql - n_sql_matured as bigint) as n_sql_immature,
    cast(n_sql_with_opportunity as bigint) as n_sql_with_opportunity,
    {{ metric_ratio('n_sql_with_opportunity', 'n_sql_matured') }} as sql_to_opp_rate,
    case
        when n_sql = 0 then 'no_sql'
        when not are_opportunities_told then 'no_opportunity'
        when n_sql_matured = 0 then 'cohort_immature'
    end as sql_to_opp_reason_code,
    cast(n_cs_handoffs as bigint) as n_cs_handoffs,
    cast(n_cs_unjudged as bigint) as n_cs_unjudged,
    cast(n_cs_sla_over as bigint) as n_cs_sla_over,
    cast(n_cs_handoffs - n_cs_unjudged - n_cs_sla_over as bigint) as n_cs_sla_open,
    cast(n_cs_lost as bigint) as n_cs_lost,
    {{ metric_ratio('n_cs_lost', 'n_cs_sla_over') }} as cs_handoff_loss_rate,
    coalesce(cs_reason_code, case when n_cs_sla_over = 0 then 'cohort_immature' end) as cs_handoff_loss_reason_code,
    cast(n_cs_with_lag as bigint) as n_cs_with_lag,
    cs_lag_days_median,
    coalesce(cs_reason_code, case when n_cs_with_lag = 0 then 'no_customer_success_touch' end) as cs_lag_reason_code
from reasoned
