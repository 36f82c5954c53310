-- A call in the dialler and the task the CRM wrote about it are one touch. The copy is told by the dialler's call id,
-- or by the same person on the same channel within five minutes of a system event (on the same day when the CRM
-- exports no time).
with activities as (
    select * from {{ ref('int_activities') }}
),

candidates as (
    select
        record_key,
        channel_code,
        person_id,
        occurred_at,
        is_day_only
    from activities
    where not is_deleted and activity_type in ('call', 'email', 'meeting') and person_id <> 'unknown'
),

system_events as (
    select
        'voice' as channel_code,
        person_id,
        started_at as occurred_at
    from {{ ref('fct_calls') }}
    where person_id <> 'unknown'
    union all
    select
        'email' as channel_code,
        person_id,
        sent_at as occurred_at
    from {{ ref('fct_email_sends') }}
    where person_id <> 'unknown' and is_sent
    union all
    select
        'meeting' as channel_code,
        person_id,
        starts_at as occurred_at
    from {{ ref('fct_meetings') }}
    where person_id <> 'unknown'
),

covered as (
    select activities.record_key
    from activities
    inner join {{ ref('fct_calls') }} as calls on activities.external_call_id = calls.call_id
    union
    select candidates.record_key
    from candidates
    inner join system_events
        on
            candidates.person_id = system_events.person_id
            and candidates.channel_code = system_events.channel_code
    cross join {{ run_settings() }} as settings
    where
        abs({{ seconds_between('candidates.occurred_at', 'system_events.occurred_at') }}) <= 300
        or (
            candidates.is_day_only
            and {{ local_day('candidates.occurred_at', 'settings.timezone') }}
            = {{ local_day('system_events.occurred_at', 'settings.timezone') }}
        )
)

select
    activities.record_key,
    activities.source_instance,
    activities._delivery_id,
    activities._source_row_id,
    activities._record_part,
    case
        when activities.is_deleted then 'deleted_in_source'
        when activities.activity_type in ('task', 'note') then 'not_a_touch'
        when activities.is_automated then 'automated_activity'
        when covered.record_key is not null then 'double_logged'
        when activities.direction in ('inbound', 'internal') then 'not_outbound'
    end as reason_code
from activities
left join covered on activities.record_key = covered.record_key
