-- Contacts that the policy of their day (var contact_policies) did not allow, with what proves it. The checks work on
-- numbers and on
-- the twelve hex digits of golden ids alone, which engines sort without following pointers; what a check flags is an
-- instant of a person or company, and the contacts themselves are looked up at the end.
{% set pauses = policy_combinations('b2b_default', ['cool_down_touches', 'cool_down_days']) %}
{% set n_in_a_row = policy_values('b2b_default', 'cool_down_touches') | map('int') | min %}
{% set windows_of_accounts = policy_values('b2b_default', 'account_window_hours') %}
{% set windows_of_calls = policy_values('fr_consumer', 'call_window_days') %}

with recursive all_contacts as (
    {{ contact_rows() }}
),

senders as (
    select
        reps.rep_id,
        coalesce(zones.timezone, settings.timezone) as timezone,
        row_number() over (order by reps.rep_id asc nulls last) as rep_number
    from {{ ref('dim_reps') }} as reps
    cross join {{ run_settings() }} as settings
    left join {{ ref('time_zones') }} as zones on reps.timezone = zones.timezone
),

contacts as (
    select
        substr(all_contacts.person_id, 5) as person_code,
        substr(all_contacts.account_id, 5) as account_code,
        all_contacts.person_id <> 'unknown' as is_person_known,
        all_contacts.account_id <> 'unknown' as is_account_known,
        senders.rep_number,
        all_contacts.channel_code,
        all_contacts.at_us,
        all_contacts.is_day_only,
        all_contacts.is_conversation,
        all_contacts.is_automated
    from all_contacts
    left join senders on all_contacts.rep_id = senders.rep_id
),

people as (
    {{ contact_people() }}
),

{{ contact_choices() }},

refused as (
    select
        substr(person_id, 5) as person_code,
        channel_code,
        refused_at,
        {{ epoch_micros('refused_at') }} as refused_us,
        {{ epoch_micros('ends_at') }} as ends_us
    from {{ ref('int_contact_refusals') }}
),

after_refusal as (
    select
        contacts.person_code,
        contacts.channel_code,
        contacts.at_us,
        min(refused.refused_at) as proof_at
    from contacts
    inner join refused on contacts.person_code = refused.person_code
    where
        (refused.channel_code = 'all' or contacts.channel_code = refused.channel_code)
        and contacts.at_us >= refused.refused_us
        and (refused.ends_us is null or contacts.at_us < refused.ends_us)
    group by contacts.person_code, contacts.channel_code, contacts.at_us
),

-- Days of a list are whole days of the company, so that a contact without a time is judged too.
outside_list as (
    select
        person_code,
        account_code,
        channel_code,
        at_us,
        min(starts_at) as proof_at
    from (
        select
            contacts.person_code,
            contacts.account_code,
            contacts.channel_code,
            contacts.at_us,
            listed.starts_at
        from contacts
        inner join {{ ref('int_contact_exclusions') }} as listed on contacts.person_code = substr(listed.person_id, 5)
        where
            contacts.channel_code <> coalesce(listed.channel_code, 'none')
            and contacts.at_us >= {{ epoch_micros('listed.starts_at') }}
            and (listed.ends_at is null or contacts.at_us < {{ epoch_micros('listed.ends_at') }})
        union all
        select
            contacts.person_code,
            contacts.account_code,
            contacts.channel_code,
            contacts.at_us,
            listed.starts_at
        from contacts
        inner join {{ ref('int_contact_exclusions') }} as listed on contacts.account_code = substr(listed.account_id, 5)
        where
            contacts.channel_code <> coalesce(listed.channel_code, 'none')
            and contacts.at_us >= {{ epoch_micros('listed.starts_at') }}
            and (listed.ends_at is null or contacts.at_us < {{ epoch_micros('listed.ends_at') }})
    )
    group by person_code, account_code, channel_code, at_us
),

-- Where all sellers sit in one zone, the people of other zones alone are asked for their hours.
zones_of_senders as (
    select
        min(timezone) as first_timezone,
        max(timezone) as last_timezone
    from senders
),

