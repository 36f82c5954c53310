-- Whom the policy in force at as_of allows to be contacted, by channel, and when the others may be. What is rare (a
-- refusal, a pause, a cap) is a row of a few persons; what everybody has (zone, basis, contact point) is a column.
-- A refusal binds from when the data know of it, even dated after as_of: nobody is exported who has said no.
{% set reasons = [
    'opt_out', 'dispute', 'no_reach', 'manual_list', 'vip_other_channel', 'cool_down', 'account_cap', 'mail_cap',
    'outside_hours', 'consumer_cap', 'consumer_hours', 'consumer_opt_in', 'zone_unknown', 'no_legal_basis',
    'no_contact_point'
] %}
{% set pauses = policy_combinations('b2b_default', ['cool_down_touches', 'cool_down_days']) %}
{% set n_in_a_row = policy_values('b2b_default', 'cool_down_touches') | map('int') | min %}
{% set longest_pause = policy_values('b2b_default', 'cool_down_days') | map('int') | max %}
{% set for_good = contact_for_good() %}
{% set hour_us = contact_hour_us() %}
{% set day_us = contact_day_us() %}

with recursive asked as (
    select
        as_of,
        timezone,
        {{ epoch_micros('as_of') }} as as_of_us,
        {{ local_day('as_of', 'timezone') }} as as_of_on
    from {{ run_settings() }} as settings
),

-- The policy of the day. Where no row holds, nothing of the profile is asked for.
policy as (
    select
        as_of,
        timezone,
        as_of_us,
        as_of_on,
        {{ is_policed('b2b_default', 'as_of_on') }} as is_policed,
        cast({{ policy_on('b2b_default', 'send_from_hour', 'as_of_on') }} as bigint) as send_from_hour,
        cast({{ policy_on('b2b_default', 'send_until_hour', 'as_of_on') }} as bigint) as send_until_hour,
        cast({{ policy_on('b2b_default', 'account_max_touches', 'as_of_on') }} as bigint) as account_max_touches,
        cast({{ policy_on('b2b_default', 'account_window_hours', 'as_of_on') }} as bigint)
        * {{ hour_us }} as account_window_us,
        cast({{ policy_on('b2b_default', 'mail_max_a_day', 'as_of_on') }} as bigint) as mail_max_a_day,
        {{ is_policed('fr_consumer', 'as_of_on') }} as is_consumer_policed,
        cast({{ policy_on('fr_consumer', 'call_max_calls', 'as_of_on') }} as bigint) as call_max_calls,
        cast({{ policy_on('fr_consumer', 'call_window_days', 'as_of_on') }} as bigint) * {{ day_us }} as call_window_us,
        {{ is_policed('fr_consumer', 'as_of_on') }}
        and {{ policy_on('fr_consumer', 'needs_opt_in', 'as_of_on') if policy_rows('fr_consumer') else 'false' }}
            as needs_opt_in
    from asked
),

all_people as (
    {{ contact_people() }}
),

senders as (
    select
        reps.rep_id,
        coalesce(zones.timezone, policy.timezone) as sender_timezone
    from {{ ref('dim_reps') }} as reps
    cross join policy
    left join {{ ref('time_zones') }} as zones on reps.timezone = zones.timezone
),

people as (
    select
        all_people.person_id,
        substr(all_people.person_id, 5) as person_code,
        all_people.account_id,
        all_people.is_customer,
        all_people.is_consumer,
        all_people.timezone,
        senders.sender_timezone,
        all_people.has_email,
        all_people.has_phone
    from all_people
    left join senders on all_people.rep_id = senders.rep_id
    where all_people.has_email or all_people.has_phone
),

all_contacts as (
    {{ contact_rows() }}
),

