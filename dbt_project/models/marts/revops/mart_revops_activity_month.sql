with segmented as (
    {{ segment_rows(ref('fct_activity_days'), {
        'rep': 'rep_id', 'touch_channel': 'channel_code', 'handling': 'handling_code'
    }) }}
),

cells as (
    select
        {{ first_of_month('occurred_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_activities) as n_activities,
        sum(case when handling_code = 'human' then n_activities else 0 end) as n_human,
        sum(n_effective) as n_effective,
        sum(n_touches) as n_touches,
        sum(n_meetings) as n_meetings,
        sum(n_social_meetings) as n_social_meetings,
        sum(n_system_events) as n_system_events,
        sum(n_logged_events) as n_logged_events,
        count(distinct case when handling_code = 'human' and rep_id <> 'unknown' then rep_id end) as n_active_reps
    from segmented
    group by {{ first_of_month('occurred_on') }}, segment_kind_code, segment_code
),

months as (
    select
        period_month,
        n_activities as n_activities_month
    from cells
    where segment_kind_code = 'all'
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.n_activities as bigint) as n_activities,
    cast(cells.n_human as bigint) as n_human,
    cast(cells.n_activities - cells.n_human as bigint) as n_automated,
    cast(months.n_activities_month as bigint) as n_activities_month,
    {{ metric_ratio('cells.n_activities', 'months.n_activities_month') }} as activity_share_rate,
    cast(cells.n_effective as bigint) as n_effective,
    cast(cells.n_touches as bigint) as n_touches,
    cast(cells.n_meetings as bigint) as n_meetings,
    {{ metric_ratio('cells.n_meetings', 'cells.n_touches') }} as meetings_per_touch,
    case when cells.n_touches = 0 then 'no_touch' end as meetings_reason_code,
    cast(cells.n_social_meetings as bigint) as n_social_meetings,
    cast(cells.n_system_events as bigint) as n_system_events,
    cast(cells.n_logged_events as bigint) as n_logged_events,
    {{ metric_ratio('cells.n_logged_events', 'cells.n_system_events') }} as crm_logging_rate,
    case when cells.n_system_events = 0 then 'no_system_event' end as crm_logging_reason_code,
    cast(cells.n_active_reps as bigint) as n_active_reps
from cells
inner join months on cells.period_month = months.period_month