elsewhere as (
    select
        substr(people.person_id, 5) as person_code,
        people.timezone
    from people
    cross join zones_of_senders as zones
    where
        people.timezone is not null
        and not people.is_consumer
        and (people.timezone <> zones.first_timezone or people.timezone <> zones.last_timezone)
),

clocks as (
    select
        contacts.person_code,
        contacts.channel_code,
        contacts.at_us,
        {{ local_clock(from_epoch_micros('contacts.at_us'), 'elsewhere.timezone') }} as recipient_clock,
        {{ local_clock(from_epoch_micros('contacts.at_us'), 'senders.timezone') }} as sender_clock
    from contacts
    inner join elsewhere on contacts.person_code = elsewhere.person_code
    inner join senders on contacts.rep_number = senders.rep_number
    where
        not contacts.is_day_only
        and contacts.channel_code <> 'social'
        and elsewhere.timezone <> senders.timezone
),

outside_hours as (
    select distinct
        person_code,
        channel_code,
        at_us,
        cast(extract(hour from recipient_clock) * 60 + extract(minute from recipient_clock) as bigint) as proof_value
    from clocks
    where
        recipient_clock <> sender_clock
        and (
            extract(hour from recipient_clock) < {{ policy_at('b2b_default', 'send_from_hour', 'at_us') }}
            or extract(hour from recipient_clock) >= {{ policy_at('b2b_default', 'send_until_hour', 'at_us') }}
        )
        and {{ is_policed('b2b_default', 'at_us', true) }}
),

account_loads as (
    select
        account_code,
        at_us,
    {% for hours in windows_of_accounts -%}
        count(*) over (
            partition by account_code
            order by at_us asc nulls last
            range between {{ hours | int * 3600000000 - 1 }} preceding and current row
            ) as n_in_window_{{ loop.index }}{{ ',' if not loop.last }}
    {% endfor %}
    from contacts
    where is_account_known and not is_automated and not is_day_only
),

over_account_cap as (
    select distinct
        account_code,
        at_us,
        {{ policy_column_at('b2b_default', 'account_window_hours', 'n_in_window_', 'at_us') }} as proof_value
    from account_loads
    where
        {{ policy_column_at('b2b_default', 'account_window_hours', 'n_in_window_', 'at_us') }}
        > {{ policy_at('b2b_default', 'account_max_touches', 'at_us') }}
        and {{ is_policed('b2b_default', 'at_us', true) }}
),

-- A day has at most 25 hours: only whom that many mails reached within them is asked for the local day.
mail_gaps as (
    select
        person_code,
        at_us - lag(at_us, {{ policy_values('b2b_default', 'mail_max_a_day') | map('int') | min }}) over (
            partition by person_code order by at_us asc nulls last
        ) as gap_us
    from contacts
    where channel_code = 'email' and is_person_known and not is_day_only
),

mailed_often as (
    select distinct person_code
    from mail_gaps
    where gap_us < {{ 25 * 3600 * 1000000 }}
),

local_mails as (
    select
        contacts.person_code,
        contacts.at_us,
        cast({{ local_clock(from_epoch_micros('contacts.at_us'), 'people.timezone') }} as date) as local_on
    from contacts
    inner join mailed_often on contacts.person_code = mailed_often.person_code
    inner join people on 'per_' || contacts.person_code = people.person_id
    where contacts.channel_code = 'email' and not contacts.is_day_only and people.timezone is not null
),

mail_loads as (
    select
        person_code,
        at_us,
        count(*) over (
            partition by person_code, local_on
            order by at_us asc nulls last
            range between unbounded preceding and current row
        ) as proof_value
    from local_mails
),

-- A conversation, a reply, a call or a meeting of the person ends the row of contacts without an answer. Contacts of
-- one instant are one.
contacted_often as (
    select person_code
    from contacts
    where is_person_known and not is_day_only
    group by person_code
    having count(*) > {{ n_in_a_row }}
),

answers as (
    {{ answer_rows() }}
    union all
    select
        person_code,
        at_us
    from contacts
    where is_conversation and not is_day_only
),

moments as (
    select
        contacts.person_code,
        contacts.at_us,
        0 as is_answer
    from contacts
    inner join contacted_often on contacts.person_code = contacted_often.person_code
    where not contacts.is_day_only
    union all
    select
        answers.person_code,
        answers.at_us,
        1 as is_answer
    from answers
    inner join contacted_often on answers.person_code = contacted_often.person_code
),