-- Of a contact of which only the day is known, the caps take the latest time it can have had.
contacts as (
    select
        substr(all_contacts.person_id, 5) as person_code,
        all_contacts.person_id <> 'unknown' as is_person_known,
        all_contacts.account_id,
        all_contacts.channel_code,
        all_contacts.at_us,
        case
            when all_contacts.is_day_only then least(all_contacts.at_us + 25 * {{ hour_us }}, policy.as_of_us) - 1
            else all_contacts.at_us
        end as latest_us,
        all_contacts.is_conversation and not all_contacts.is_day_only as is_conversation,
        all_contacts.is_automated
    from all_contacts
    cross join policy
),

{{ contact_choices() }},

consents as (
    select
        choices.person_id,
        coalesce(bool_or(choices.channel_code in ('voice', 'all')), false) as has_voice_consent,
        coalesce(bool_or(choices.channel_code in ('email', 'all')), false) as has_email_consent,
        coalesce(bool_or(choices.channel_code = 'all'), false) as has_social_consent
    from choices
    cross join policy
    where
        not choices.is_refusal
        and choices.chosen_at <= policy.as_of
        and (choices.ends_at is null or choices.ends_at > policy.as_of)
    group by choices.person_id
),

listed as (
    select
        entries.person_id,
        entries.account_id,
        entries.channel_code,
        case entries.list_code
            when 'dispute' then {{ reasons.index('dispute') }}
            when 'no_reach' then {{ reasons.index('no_reach') }}
            when 'vip' then {{ reasons.index('vip_other_channel') }}
            else {{ reasons.index('manual_list') }}
        end as place,
        coalesce({{ epoch_micros('entries.ends_at') }}, {{ for_good }}) as until_us
    from {{ ref('int_contact_exclusions') }} as entries
    cross join policy
    where entries.starts_at <= policy.as_of and (entries.ends_at is null or entries.ends_at > policy.as_of)
),

-- Only whom a full row of contacts and one of the last days concern can be in a pause.
contacted_often as (
    select contacts.person_code
    from contacts
    cross join policy
    where policy.is_policed and contacts.is_person_known
    group by contacts.person_code
    having
        count(*) >= {{ n_in_a_row }}
        and max(contacts.at_us) > max(policy.as_of_us) - {{ longest_pause }} * {{ day_us }}
),

answers as (
    {{ answer_rows() }}
    union all
    select
        person_code,
        at_us
    from contacts
    where is_conversation
),

last_answers as (
    select
        answers.person_code,
        max(answers.at_us) as at_us
    from answers
    inner join contacted_often on answers.person_code = contacted_often.person_code
    cross join policy
    where answers.at_us < policy.as_of_us
    group by answers.person_code
),

run_moments as (
    select distinct
        contacts.person_code,
        0 as run_number,
        contacts.at_us
    from contacts
    inner join contacted_often on contacts.person_code = contacted_often.person_code
    left join last_answers on contacts.person_code = last_answers.person_code
    where contacts.at_us > coalesce(last_answers.at_us, 0)
),

{{ cool_down_pauses(pauses) }}
cool_downs as (
    {% for n_before_pause, days in pauses -%}
        select
            pauses.person_code,
            max(steps.at_us) + {{ days }} * {{ day_us }} as until_us
        from pauses_{{ loop.index }} as pauses
        inner join steps_{{ loop.index }} as steps
            on pauses.person_code = steps.person_code and pauses.step_number = steps.step_number
        cross join policy
        where
            {{ policy_on('b2b_default', 'cool_down_touches', 'policy.as_of_on') }} = {{ n_before_pause }}
            and {{ policy_on('b2b_default', 'cool_down_days', 'policy.as_of_on') }} = {{ days }}
        group by pauses.person_code
        {{ "union all" if not loop.last }}
    {% endfor %}
),

