-- A lead is judged once, in the cycle in which the days of the rule end, by the row in force on its day of creation.
-- Days are 24 hours from the instant of creation on, as in the yields: a touch in hour 240 is in no ten days.
-- Touches are the effective ones, as in the yields that thresholds are proposed from; those that reached nobody are
-- counted beside them. What comes after the conversion is no touch of the lead any more.
{% set most_days = 60 %}
{% set day_us = contact_day_us() %}
{% set rules_with_sequence = "('min_touches', 'min_channels', 'min_contacts', 'hot_min_touches')" %}

with candidates as (
    select
        cadences.lead_id,
        leads.person_id,
        leads.account_id,
        cadences.rep_id,
        cadences.channel_code,
        cadences.size_band_code,
        cadences.created_on,
        cadences.created_at,
        {{ epoch_micros('cadences.created_at') }} as created_us,
        cadences.ttf_hours,
        cadences.ttf_business_hours,
        cadences.ttf_status_code,
        leads.lead_score,
        case when leads.converted_at < settings.as_of then leads.converted_at end as converted_at,
        coalesce(stated.timezone, by_country.timezone, settings.timezone) as lead_timezone,
        settings.as_of,
        {{ epoch_micros(instant_of("cast(settings.cycle_start as timestamp)", "'day'", 'settings.timezone')) }}
            as cycle_start_us,
        {{ epoch_micros(instant_of("cast(settings.cycle_end as timestamp)", "'day'", 'settings.timezone')) }}
            as cycle_end_us
    from {{ ref('fct_lead_cadences') }} as cadences
    inner join {{ ref('fct_leads') }} as leads on cadences.lead_id = leads.lead_id
    cross join {{ run_settings() }} as settings
    left join {{ ref('time_zones') }} as stated on leads.timezone = stated.timezone
    left join {{ ref('time_zones') }} as by_country
        on leads.country_code = by_country.country_code and by_country.is_only_of_country
    where
        cadences.is_dated
        and cadences.created_on < settings.cycle_end
        and cadences.created_on >= {{ add_days('settings.cycle_start', '-' ~ most_days) }}
),

-- Rows are looked up for each day and segment that leads have, never for each lead.
segment_days as (
    select distinct
        channel_code,
        size_band_code,
        created_on
    from candidates
),

asked as (
    {% for channel in ["channel_code", "'all'"] -%}
        {% set outer_last = loop.last %}
        {% for size in ["size_band_code", "'all'"] -%}
            select
                channel_code,
                size_band_code,
                created_on,
                {{ channel }} as asked_channel_code,
                {{ size }} as asked_size_band_code
            from segment_days
            {{ "union all" if not (outer_last and loop.last) }}
        {% endfor %}
    {% endfor %}
),

ranked as (
    select
        asked.channel_code,
        asked.size_band_code,
        asked.created_on,
        thresholds.rule_code,
        thresholds.threshold_value,
        thresholds.window_days,
        thresholds.channel_list,
        thresholds.origin_code,
        thresholds.threshold_version,
        case thresholds.rule_code
            when 'ttf_max_hours' then cast(ceil(thresholds.threshold_value / 24) as int)
            when 'hot_cool_down_days' then thresholds.window_days + cast(thresholds.threshold_value as int)
            else thresholds.window_days
        end as end_days,
        row_number() over (
            partition by asked.channel_code, asked.size_band_code, asked.created_on, thresholds.rule_code
            order by
                case when thresholds.is_own then 1 else 0 end desc,
                case when thresholds.size_band_code = 'all' then 0 else 1 end desc,
                case when thresholds.channel_code = 'all' then 0 else 1 end desc,
                thresholds.threshold_key asc
        ) as rank_in_force
    from asked
    inner join {{ ref('fct_thresholds') }} as thresholds
        on
            asked.asked_channel_code = thresholds.channel_code
            and asked.asked_size_band_code = thresholds.size_band_code
    where
        asked.created_on >= coalesce(thresholds.valid_from, asked.created_on)
        and (thresholds.valid_to is null or asked.created_on < thresholds.valid_to)
),