runs as (
    select
        person_code,
        at_us,
        is_answer,
        sum(is_answer) over (
            partition by person_code
            order by at_us asc nulls last, is_answer asc nulls last
            rows between unbounded preceding and current row
        ) as run_number
    from moments
),

long_runs as (
    select
        person_code,
        run_number
    from runs
    where is_answer = 0
    group by person_code, run_number
    having count(*) > {{ n_in_a_row }}
),

run_moments as (
    select distinct
        runs.person_code,
        runs.run_number,
        runs.at_us
    from runs
    inner join long_runs on runs.person_code = long_runs.person_code and runs.run_number = long_runs.run_number
    where runs.is_answer = 0
),

{{ cool_down_pauses(pauses) }}
in_cool_down as (
    {% for n_before_pause, days in pauses -%}
        select
            steps.person_code,
            steps.at_us,
            cast(steps.step_number - pauses.step_number + {{ n_before_pause }} as bigint) as proof_value
        from pauses_{{ loop.index }} as pauses
        inner join steps_{{ loop.index }} as steps
            on pauses.person_code = steps.person_code and pauses.run_number = steps.run_number
        where
            steps.step_number > pauses.step_number
            and steps.step_number <= pauses.last_paused_step
            and {{ policy_at('b2b_default', 'cool_down_touches', 'steps.at_us') }} = {{ n_before_pause }}
            and {{ policy_at('b2b_default', 'cool_down_days', 'steps.at_us') }} = {{ days }}
            and {{ is_policed('b2b_default', 'steps.at_us', true) }}
        {{ "union all" if not loop.last }}
    {% endfor %}
),

consumer_calls as (
    select
        contacts.person_code,
        contacts.at_us,
        {{ local_clock(from_epoch_micros('contacts.at_us'), 'people.timezone') }} as recipient_clock
    from people
    inner join contacts on substr(people.person_id, 5) = contacts.person_code
    where
        people.is_consumer
        and people.timezone is not null
        and contacts.channel_code = 'voice'
        and not contacts.is_day_only
),

consumer_checks as (
    select
        consumer_calls.*,
        cast(consumer_calls.recipient_clock as date) as local_on,
    {% for days in windows_of_calls -%}
        count(*) over (
            partition by consumer_calls.person_code
            order by consumer_calls.at_us asc nulls last
            range between {{ days | int * 86400000000 - 1 }} preceding and current row
            ) as n_calls_{{ loop.index }}{{ ',' if not loop.last }}
    {% endfor %}
    from consumer_calls
),

-- Calls and opt-ins in one line of time: until when the opt-ins before a call hold.
opt_in_moments as (
    select
        person_code,
        local_on,
        at_us,
        max(held_until_us) over (
            partition by person_code
            order by at_us asc nulls last
            range between unbounded preceding and current row
        ) as held_until_us
    from (
        select
            person_code,
            local_on,
            at_us,
            cast(null as bigint) as held_until_us
        from consumer_checks
        union all
        select
            substr(person_id, 5) as person_code,
            cast(null as date) as local_on,
            {{ epoch_micros('chosen_at') }} as at_us,
            coalesce({{ epoch_micros('ends_at') }}, {{ contact_for_good() }}) as held_until_us
        from choices
        where not is_refusal and channel_code in ('voice', 'all')
    ) as moments_of_opt_ins
),