-- The contact that must leave the window before another one has room in it.
account_touches as (
    select
        contacts.account_id,
        contacts.latest_us + policy.account_window_us as until_us,
        policy.account_max_touches,
        row_number() over (
            partition by contacts.account_id
            order by contacts.latest_us desc nulls last
        ) as place_from_last
    from contacts
    cross join policy
    where
        policy.is_policed
        and contacts.account_id <> 'unknown'
        and not contacts.is_automated
        and contacts.latest_us > policy.as_of_us - policy.account_window_us
),

consumer_touches as (
    select
        contacts.person_code,
        contacts.latest_us + policy.call_window_us as until_us,
        policy.call_max_calls,
        row_number() over (
            partition by contacts.person_code
            order by contacts.latest_us desc nulls last
        ) as place_from_last
    from contacts
    inner join people on contacts.person_code = people.person_code
    cross join policy
    where
        policy.is_consumer_policed
        and people.is_consumer
        and contacts.channel_code = 'voice'
        and contacts.latest_us > policy.as_of_us - policy.call_window_us
),

local_mails as (
    select
        contacts.person_code,
        people.timezone,
        policy.mail_max_a_day,
        cast({{ local_clock(from_epoch_micros('contacts.latest_us'), 'people.timezone') }} as date) as local_on,
        cast({{ local_clock('policy.as_of', 'people.timezone') }} as date) as as_of_on
    from contacts
    inner join people on contacts.person_code = people.person_code
    cross join policy
    where
        policy.is_policed
        and contacts.channel_code = 'email'
        and people.timezone is not null
        and contacts.latest_us > policy.as_of_us - 26 * {{ hour_us }}
),

mailed_today as (
    select
        person_code,
        timezone,
        {{ add_days('as_of_on', 1) }} as tomorrow_on
    from local_mails
    where local_on = as_of_on
    group by person_code, timezone, as_of_on, mail_max_a_day
    having count(*) >= mail_max_a_day
),

-- One row per person and block. only_channel: the channel it closes, null for all; open_channel: the one it leaves.
blocks as (
    select
        refusals.person_id,
        case when refusals.channel_code <> 'all' then refusals.channel_code end as only_channel,
        cast(null as string) as open_channel,
        case
            when refusals.is_dispute then {{ reasons.index('dispute') }}
            else {{ reasons.index('opt_out') }}
        end as place,
        coalesce({{ epoch_micros('refusals.ends_at') }}, {{ for_good }}) as until_us
    from {{ ref('int_contact_refusals') }} as refusals
    cross join policy
    where refusals.ends_at is null or refusals.ends_at > policy.as_of
    union all
    select
        person_id,
        'email' as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('opt_out') }} as place,
        {{ for_good }} as until_us
    from {{ ref('int_undated_refusals') }}
    where is_mail_undated
    union all
    select
        person_id,
        'voice' as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('opt_out') }} as place,
        {{ for_good }} as until_us
    from {{ ref('int_undated_refusals') }}
    where is_call_undated
    union all
    select
        person_id,
        'social' as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('opt_out') }} as place,
        {{ for_good }} as until_us
    from {{ ref('int_undated_refusals') }}
    union all
    select
        person_id,
        cast(null as string) as only_channel,
        channel_code as open_channel,
        place,
        until_us
    from listed
    where person_id is not null
    union all
    select
        people.person_id,
        cast(null as string) as only_channel,
        listed.channel_code as open_channel,
        listed.place,
        listed.until_us
    from listed
    inner join people on listed.account_id = people.account_id
    union all
    select
        'per_' || cool_downs.person_code as person_id,
        cast(null as string) as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('cool_down') }} as place,
        cool_downs.until_us
    from cool_downs
    cross join policy
    where cool_downs.until_us > policy.as_of_us
    union all
    select
        people.person_id,
        cast(null as string) as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('account_cap') }} as place,
        account_touches.until_us
    from account_touches
    inner join people on account_touches.account_id = people.account_id
    where account_touches.place_from_last = account_touches.account_max_touches
    union all
    select
        'per_' || person_code as person_id,
        'email' as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('mail_cap') }} as place,
        {{ epoch_micros(instant_of('cast(tomorrow_on as timestamp)', "'day'", 'timezone')) }} as until_us
    from mailed_today
    union all
    select
        'per_' || person_code as person_id,
        'voice' as only_channel,
        cast(null as string) as open_channel,
        {{ reasons.index('consumer_cap') }} as place,
        until_us
    from consumer_touches
    where place_from_last = call_max_calls
),

