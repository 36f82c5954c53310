-- Contacts that the policy (macro contact_policy) did not allow, with what proves it. Each check looks only at whom it
-- can concern: refusals are few, other clocks are few, and a person or company is windowed only with enough contacts.
{% set pause_us = contact_policy('cool_down_us') %}
{% set n_in_a_row = contact_policy('cool_down_touches') | int %}

with recursive contacts as (
    {{ contact_rows() }}
),

people as (
    {{ contact_people() }}
),

{{ contact_refusals() }},

timed as (
    select
        *,
        {{ epoch_micros('occurred_at') }} as at_us
    from contacts
    where not is_day_only
),

after_refusal as (
    select
        contacts.touch_key,
        min(refusals.refused_at) as proof_at
    from contacts
    inner join refusals on contacts.person_id = refusals.person_id
    where
        (refusals.channel_code = 'all' or contacts.channel_code = refusals.channel_code)
        and contacts.occurred_at >= refusals.refused_at
        and (refusals.ends_at is null or contacts.occurred_at < refusals.ends_at)
    group by contacts.touch_key
),

sender_zones as (
    select
        reps.rep_id,
        coalesce(zones.timezone, settings.timezone) as timezone
    from {{ ref('dim_reps') }} as reps
    cross join {{ run_settings() }} as settings
    left join {{ ref('time_zones') }} as zones on reps.timezone = zones.timezone
),

-- Whose zone no seller shares with all others is asked; where all sellers sit in one zone, the people of other zones.
elsewhere as (
    select people.*
    from people
    where
        people.timezone is not null
        and exists (
            select 1
            from sender_zones
            where sender_zones.timezone <> people.timezone
        )
),

clocks as (
    select
        timed.touch_key,
        {{ local_clock('timed.occurred_at', 'elsewhere.timezone') }} as recipient_clock,
        {{ local_clock('timed.occurred_at', 'sender_zones.timezone') }} as sender_clock
    from timed
    inner join elsewhere on timed.person_id = elsewhere.person_id
    inner join sender_zones on timed.rep_id = sender_zones.rep_id
    where timed.channel_code <> 'social' and not elsewhere.is_consumer and elsewhere.timezone <> sender_zones.timezone
),

outside_hours as (
    select
        touch_key,
        cast(extract(hour from recipient_clock) * 60 + extract(minute from recipient_clock) as bigint) as proof_value
    from clocks
    where
        recipient_clock <> sender_clock
        and (
            extract(hour from recipient_clock) < {{ contact_policy('send_from_hour') }}
            or extract(hour from recipient_clock) >= {{ contact_policy('send_until_hour') }}
        )
),

account_loads as (
    select
        touch_key,
        count(*) over (
            partition by account_id
            order by at_us asc nulls last
            range between {{ contact_policy('account_window_us') | int - 1 }} preceding and current row
        ) as proof_value
    from timed
    where account_id <> 'unknown' and not is_automated
),

-- A day has at most 25 hours, so only who got so many mails on two neighbouring days of UTC is asked for the local day.
mail_days as (
    select
        person_id,
        cast(occurred_at as date) as utc_day,
        count(*) as n_mails
    from timed
    where channel_code = 'email' and person_id <> 'unknown'
    group by person_id, cast(occurred_at as date)
),

mailed_often as (
    select distinct earlier.person_id
    from mail_days as earlier
    left join mail_days as later
        on earlier.person_id = later.person_id and later.utc_day = cast(earlier.utc_day + interval '1' day as date)
    where earlier.n_mails + coalesce(later.n_mails, 0) > {{ contact_policy('mail_max_a_day') }}
),

local_mails as (
    select
        timed.touch_key,
        timed.person_id,
        timed.at_us,
        cast({{ local_clock('timed.occurred_at', 'people.timezone') }} as date) as local_on
    from timed
    inner join mailed_often on timed.person_id = mailed_often.person_id
    inner join people on timed.person_id = people.person_id
    where timed.channel_code = 'email' and people.timezone is not null
),

mail_loads as (
    select
        touch_key,
        count(*) over (
            partition by person_id, local_on
            order by at_us asc nulls last
            range between unbounded preceding and current row
        ) as proof_value
    from local_mails
),

-- A conversation, a reply, a call or a meeting of the person ends the row of contacts without an answer.
contacted_often as (
    select person_id
    from timed
    where person_id <> 'unknown'
    group by person_id
    having count(*) > {{ n_in_a_row }}
),

moments as (
    select
        timed.person_id,
        timed.touch_key,
        timed.at_us,
        0 as is_answer
    from timed
    inner join contacted_often on timed.person_id = contacted_often.person_id
    union all
    select
        timed.person_id,
        cast(null as string) as touch_key,
        timed.at_us,
        1 as is_answer
    from timed
    inner join contacted_often on timed.person_id = contacted_often.person_id
    where timed.is_conversation
    union all
    select
        sends.person_id,
        cast(null as string) as touch_key,
        {{ epoch_micros('sends.replied_at') }} as at_us,
        1 as is_answer
    from {{ ref('fct_email_sends') }} as sends
    inner join contacted_often on sends.person_id = contacted_often.person_id
    where sends.replied_at is not null
    union all
    select
        touches.person_id,
        cast(null as string) as touch_key,
        {{ epoch_micros('touches.occurred_at') }} as at_us,
        1 as is_answer
    from {{ ref('fct_touches') }} as touches
    inner join contacted_often on touches.person_id = contacted_often.person_id
    where (touches.direction_code = 'inbound' or touches.channel_code = 'meeting') and not touches.is_day_only
),

