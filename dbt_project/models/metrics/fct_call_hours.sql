-- The hour is that of the called person: the zone of the lead, else the one zone of the country of lead or account.
-- A meeting is due to the last connected call with one of its guests in the days before it; a call-back to the calls
-- of the days before it that did not get through. Both belong to a call, are counted apart from the calls, then added.
{%- set window_s = var('meeting_window_days', 30) * 86400 %}
{%- set callback_s = var('callback_window_days', 7) * 86400 %}

with lead_zones as (
    select
        leads.lead_id,
        coalesce(stated.timezone, by_country.timezone) as timezone
    from {{ ref('fct_leads') }} as leads
    left join {{ ref('time_zones') }} as stated on leads.timezone = stated.timezone
    left join {{ ref('time_zones') }} as by_country
        on leads.country_code = by_country.country_code and by_country.is_only_of_country
    where coalesce(stated.timezone, by_country.timezone) is not null
),

account_zones as (
    select
        accounts.account_id,
        by_country.timezone
    from {{ ref('dim_accounts') }} as accounts
    inner join {{ ref('time_zones') }} as by_country
        on accounts.country_code = by_country.country_code and by_country.is_only_of_country
),

calls as (
    select
        calls.rep_id,
        calls.person_id,
        calls.direction_code,
        calls.started_at,
        {{ epoch_micros('calls.started_at') }} as started_us,
        calls.outcome_code = 'answered' as is_answered,
        calls.outcome_code = 'failed' as is_failed,
        calls.outcome_code = 'answered' and calls.talk_s >= {{ var('connected_min_s', 30) }} as is_connected,
        case when calls.outcome_code = 'answered' then calls.talk_s else 0 end as talk_s,
        {{ seconds_between('calls.started_at', 'settings.as_of') }} >= {{ window_s }} as is_window_over,
        coalesce(lead_zones.timezone, account_zones.timezone) as person_timezone,
        settings.timezone as company_timezone
    from {{ ref('fct_calls') }} as calls
    cross join {{ run_settings() }} as settings
    left join lead_zones on calls.lead_id = lead_zones.lead_id
    left join account_zones on calls.account_id = account_zones.account_id
    where calls.direction_code <> 'internal' and calls.started_at < settings.as_of
),

known_meetings as (
    select
        meetings.occurrence_key,
        meetings.person_id,
        {{ epoch_micros('meetings.starts_at') }} as starts_us
    from {{ ref('fct_meetings') }} as meetings
    where meetings.is_held and meetings.person_id <> 'unknown'
),

meeting_calls as (
    select
        calls.*,
        row_number() over (
            partition by known_meetings.occurrence_key
            order by calls.started_us desc, calls.rep_id asc
        ) as call_rank
    from known_meetings
    inner join calls on known_meetings.person_id = calls.person_id
    where
        calls.is_connected
        and calls.direction_code = 'outbound'
        and calls.started_us < known_meetings.starts_us
        and known_meetings.starts_us - calls.started_us <= cast({{ window_s }} as bigint) * 1000000
),

missed as (
    select
        person_id,
        started_us
    from calls
    where direction_code = 'outbound' and not is_connected and person_id <> 'unknown'
),

-- A call-back is told by the last call before it that did not get through.
returned as (
    select
        calls.person_id,
        calls.started_us,
        max(missed.started_us) as missed_us
    from calls
    inner join missed on calls.person_id = missed.person_id
    where calls.direction_code = 'inbound' and missed.started_us < calls.started_us
    group by calls.person_id, calls.started_us
),

counted as (
    select
        rep_id,
        started_at,
        person_timezone,
        company_timezone,
        case when direction_code = 'outbound' then 1 else 0 end as n_dialled,
        case when direction_code = 'outbound' and is_answered then 1 else 0 end as n_answered,
        case when direction_code = 'outbound' and is_connected then 1 else 0 end as n_connected,
        case when direction_code = 'outbound' and is_failed then 1 else 0 end as n_failed,
        case when direction_code = 'outbound' then talk_s else 0 end as talk_s,
        case when direction_code = 'outbound' and is_connected and is_window_over then 1 else 0 end
            as n_connected_matured,
        0 as n_meetings,
        case when direction_code = 'inbound' then 1 else 0 end as n_inbound,
        0 as n_callbacks
    from calls
    union all
    select
        rep_id,
        started_at,
        person_timezone,
        company_timezone,
        0 as n_dialled,
        0 as n_answered,
        0 as n_connected,
        0 as n_failed,
        0 as talk_s,
        0 as n_connected_matured,
        case when is_window_over then 1 else 0 end as n_meetings,
        0 as n_inbound,
        0 as n_callbacks
    from meeting_calls
    where call_rank = 1
    union all
    select
        calls.rep_id,
        calls.started_at,
        calls.person_timezone,
        calls.company_timezone,
        0 as n_dialled,
        0 as n_answered,
        0 as n_connected,
        0 as n_failed,
        0 as talk_s,
        0 as n_connected_matured,
        0 as n_meetings,
        0 as n_inbound,
        1 as n_callbacks
    from calls
    inner join returned on calls.person_id = returned.person_id and calls.started_us = returned.started_us
    where
        calls.direction_code = 'inbound'
        and calls.started_us - returned.missed_us <= cast({{ callback_s }} as bigint) * 1000000
),

placed as (
    select
        *,
        {{ local_day('started_at', 'company_timezone') }} as called_on,
        case
            when person_timezone is not null
                then extract(hour from {{ local_clock('started_at', 'person_timezone') }})
        end as local_hour
    from counted
),

-- Numbers are grouped, texts are made of few rows.
hours as (
    select
        called_on,
        local_hour,
        rep_id,
        coalesce(lpad(cast(local_hour as string), 2, '0'), 'unknown') as local_hour_code,
        sum(n_dialled) as n_dialled,
        sum(n_answered) as n_answered,
        sum(n_connected) as n_connected,
        sum(n_failed) as n_failed,
        sum(talk_s) as talk_s,
        sum(n_connected_matured) as n_connected_matured,
        sum(n_meetings) as n_meetings,
        sum(n_inbound) as n_inbound,
        sum(n_callbacks) as n_callbacks
    from placed
    group by called_on, local_hour, rep_id
)

select
    called_on,
    local_hour_code,
    rep_id,
    cast(called_on as string) || '/' || local_hour_code || '/' || rep_id as call_hour_key,
    cast(n_dialled as bigint) as n_dialled,
    cast(n_answered as bigint) as n_answered,
    cast(n_connected as bigint) as n_connected,
    cast(n_failed as bigint) as n_failed,
    cast(talk_s as bigint) as talk_s,
    cast(n_connected_matured as bigint) as n_connected_matured,
    cast(n_meetings as bigint) as n_meetings,
    cast(n_inbound as bigint) as n_inbound,
    cast(n_callbacks as bigint) as n_callbacks
from hours