in_force as (
    select *
    from ranked
    where rank_in_force = 1
),

score_cuts as (
    select
        channel_code,
        size_band_code,
        created_on,
        threshold_value as score_cut
    from in_force
    where rule_code = 'hot_score_cut'
),

judged as (
    select
        candidates.*,
        in_force.rule_code,
        in_force.threshold_value,
        in_force.window_days,
        in_force.channel_list,
        in_force.origin_code,
        in_force.threshold_version,
        in_force.end_days
    from candidates
    inner join in_force
        on
            candidates.channel_code = in_force.channel_code
            and candidates.size_band_code = in_force.size_band_code
            and candidates.created_on = in_force.created_on
    left join score_cuts
        on
            candidates.channel_code = score_cuts.channel_code
            and candidates.size_band_code = score_cuts.size_band_code
            and candidates.created_on = score_cuts.created_on
    where
        candidates.created_us + in_force.end_days * {{ day_us }} <= candidates.cycle_end_us
        and candidates.created_us + in_force.end_days * {{ day_us }} > candidates.cycle_start_us
        and in_force.end_days is not null
        and (
            in_force.rule_code not in ('hot_min_touches', 'hot_cool_down_days')
            or candidates.lead_score >= score_cuts.score_cut
        )
),

watched as (
    select
        lead_id,
        account_id,
        created_on,
        created_at,
        created_us,
        converted_at,
        lead_timezone,
        as_of,
        max(end_days) as end_days,
        max(case when rule_code = 'max_mails_a_day' then 1 else 0 end) as is_mail_watched,
        max(case when rule_code = 'min_contacts' then window_days end) as contact_days
    from judged
    where rule_code <> 'ttf_max_hours'
    group by lead_id, account_id, created_on, created_at, created_us, converted_at, lead_timezone, as_of
),

touched as (
    select
        touches.lead_id,
        touches.channel_code,
        touches.direction_code,
        touches.is_effective,
        touches.occurred_at,
        {{ full_days_between('touched_leads.created_us', 'touches.occurred_at') }} as days_after,
        touched_leads.lead_timezone,
        touched_leads.is_mail_watched
    from {{ ref('fct_touches') }} as touches
    inner join watched as touched_leads on touches.lead_id = touched_leads.lead_id
    cross join {{ run_settings() }} as settings
    where
        touches.occurred_at < settings.as_of
        and touches.occurred_on >= {{ add_days('settings.cycle_start', '-' ~ most_days) }}
        and touches.occurred_at >= touched_leads.created_at
        and (touched_leads.converted_at is null or touches.occurred_at < touched_leads.converted_at)
),

touch_days as (
    select
        lead_id,
        days_after,
        channel_code,
        count(*) as n_touches,
        count(*) filter (where is_effective) as n_effective,
        count(*) filter (where direction_code = 'outbound') as n_outbound
    from touched
    group by lead_id, days_after, channel_code
),

-- Mails of people and of software, by the day of the recipient.
mails as (
    select
        lead_id,
        occurred_at,
        days_after,
        lead_timezone
    from touched
    where channel_code = 'email' and direction_code = 'outbound' and is_mail_watched = 1
    union all
    select
        sends.lead_id,
        sends.sent_at as occurred_at,
        {{ full_days_between('mailed_leads.created_us', 'sends.sent_at') }} as days_after,
        mailed_leads.lead_timezone
    from {{ ref('fct_email_sends') }} as sends
    inner join watched as mailed_leads on sends.lead_id = mailed_leads.lead_id
    cross join {{ run_settings() }} as settings
    where
        sends.is_sent
        and sends.is_automated
        and sends.sent_at < settings.as_of
        and mailed_leads.is_mail_watched = 1
        and sends.sent_at >= mailed_leads.created_at
        and (mailed_leads.converted_at is null or sends.sent_at < mailed_leads.converted_at)
),