runs as (
    select
        person_id,
        touch_key,
        at_us,
        sum(is_answer) over (
            partition by person_id
            order by at_us asc nulls last, is_answer asc nulls last, touch_key asc nulls last
            rows between unbounded preceding and current row
        ) as run_number
    from moments
),

long_runs as (
    select
        person_id,
        run_number
    from runs
    where touch_key is not null
    group by person_id, run_number
    having count(*) > {{ n_in_a_row }}
),

steps as (
    select
        runs.person_id,
        runs.run_number,
        runs.touch_key,
        runs.at_us,
        row_number() over (
            partition by runs.person_id, runs.run_number
            order by runs.at_us asc nulls last, runs.touch_key asc nulls last
        ) as step_number,
        count(*) over (
            partition by runs.person_id, runs.run_number
            order by runs.at_us asc nulls last
            range between unbounded preceding and {{ pause_us | int - 1 }} following
        ) as last_paused_step
    from runs
    inner join long_runs on runs.person_id = long_runs.person_id and runs.run_number = long_runs.run_number
    where runs.touch_key is not null
),

-- The contact that fills the row starts the clock; after the pause the count begins again.
pauses as (
    select
        person_id,
        run_number,
        at_us as started_us,
        step_number,
        last_paused_step
    from steps
    where step_number = {{ n_in_a_row }}
    union all
    select
        steps.person_id,
        steps.run_number,
        steps.at_us as started_us,
        steps.step_number,
        steps.last_paused_step
    from pauses
    inner join steps
        on
            pauses.person_id = steps.person_id
            and pauses.run_number = steps.run_number
            and pauses.last_paused_step + {{ n_in_a_row }} = steps.step_number
),

in_cool_down as (
    select
        steps.touch_key,
        cast(steps.step_number - pauses.step_number + {{ n_in_a_row }} as bigint) as proof_value
    from pauses
    inner join steps on pauses.person_id = steps.person_id and pauses.run_number = steps.run_number
    where steps.step_number > pauses.step_number and steps.step_number <= pauses.last_paused_step
),

consumer_calls as (
    select
        timed.touch_key,
        timed.person_id,
        timed.occurred_at,
        timed.at_us,
        {{ local_clock('timed.occurred_at', 'people.timezone') }} as recipient_clock
    from timed
    inner join people on timed.person_id = people.person_id
    cross join {{ run_settings() }} as settings
    where
        timed.channel_code = 'voice'
        and people.is_consumer
        and people.timezone is not null
        and {{ local_day('timed.occurred_at', 'settings.timezone') }} >= {{ contact_policy('consumer_from') }}
),

consumer_checks as (
    select
        consumer_calls.*,
        cast(consumer_calls.recipient_clock as date) as local_on,
        count(*) over (
            partition by consumer_calls.person_id
            order by consumer_calls.at_us asc nulls last
            range between {{ contact_policy('consumer_window_us') | int - 1 }} preceding and current row
        ) as n_calls
    from consumer_calls
),

found as (
    select
        touch_key,
        'after_opt_out' as check_code,
        proof_at,
        cast(null as bigint) as proof_value
    from after_refusal
    union all
    select
        touch_key,
        'outside_hours' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from outside_hours
    union all
    select
        touch_key,
        'account_cap' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from account_loads
    where proof_value > {{ contact_policy('account_max_touches') }}
    union all
    select
        touch_key,
        'mail_cap' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from mail_loads
    where proof_value > {{ contact_policy('mail_max_a_day') }}
    union all
    select
        touch_key,
        'cool_down' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from in_cool_down
    union all
    select
        consumer_checks.touch_key,
        'consumer_hours' as check_code,
        cast(null as timestamp) as proof_at,
        cast(
            extract(hour from consumer_checks.recipient_clock) * 60
            + extract(minute from consumer_checks.recipient_clock) as bigint
        ) as proof_value
    from consumer_checks
    left join {{ ref('public_holidays') }} as holidays
        on
            consumer_checks.local_on = holidays.holiday_on
            and holidays.country_code = {{ contact_policy('consumer_country') }}
    where not {{ is_consumer_hour('consumer_checks.recipient_clock', 'holidays.holiday_on') }}
    union all
    select
        touch_key,
        'consumer_cap' as check_code,
        cast(null as timestamp) as proof_at,
        n_calls as proof_value
    from consumer_checks
    where n_calls > {{ contact_policy('consumer_max_calls') }}
    union all
    select
        consumer_checks.touch_key,
        'consumer_opt_in' as check_code,
        cast(null as timestamp) as proof_at,
        cast(null as bigint) as proof_value
    from consumer_checks
    left join choices
        on
            consumer_checks.person_id = choices.person_id
            and not choices.is_refusal
            and choices.channel_code in ('voice', 'all')
            and consumer_checks.occurred_at >= choices.chosen_at
    where consumer_checks.local_on >= {{ contact_policy('consumer_opt_in_from') }} and choices.person_id is null
)

select
    found.touch_key,
    found.check_code,
    contacts.person_id,
    contacts.account_id,
    contacts.rep_id,
    contacts.channel_code,
    contacts.occurred_at,
    {{ local_day('contacts.occurred_at', 'settings.timezone') }} as occurred_on,
    contacts.is_automated,
    case when found.check_code like 'consumer%' then 'fr_consumer' else 'b2b_default' end as profile_code,
    {{ contact_policy('version') }} as policy_version,
    found.proof_at,
    found.proof_value
from found
inner join contacts on found.touch_key = contacts.touch_key
cross join {{ run_settings() }} as settings