of_persons as (
    select
        person_code,
        channel_code,
        at_us,
        'after_opt_out' as check_code,
        proof_at,
        cast(null as bigint) as proof_value
    from after_refusal
    union all
    select
        person_code,
        channel_code,
        at_us,
        'outside_hours' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from outside_hours
    union all
    select distinct
        person_code,
        'email' as channel_code,
        at_us,
        'mail_cap' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from mail_loads
    where
        proof_value > {{ policy_at('b2b_default', 'mail_max_a_day', 'at_us') }}
        and {{ is_policed('b2b_default', 'at_us', true) }}
    union all
    select
        person_code,
        cast(null as string) as channel_code,
        at_us,
        'cool_down' as check_code,
        cast(null as timestamp) as proof_at,
        proof_value
    from in_cool_down
    union all
    select distinct
        consumer_checks.person_code,
        'voice' as channel_code,
        consumer_checks.at_us,
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
            and holidays.country_code = {{ consumer_country() }}
    where
        {{ is_policed('fr_consumer', 'consumer_checks.local_on') }}
        and not {{ is_consumer_hour('consumer_checks.recipient_clock', 'holidays.holiday_on') }}
    union all
    select distinct
        person_code,
        'voice' as channel_code,
        at_us,
        'consumer_cap' as check_code,
        cast(null as timestamp) as proof_at,
        {{ policy_column_at('fr_consumer', 'call_window_days', 'n_calls_', 'at_us') }} as proof_value
    from consumer_checks
    where
        {{ is_policed('fr_consumer', 'local_on') }}
        and {{ policy_column_at('fr_consumer', 'call_window_days', 'n_calls_', 'at_us') }}
        > {{ policy_on('fr_consumer', 'call_max_calls', 'local_on') }}
    union all
    select distinct
        person_code,
        'voice' as channel_code,
        at_us,
        'consumer_opt_in' as check_code,
        cast(null as timestamp) as proof_at,
        cast(null as bigint) as proof_value
    from opt_in_moments
    where
        local_on is not null
        and {{ is_policed('fr_consumer', 'local_on') }}
        and {{ policy_on('fr_consumer', 'needs_opt_in', 'local_on') }}
        and coalesce(held_until_us, 0) <= at_us
),

contacts_of_persons as (
    {{ contact_rows() }}
),

contacts_of_accounts as (
    {{ contact_rows() }}
),

contacts_of_lists as (
    {{ contact_rows() }}
),

found as (
    select
        contacts_of_persons.*,
        of_persons.check_code,
        of_persons.proof_at,
        of_persons.proof_value
    from of_persons
    inner join contacts_of_persons
        on
            of_persons.person_code = substr(contacts_of_persons.person_id, 5)
            and of_persons.at_us = contacts_of_persons.at_us
    where
        (of_persons.channel_code is null or of_persons.channel_code = contacts_of_persons.channel_code)
        and (of_persons.check_code = 'after_opt_out' or not contacts_of_persons.is_day_only)
    union all
    select
        contacts_of_accounts.*,
        'account_cap' as check_code,
        cast(null as timestamp) as proof_at,
        over_account_cap.proof_value
    from over_account_cap
    inner join contacts_of_accounts
        on
            over_account_cap.account_code = substr(contacts_of_accounts.account_id, 5)
            and over_account_cap.at_us = contacts_of_accounts.at_us
    where not contacts_of_accounts.is_automated and not contacts_of_accounts.is_day_only
    union all
    select
        contacts_of_lists.*,
        'listed_contact' as check_code,
        outside_list.proof_at,
        cast(null as bigint) as proof_value
    from outside_list
    inner join contacts_of_lists
        on
            outside_list.person_code = substr(contacts_of_lists.person_id, 5)
            and outside_list.account_code = substr(contacts_of_lists.account_id, 5)
            and outside_list.channel_code = contacts_of_lists.channel_code
            and outside_list.at_us = contacts_of_lists.at_us
)

select
    found.touch_key,
    found.check_code,
    found.person_id,
    found.account_id,
    found.rep_id,
    found.channel_code,
    found.occurred_at,
    {{ local_day('found.occurred_at', 'settings.timezone') }} as occurred_on,
    found.is_automated,
    case
        when found.check_code like 'consumer%' then 'fr_consumer'
        when found.check_code = 'after_opt_out' then 'data'
        when found.check_code = 'listed_contact' then 'exclusion_list'
        else 'b2b_default'
    end as profile_code,
    case
        when found.check_code like 'consumer%' then {{ policy_at('fr_consumer', 'version', 'found.at_us') }}
        when found.check_code = 'after_opt_out' then {{ policy_at('data', 'version', 'found.at_us') }}
        when found.check_code = 'listed_contact' then cast(null as string)
        else {{ policy_at('b2b_default', 'version', 'found.at_us') }}
    end as policy_version,
    found.proof_at,
    found.proof_value
from found
cross join {{ run_settings() }} as settings
where found.is_judged