mail_days as (
    select
        judged.lead_id,
        count(*) as n_mails
    from judged
    inner join mails on judged.lead_id = mails.lead_id
    where judged.rule_code = 'max_mails_a_day' and mails.days_after < judged.window_days
    group by judged.lead_id, cast({{ local_clock('mails.occurred_at', 'mails.lead_timezone') }} as date)
),

counted as (
    select
        judged.lead_id,
        judged.rule_code,
        sum(case when touch_days.days_after < judged.window_days then touch_days.n_touches else 0 end) as n_touches,
        sum(case when touch_days.days_after < judged.window_days then touch_days.n_effective else 0 end)
            as n_effective,
        sum(
            case when touch_days.days_after >= judged.window_days then touch_days.n_outbound else 0 end
        ) as n_outbound_after,
        count(
            distinct case
                when
                    touch_days.days_after < judged.window_days
                    and (
                        judged.channel_list is null
                        or concat(',', judged.channel_list, ',') like concat('%,', touch_days.channel_code, ',%')
                    )
                    then touch_days.channel_code
            end
        ) as n_channels
    from judged
    inner join touch_days on judged.lead_id = touch_days.lead_id
    where touch_days.days_after < judged.end_days
    group by judged.lead_id, judged.rule_code
),

mailed as (
    select
        lead_id,
        max(n_mails) as n_mails_a_day
    from mail_days
    group by lead_id
),

contacted_leads as (
    select
        lead_id,
        account_id,
        created_at,
        {{ from_epoch_micros('created_us + contact_days * ' ~ day_us) }} as ends_at
    from watched
    where contact_days is not null and account_id <> 'unknown'
),

contacted_accounts as (
    select
        account_id,
        min(created_at) as first_at,
        max(ends_at) as end_at
    from contacted_leads
    group by account_id
),

-- Days of UTC: the begin and the end of a window lie on two of them, so that first and last touch tell which are in it.
person_days as (
    select
        touches.account_id,
        touches.person_id,
        min(touches.occurred_at) as first_at,
        max(touches.occurred_at) as last_at
    from {{ ref('fct_touches') }} as touches
    inner join contacted_accounts on touches.account_id = contacted_accounts.account_id
    cross join {{ run_settings() }} as settings
    where
        touches.person_id <> 'unknown'
        and touches.is_effective
        and touches.occurred_at < settings.as_of
        and touches.occurred_at >= contacted_accounts.first_at
        and touches.occurred_at < contacted_accounts.end_at
    group by touches.account_id, touches.person_id, cast(touches.occurred_at as date)
),

people as (
    select
        contacted_leads.lead_id,
        count(distinct person_days.person_id) as n_contacts
    from contacted_leads
    inner join person_days on contacted_leads.account_id = person_days.account_id
    where person_days.last_at >= contacted_leads.created_at and person_days.first_at < contacted_leads.ends_at
    group by contacted_leads.lead_id
),

-- Who refused a channel in the days of a rule, whatever is known of it afterwards.
refusing as (
    select distinct
        judged.lead_id,
        judged.rule_code
    from judged
    inner join {{ ref('int_contact_refusals') }} as refusals on judged.person_id = refusals.person_id
    where
        judged.rule_code in {{ rules_with_sequence }}
        and refusals.refused_at < judged.as_of
        and {{ epoch_micros('refusals.refused_at') }} <= judged.created_us + judged.window_days * {{ day_us }}
        and (refusals.ends_at is null or refusals.ends_at > judged.created_at)
),

-- Who never logs an introduction cannot be told to lack one.
logged_intros as (
    select count(*) as n_logged
    from {{ ref('int_activities') }}
    where is_warm_intro
),

