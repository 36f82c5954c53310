-- Legs that cannot be true are left out and the others of a call folded first, then one row a call meets the (small)
-- contact points and handles. Whom the CRM says was called counts more than a number that no record bears.
with legs as (
    select legs.*
    from {{ ref('stg_telephony__call_legs') }} as legs
    left join {{ outlier_decisions(['call_duration_s']) }} as decided on legs.record_key = decided.record_key
    where not {{ is_outlier_error('decided', is_backward_leg('legs')) }}
),

calls as (
    select
        source_instance,
        call_id,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        min(started_at) filter (where direction = 'outbound') as outbound_at,
        min(started_at) filter (where direction = 'inbound') as inbound_at,
        min(external_phone) as external_phone,
        min(agent_key) filter (where outcome = 'answered') as answering_agent,
        min(agent_key) as first_agent,
        max(duration_s) as longest_leg_s,
        max(talk_s) filter (where outcome = 'answered') as talk_s,
        min(case outcome
            when 'answered' then 1
            when 'voicemail' then 2
            when 'machine' then 3
            when 'abandoned' then 4
            when 'busy' then 5
            when 'no_answer' then 6
            else 7
        end) as outcome_rank,
        count(*) as n_source_rows
    from legs
    group by source_instance, call_id
),

logged as (
    select
        external_call_id,
        min_by(person_id, record_key) as person_id,
        min_by(lead_id, record_key) as lead_id,
        min_by(account_id, record_key) as account_id
    from {{ ref('int_activities') }}
    inner join {{ ref('int_call_links') }} as links on external_call_id = links.call_id
    where external_call_id is not null and person_id <> 'unknown' and not is_deleted
    group by external_call_id
)

select
    calls.source_instance || '/' || calls.call_id as call_key,
    calls.source_instance,
    calls.call_id,
    coalesce(handles.rep_id, 'unknown') as rep_id,
    case
        when points.person_id <> 'unknown' and (points.is_on_record or logged.person_id is null) then points.person_id
        else coalesce(logged.person_id, 'unknown')
    end as person_id,
    case
        when points.person_id <> 'unknown' and (points.is_on_record or logged.person_id is null) then points.lead_id
        else coalesce(logged.lead_id, 'unknown')
    end as lead_id,
    coalesce(nullif(points.account_id, 'unknown'), logged.account_id, 'unknown') as account_id,
    case
        when calls.outbound_at <= calls.inbound_at or (calls.outbound_at is not null and calls.inbound_at is null)
            then 'outbound'
        when calls.inbound_at is not null then 'inbound'
        else 'internal'
    end as direction_code,
    calls.started_at,
    greatest(
        coalesce({{ seconds_between('calls.started_at', 'calls.ended_at') }}, calls.longest_leg_s, 0), 0
    ) as duration_s,
    coalesce(calls.talk_s, 0) as talk_s,
    case calls.outcome_rank
        when 1 then 'answered'
        when 2 then 'voicemail'
        when 3 then 'machine'
        when 4 then 'abandoned'
        when 5 then 'busy'
        when 6 then 'no_answer'
        else 'failed'
    end as outcome_code,
    calls.outcome_rank = 1 and coalesce(calls.talk_s, 0) >= settings.conversation_min_s as is_conversation,
    calls.n_source_rows
from calls
cross join {{ run_settings() }} as settings
left join {{ ref('bridge_person_contact_points') }} as points
    on points.contact_kind = 'phone' and calls.external_phone = points.contact_value
left join logged on calls.call_id = logged.external_call_id
left join {{ ref('int_rep_handles') }} as handles
    on lower(coalesce(calls.answering_agent, calls.first_agent)) = handles.handle_value