blocked as (
    select
        person_id,
        min(place) filter (
            where coalesce(only_channel, 'voice') = 'voice' and coalesce(open_channel, 'none') <> 'voice'
        ) as voice_place,
        max(until_us) filter (
            where coalesce(only_channel, 'voice') = 'voice' and coalesce(open_channel, 'none') <> 'voice'
        ) as voice_until_us,
        min(place) filter (
            where coalesce(only_channel, 'email') = 'email' and coalesce(open_channel, 'none') <> 'email'
        ) as email_place,
        max(until_us) filter (
            where coalesce(only_channel, 'email') = 'email' and coalesce(open_channel, 'none') <> 'email'
        ) as email_until_us,
        min(place) filter (
            where coalesce(only_channel, 'social') = 'social' and coalesce(open_channel, 'none') <> 'social'
        ) as social_place,
        max(until_us) filter (
            where coalesce(only_channel, 'social') = 'social' and coalesce(open_channel, 'none') <> 'social'
        ) as social_until_us
    from blocks
    group by person_id
),

-- From when nothing but the clock of the person stands in the way; null for good.
judged as (
    select
        people.*,
        policy.as_of_us,
        policy.needs_opt_in,
        policy.is_policed,
        coalesce(consents.has_voice_consent, false) as has_voice_consent,
        coalesce(consents.has_email_consent, false) as has_email_consent,
        coalesce(consents.has_social_consent, false) as has_social_consent,
        people.is_consumer and policy.is_consumer_policed as is_policed_consumer,
        blocked.voice_place,
        greatest(coalesce(blocked.voice_until_us, 0), policy.as_of_us) as voice_from_us,
        blocked.email_place,
        greatest(coalesce(blocked.email_until_us, 0), policy.as_of_us) as email_from_us,
        blocked.social_place,
        greatest(coalesce(blocked.social_until_us, 0), policy.as_of_us) as social_from_us
    from people
    cross join policy
    left join blocked on people.person_id = blocked.person_id
    left join consents on people.person_id = consents.person_id
),

{{ contact_clock_slots() }}

{{ consumer_call_slots() }}

-- Hours and what must be known, by channel.
timed as (
    select
        judged.person_id,
        judged.account_id,
        judged.is_consumer,
        judged.as_of_us,
        judged.voice_place,
        judged.email_place,
        judged.social_place,
        judged.has_phone,
        judged.has_email,
        judged.is_policed_consumer and judged.needs_opt_in and not judged.has_voice_consent as is_voice_unasked,
        (judged.is_policed or judged.is_policed_consumer) and judged.timezone is null as is_voice_placeless,
        judged.is_policed and judged.timezone is null as is_email_placeless,
        case
            when judged.voice_from_us >= {{ for_good }} then cast(null as bigint)
            when judged.is_policed_consumer then consumer_slots.slot_us
            when judged.is_consumer or not judged.is_policed then judged.voice_from_us
            else voice_clocks.slot_us
        end as voice_slot_us,
        case
            when judged.email_from_us >= {{ for_good }} then cast(null as bigint)
            when judged.is_policed and judged.timezone is null then cast(null as bigint)
            when judged.is_consumer or not judged.is_policed then judged.email_from_us
            else email_clocks.slot_us
        end as email_slot_us,
        case when judged.social_from_us < {{ for_good }} then judged.social_from_us end as social_slot_us,
        judged.voice_from_us,
        judged.email_from_us,
        judged.is_policed_consumer,
        case
            when judged.is_customer then 'contract'
            when judged.account_id <> 'unknown' then 'legitimate_interest'
            when judged.has_voice_consent or judged.has_email_consent or judged.has_social_consent then 'consent'
            when judged.is_policed_consumer and not judged.needs_opt_in then 'consumer_calls'
            else 'none'
        end as legal_basis_code,
        judged.account_id <> 'unknown'
        or judged.has_voice_consent
        or (judged.is_policed_consumer and not judged.needs_opt_in) as has_voice_basis,
        judged.account_id <> 'unknown' or judged.has_email_consent as has_email_basis,
        judged.account_id <> 'unknown' or judged.has_social_consent as has_social_basis
    from judged
    left join clock_slots as voice_clocks
        on
            judged.timezone = voice_clocks.timezone
            and judged.sender_timezone = voice_clocks.sender_timezone
            and judged.voice_from_us = voice_clocks.from_us
    left join clock_slots as email_clocks
        on
            judged.timezone = email_clocks.timezone
            and judged.sender_timezone = email_clocks.sender_timezone
            and judged.email_from_us = email_clocks.from_us
    left join consumer_slots
        on judged.timezone = consumer_slots.timezone and judged.voice_from_us = consumer_slots.from_us
),

