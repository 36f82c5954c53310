with segmented as (
    {{ segment_rows(ref('fct_call_hours'), {'rep': 'rep_id', 'local_hour': 'local_hour_code'}) }}
),

cells as (
    select
        {{ first_of_month('called_on') }} as period_month,
        segment_kind_code,
        segment_code,
        sum(n_dialled) as n_dialled,
        sum(n_answered) as n_answered,
        sum(n_connected) as n_connected,
        sum(n_failed) as n_failed,
        sum(talk_s) as talk_s,
        sum(n_connected_matured) as n_connected_matured,
        sum(n_meetings) as n_meetings,
        sum(n_inbound) as n_inbound,
        sum(n_callbacks) as n_callbacks
    from segmented
    group by {{ first_of_month('called_on') }}, segment_kind_code, segment_code
)

select
    period_month,
    cast(segment_kind_code as string) as segment_kind_code,
    cast(segment_code as string) as segment_code,
    cast(n_dialled as bigint) as n_dialled,
    cast(n_failed as bigint) as n_failed,
    cast(n_answered as bigint) as n_answered,
    cast(n_connected as bigint) as n_connected,
    {{ metric_ratio('n_connected', 'n_dialled') }} as connect_rate,
    case when n_dialled = 0 then 'no_call' end as connect_reason_code,
    cast(talk_s as bigint) as talk_s,
    cast(n_connected_matured as bigint) as n_connected_matured,
    cast(n_connected - n_connected_matured as bigint) as n_connected_immature,
    cast(n_meetings as bigint) as n_meetings,
    {{ metric_ratio('n_meetings', 'n_connected_matured') }} as meeting_rate,
    case
        when n_connected = 0 then 'no_connected_call'
        when n_connected_matured = 0 then 'cohort_immature'
    end as meeting_reason_code,
    cast(n_inbound as bigint) as n_inbound,
    cast(n_callbacks as bigint) as n_callbacks
from cells
