with closed as (
    select *
    from {{ ref('fct_opportunity_engagements') }}
    where is_closed
),

segmented as (
    {{ segment_rows('closed', {'channel': 'channel_code', 'size_band': 'size_band_code'}) }}
),

cells as (
    select
        {{ first_of_month('closed_on') }} as period_month,
        segment_kind_code,
        segment_code,
        count(*) as n_closed,
        sum(case when effort_s > 0 then 1 else 0 end) as n_with_effort,
        sum(case when is_won then 0 else effort_s end) as lost_effort_s,
        sum(effort_s) as closed_effort_s,
        sum(case when n_persons > 0 then 1 else 0 end) as n_with_group,
        sum(n_persons) as n_group_persons,
        {{ metric_median('case when n_persons > 0 then n_persons end') }} as group_size_median
    from segmented
    group by {{ first_of_month('closed_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_closed as bigint) as n_closed,
    cast(n_with_effort as bigint) as n_with_effort,
    cast(lost_effort_s as bigint) as lost_effort_s,
    cast(closed_effort_s as bigint) as closed_effort_s,
    {{ metric_ratio('lost_effort_s', 'closed_effort_s') }} as effort_on_lost_rate,
    case when closed_effort_s = 0 then 'no_recorded_effort' end as effort_reason_code,
    cast(n_with_group as bigint) as n_with_group,
    cast(n_group_persons as bigint) as n_group_persons,
    {{ metric_ratio('n_group_persons', 'n_with_group') }} as group_size_mean,
    group_size_median,
    case when n_with_group = 0 then 'no_two_way_contact' end as group_size_reason_code
from cells