-- The first reason in the order of the list.
placed as (
    select
        person_id,
        account_id,
        is_consumer,
        legal_basis_code,
        as_of_us,
        least(
            coalesce(voice_place, 99),
            case
                when not is_policed_consumer and voice_from_us = as_of_us and voice_slot_us > as_of_us
                    then {{ reasons.index('outside_hours') }}
                when is_policed_consumer and voice_from_us = as_of_us and voice_slot_us > as_of_us
                    then {{ reasons.index('consumer_hours') }}
                else 99
            end,
            case when is_voice_unasked then {{ reasons.index('consumer_opt_in') }} else 99 end,
            case when is_voice_placeless then {{ reasons.index('zone_unknown') }} else 99 end,
            case when has_voice_basis then 99 else {{ reasons.index('no_legal_basis') }} end,
            case when has_phone then 99 else {{ reasons.index('no_contact_point') }} end
        ) as voice_place,
        case
            when not is_voice_unasked and not is_voice_placeless and has_voice_basis and has_phone then voice_slot_us
        end as voice_slot_us,
        least(
            coalesce(email_place, 99),
            case
                when email_from_us = as_of_us and email_slot_us > as_of_us then {{ reasons.index('outside_hours') }}
                else 99
            end,
            case when is_email_placeless then {{ reasons.index('zone_unknown') }} else 99 end,
            case when has_email_basis then 99 else {{ reasons.index('no_legal_basis') }} end,
            case when has_email then 99 else {{ reasons.index('no_contact_point') }} end
        ) as email_place,
        case when not is_email_placeless and has_email_basis and has_email then email_slot_us end as email_slot_us,
        least(
            coalesce(social_place, 99),
            case when has_social_basis then 99 else {{ reasons.index('no_legal_basis') }} end
        ) as social_place,
        case when has_social_basis then social_slot_us end as social_slot_us
    from timed
)

select
    person_id,
    account_id,
    is_consumer,
    legal_basis_code,
    voice_place = 99 as is_voice_allowed,
    {{ reason_of('voice_place', reasons) }} as voice_reason_code,
    {{ from_epoch_micros('voice_slot_us') }} as voice_next_slot_at,
    email_place = 99 as is_mail_allowed,
    {{ reason_of('email_place', reasons) }} as mail_reason_code,
    {{ from_epoch_micros('email_slot_us') }} as mail_next_slot_at,
    social_place = 99 as is_social_allowed,
    {{ reason_of('social_place', reasons) }} as social_reason_code,
    {{ from_epoch_micros('social_slot_us') }} as social_next_slot_at,
    {{ from_epoch_micros('as_of_us') }} as as_of
from placed
