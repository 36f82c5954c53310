-- A call in the dialler and the task the CRM wrote about it are one touch. The copy is told by the dialler's call id,
-- or by the same person on the same channel within five minutes of a system event (on the same day when the CRM exports
-- no time). An event has one copy: of two tasks beside one call the nearer is the copy, the other its own touch.
with activities as (
    select * from {{ ref('int_activities') }}
),

linked as (
    select
        activities.record_key,
        links.source_instance || '/' || links.call_id as event_key
    from activities
    inner join {{ ref('int_call_links') }} as links on activities.external_call_id = links.call_id
    where not activities.is_deleted
),

candidates as (
    select
        activities.record_key,
        activities.channel_code,
        activities.person_id,
        activities.occurred_at,
        activities.is_day_only
    from activities
    left join linked on activities.record_key = linked.record_key
    where
        not activities.is_deleted
        and not activities.is_automated
        and activities.activity_type in ('call', 'email', 'meeting')
        and activities.person_id <> 'unknown'
        and linked.record_key is null
),

system_events as (
    select
        'voice' as channel_code,
        calls.person_id,
        calls.started_at as occurred_at,
        calls.call_key as event_key
    from {{ ref('fct_calls') }} as calls
    where
        calls.person_id <> 'unknown'
        and not exists (
            select 1
            from linked
            where linked.event_key = calls.call_key
        )
    union all
    select
        'email' as channel_code,
        person_id,
        sent_at as occurred_at,
        send_key as event_key
    from {{ ref('fct_email_sends') }}
    where person_id <> 'unknown' and is_sent
    union all
    select
        'meeting' as channel_code,
        person_id,
        starts_at as occurred_at,
        meeting_key as event_key
    from {{ ref('fct_meetings') }}
    where person_id <> 'unknown'
),

meetable as (
    select
        candidates.record_key,
        candidates.channel_code,
        candidates.person_id,
        candidates.is_day_only,
        candidates.occurred_at as logged_at,
        system_events.event_key,
        system_events.occurred_at as event_at,
        abs({{ seconds_between('candidates.occurred_at', 'system_events.occurred_at') }}) as gap_s
    from candidates
    inner join system_events
        on
            candidates.person_id = system_events.person_id
            and candidates.channel_code = system_events.channel_code
    cross join {{ run_settings() }} as settings
    where
        case
            when not candidates.is_day_only
                then abs({{ seconds_between('candidates.occurred_at', 'system_events.occurred_at') }}) <= 300
            -- a day is 25 hours at most: the zone is asked for few events only
            when
                {{ seconds_between('candidates.occurred_at', 'system_events.occurred_at') }} >= 0
                and {{ seconds_between('candidates.occurred_at', 'system_events.occurred_at') }} < 90000
                then
                    {{ local_day('candidates.occurred_at', 'settings.timezone') }}
                    = {{ local_day('system_events.occurred_at', 'settings.timezone') }}
            else false
        end
),

pairs_1 as (
    select * from meetable
    where not is_day_only
),

-- The pairs in which each is the other's nearest, then the same among the rest. The nearest pair of all always is one.
{% for n in [1, 2, 3] -%}
    matched_{{ n }} as (
        select
            record_key,
            event_key
        from pairs_{{ n }}
        qualify
            row_number() over (partition by record_key order by gap_s, event_at, event_key) = 1
            and row_number() over (partition by event_key order by gap_s, logged_at, record_key) = 1
    ),

    pairs_{{ n + 1 }} as (
        select pairs.*
        from pairs_{{ n }} as pairs
        left join matched_{{ n }} as taken_tasks on pairs.record_key = taken_tasks.record_key
        left join matched_{{ n }} as taken_events on pairs.event_key = taken_events.event_key
        where taken_tasks.record_key is null and taken_events.event_key is null
    ),

{% endfor -%}

near_copies as (
    select * from matched_1
    union all
    select * from matched_2
    union all
    select * from matched_3
),

-- Without a time any event of the day fits: the first task of the day takes the first event that no other copy has.
day_pairs as (
    select
        meetable.record_key,
        meetable.event_key,
        dense_rank() over (
            partition by meetable.person_id, meetable.channel_code, meetable.logged_at
            order by meetable.record_key
        ) as task_rank,
        dense_rank() over (
            partition by meetable.person_id, meetable.channel_code, meetable.logged_at
            order by meetable.event_at, meetable.event_key
        ) as event_rank
    from meetable
    left join near_copies on meetable.event_key = near_copies.event_key
    where meetable.is_day_only and near_copies.event_key is null
),

copies as (
    select
        record_key,
        event_key
    from linked
    union
    select
        record_key,
        event_key
    from near_copies
    union
    select
        record_key,
        event_key
    from day_pairs
    where task_rank = event_rank
)

select
    activities.record_key,
    activities.source_instance,
    activities._delivery_id,
    activities._source_row_id,
    activities._record_part,
    case
        when activities.is_deleted then 'deleted_in_source'
        when {{ applies('not_a_touch', "activities.activity_type in ('task', 'note')") }} then 'not_a_touch'
        when activities.is_automated then 'automated_activity'
        when {{ applies('double_logged', 'copies.record_key is not null') }} then 'double_logged'
        when {{ applies('not_outbound', "activities.direction = 'internal'") }} then 'not_outbound'
        when
            {{ applies(
                'not_outbound',
                "activities.direction = 'inbound'
            and not (activities.activity_type = 'call' and coalesce(activities.duration_s, 0) > 0)"
            ) }}
            then 'not_outbound'
    end as reason_code,
    case
        when copies.event_key is null then null
        when activities.channel_code = 'voice' then 'call'
        else activities.channel_code
    end as event_stream_code,
    copies.event_key
from activities
left join copies on activities.record_key = copies.record_key
