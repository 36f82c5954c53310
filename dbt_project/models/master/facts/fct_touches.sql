{{ config(materialized="view") }}

with touches as (
    select
        'call' as source_stream_code,
        call_key as source_key,
        lead_id,
        person_id,
        account_id,
        rep_id,
        'voice' as channel_code,
        direction_code,
        started_at as occurred_at,
        false as is_day_only,
        is_conversation as is_effective,
        talk_s as duration_s
    from {{ ref('fct_calls') }}
    where
        (direction_code = 'outbound' and outcome_code <> 'failed')
        or (direction_code = 'inbound' and outcome_code = 'answered')
    union all
    select
        'email' as source_stream_code,
        send_key as source_key,
        lead_id,
        person_id,
        account_id,
        rep_id,
        'email' as channel_code,
        'outbound' as direction_code,
        sent_at as occurred_at,
        false as is_day_only,
        is_delivered as is_effective,
        cast(null as bigint) as duration_s
    from {{ ref('fct_email_sends') }}
    where is_sent and not is_automated
    union all
    select
        'meeting' as source_stream_code,
        meeting_key as source_key,
        lead_id,
        person_id,
        account_id,
        rep_id,
        'meeting' as channel_code,
        'outbound' as direction_code,
        starts_at as occurred_at,
        false as is_day_only,
        true as is_effective,
        duration_s
    from {{ ref('fct_meetings') }}
    where is_held
    union all
    select
        'activity' as source_stream_code,
        activities.record_key as source_key,
        activities.lead_id,
        activities.person_id,
        activities.account_id,
        activities.rep_id,
        activities.channel_code,
        coalesce(activities.direction, 'outbound') as direction_code,
        activities.occurred_at,
        activities.is_day_only,
        case activities.channel_code
            when 'voice' then coalesce(activities.duration_s, 0) >= settings.conversation_min_s
            else activities.channel_code in ('email', 'meeting')
        end as is_effective,
        activities.duration_s
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_activity_fates') }} as fates on activities.record_key = fates.record_key
    cross join {{ run_settings() }} as settings
    where fates.reason_code is null
)

select
    touches.source_stream_code || ':' || touches.source_key as touch_key,
    touches.source_stream_code,
    touches.source_key,
    touches.lead_id,
    touches.person_id,
    touches.account_id,
    touches.rep_id,
    touches.channel_code,
    touches.direction_code,
    touches.occurred_at,
    {{ local_day('touches.occurred_at', 'settings.timezone') }} as occurred_on,
    touches.is_day_only,
    touches.is_effective,
    touches.duration_s
from touches
cross join {{ run_settings() }} as settings