intros as (
    select
        intro_leads.lead_id,
        count(*) as n_intros
    from {{ ref('int_activities') }} as activities
    inner join watched as intro_leads on activities.lead_id = intro_leads.lead_id
    cross join {{ run_settings() }} as settings
    where
        activities.is_warm_intro
        and activities.occurred_at < settings.as_of
        and activities.occurred_at >= intro_leads.created_at
        and {{ full_days_between('intro_leads.created_us', 'activities.occurred_at') }} < intro_leads.end_days
    group by intro_leads.lead_id
),

measured as (
    select
        judged.lead_id,
        judged.rule_code,
        judged.channel_code,
        judged.size_band_code,
        judged.rep_id,
        judged.created_on,
        judged.window_days,
        judged.threshold_value,
        judged.origin_code,
        judged.threshold_version,
        judged.ttf_status_code,
        case
            when refusing.lead_id is not null then 'opted_out'
            when
                judged.rule_code in {{ rules_with_sequence }}
                and {{ full_days_between('judged.created_us', 'judged.converted_at') }} < judged.window_days
                then 'converted'
            when judged.rule_code = 'min_contacts' and judged.account_id = 'unknown' then 'no_account'
            when
                judged.rule_code = 'ttf_max_hours'
                and judged.ttf_status_code not in ('contacted', 'never_contacted')
                then judged.ttf_status_code
            when
                judged.rule_code = 'warm_intro_after'
                and coalesce(counted.n_effective, 0) <= judged.threshold_value
                then 'not_beyond'
            when judged.rule_code = 'warm_intro_after' and logged_intros.n_logged = 0 then 'none_logged'
        end as exempt_code,
        cast(case judged.rule_code
            when 'ttf_max_hours' then judged.ttf_hours
            when 'max_mails_a_day' then coalesce(mailed.n_mails_a_day, 0)
            when 'min_channels' then coalesce(counted.n_channels, 0)
            when 'min_contacts' then coalesce(people.n_contacts, 0)
            when 'hot_cool_down_days' then coalesce(counted.n_outbound_after, 0)
            when 'warm_intro_after' then coalesce(intros.n_intros, 0)
            else coalesce(counted.n_effective, 0)
        end as decimal(18, 4)) as actual_value,
        cast(case judged.rule_code
            when 'ttf_max_hours' then judged.ttf_business_hours
            when 'min_touches' then coalesce(counted.n_touches, 0)
            when 'max_touches' then coalesce(counted.n_touches, 0)
            when 'hot_min_touches' then coalesce(counted.n_touches, 0)
        end as decimal(18, 4)) as other_value
    from judged
    cross join logged_intros
    left join intros on judged.lead_id = intros.lead_id
    left join counted on judged.lead_id = counted.lead_id and judged.rule_code = counted.rule_code
    left join mailed on judged.lead_id = mailed.lead_id
    left join people on judged.lead_id = people.lead_id
    left join refusing on judged.lead_id = refusing.lead_id and judged.rule_code = refusing.rule_code
)

select
    lead_id || '/' || rule_code as adherence_key,
    lead_id,
    rule_code,
    channel_code,
    size_band_code,
    rep_id,
    created_on,
    cast(window_days as int) as window_days,
    threshold_value,
    origin_code,
    threshold_version,
    exempt_code,
    actual_value,
    other_value,
    case
        when exempt_code is not null then cast(null as boolean)
        when rule_code = 'hot_cool_down_days' then actual_value = 0
        when rule_code = 'warm_intro_after' then actual_value > 0
        when rule_code in ('max_touches', 'max_mails_a_day') then actual_value <= threshold_value
        when rule_code = 'ttf_max_hours' then coalesce(actual_value <= threshold_value, false)
        else actual_value >= threshold_value
    end as is_within,
    case
        when exempt_code is not null then cast(null as boolean)
        when rule_code = 'max_touches' then other_value <= threshold_value
        when rule_code = 'ttf_max_hours' then coalesce(other_value <= threshold_value, false)
        when rule_code in ('min_touches', 'hot_min_touches') then other_value >= threshold_value
    end as is_within_otherwise
from measured
