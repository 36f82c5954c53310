-- What happened after as_of is left out: an old cycle run again gives its old figures plus late data.
-- Where the lead or the event has a day and no time, whole days of the company's zone are compared: in the window from
-- the day of creation to window days later. Such a first contact gives no hours.
-- The 24 h contact is an effective contact at or after creation, even where an earlier one makes the TTF null.
-- Business time runs on the clock of the lead: its zone, else the one zone of its country, else the company's.
with holiday_countries as (
    {{ holiday_countries() }}
),

business_days as (
    {{ business_days() }}
),

sources as (
    select
        lead_id,
        lower(trim(lead_source)) as source_key
    from {{ ref('fct_leads') }}
    where lead_source is not null
),

conformed_sources as (
    select
        sources.lead_id,
        coalesce(named.source_code, 'other') as source_code
    from sources
    left join {{ ref('lead_sources') }} as named on sources.source_key = named.source_key
),

-- An opportunity names the first of the leads that were converted into it, a lead that of its first conversion.
first_opportunities as (
    select
        lead_id,
        min(opened_on) as opened_on
    from (
        select
            lead_id,
            opened_on
        from {{ ref('fct_opportunities') }}
        where lead_id <> 'unknown'
        union all
        select
            converted.lead_id,
            opportunities.opened_on
        from {{ ref('fct_leads') }} as converted
        inner join {{ ref('fct_opportunities') }} as opportunities
            on converted.opportunity_id = opportunities.opportunity_id
    ) as links
    group by lead_id
),

-- Where no opportunity is tied to any lead, nobody tells which leads had one: none of theirs is known, not none.
known_opportunities as (
    select count(opened_on) > 0 as are_told
    from first_opportunities
),

leads as (
    select
        leads.*,
        settings.as_of,
        settings.cycle_end,
        settings.timezone as company_timezone,
        settings.conversion_window_days as window_days,
        cast(settings.conversion_window_days as bigint) * 86400 as window_s,
        {{ seconds_between('leads.created_at', 'settings.as_of') }} as age_s,
        leads.is_converted
        and (leads.converted_at is null or leads.converted_at < settings.as_of) as is_converted_as_of,
        coalesce(stated.timezone, by_country.timezone, settings.timezone) as lead_timezone,
        coalesce(calendars.country_code, 'none') as holiday_country_code,
        coalesce(conformed.source_code, 'unknown') as source_code,
        mqls.qualified_at as mql_qualified_at,
        mqls.qualified_on as mql_on,
        mqls.rule_id as mql_rule_id,
        mqls.definition_version as mql_definition_version,
        mqls.is_day_only as is_mql_by_day,
        cast(coalesce(mqls.sla_hours, 24) as bigint) as handoff_sla_hours,
        sqls.qualified_at as sql_qualified_at,
        sqls.qualified_on as sql_on,
        sqls.rule_id as sql_rule_id,
        sqls.definition_version as sql_definition_version,
        sqls.is_day_only as is_sql_by_day,
        known_opportunities.are_told as are_opportunities_told,
        first_opportunities.opened_on as opportunity_opened_on
    from {{ ref('fct_leads') }} as leads
    cross join {{ run_settings() }} as settings
    cross join known_opportunities
    left join first_opportunities on leads.lead_id = first_opportunities.lead_id
    left join {{ ref('time_zones') }} as stated on leads.timezone = stated.timezone
    left join {{ ref('time_zones') }} as by_country
        on leads.country_code = by_country.country_code and by_country.is_only_of_country
    left join {{ ref('time_zones') }} as home on settings.timezone = home.timezone
    left join holiday_countries as calendars
        on coalesce(leads.country_code, home.country_code) = calendars.country_code
    left join conformed_sources as conformed on leads.lead_id = conformed.lead_id
    left join {{ ref('fct_lead_qualifications') }} as mqls
        on leads.lead_id = mqls.lead_id and mqls.definition_code = 'mql'
    left join {{ ref('fct_lead_qualifications') }} as sqls
        on leads.lead_id = sqls.lead_id and sqls.definition_code = 'sql'
    where leads.created_at is null or leads.created_at < settings.as_of
),

-- The local day only where days are compared: the local day of an instant is not free, and touches are many.
touched as (
    select
        touches.lead_id,
        touches.occurred_at,
        touches.is_effective,
        touches.is_day_only,
        leads.created_on,
        leads.window_days,
        leads.window_s,
        leads.mql_on,
        leads.handoff_sla_hours,
        leads.is_created_day_only or touches.is_day_only as is_by_day,
        coalesce(leads.is_mql_by_day, false) or touches.is_day_only as is_handoff_by_day,
        {{ seconds_between('leads.created_at', 'touches.occurred_at') }} as seconds_after,
        {{ seconds_between('leads.mql_qualified_at', 'touches.occurred_at') }} as seconds_after_mql,
        case
            when leads.is_created_day_only or touches.is_day_only or leads.is_mql_by_day
                then {{ local_day('touches.occurred_at', 'leads.company_timezone') }}
        end as touched_on
    from {{ ref('fct_touches') }} as touches
    inner join leads on touches.lead_id = leads.lead_id
    where touches.occurred_at < leads.as_of
),

paired as (
    select
        *,
        case when is_by_day then {{ days_between('created_on', 'touched_on') }} end as days_after,
        case when is_handoff_by_day then {{ days_between('mql_on', 'touched_on') }} end as days_after_mql
    from touched
),

lead_touches as (
    select
        lead_id,
        occurred_at,
        is_effective,
        is_by_day,
        case when is_by_day then days_after >= 0 else seconds_after >= 0 end as is_after_creation,
        case when is_by_day then days_after <= window_days else seconds_after < window_s end as is_before_window_end,
        case when is_by_day then days_after <= 1 else seconds_after <= 86400 end as is_before_24h,
        case when is_handoff_by_day then days_after_mql >= 0 else seconds_after_mql >= 0 end as is_after_mql,
        case
            when is_handoff_by_day then days_after_mql * 24 <= handoff_sla_hours
            else seconds_after_mql <= handoff_sla_hours * 3600
        end as is_before_sla_end,
        is_day_only,
        is_handoff_by_day
    from paired
),

cadences as (
    select
        lead_id,
        count(*) filter (where is_after_creation and is_before_window_end) as n_touches,
        count(*) filter (
            where is_after_creation and is_before_window_end and is_effective
        ) as n_effective_touches,
        min(occurred_at) as first_touch_at,
        min(occurred_at) filter (where is_by_day) as first_touch_day_at,
        min(occurred_at) filter (where is_effective) as first_effective_at,
        min(occurred_at) filter (where is_effective and is_by_day) as first_effective_day_at,
        min(occurred_at) filter (where is_effective and is_after_creation) as first_contact_at,
        min(occurred_at) filter (where is_effective and is_after_creation and is_day_only) as first_contact_day_at,
        min(occurred_at) filter (where is_after_mql and not is_handoff_by_day) as first_touch_after_mql_at,
        coalesce(bool_or(not is_after_creation), false) as has_touch_before,
        coalesce(bool_or(is_effective and not is_after_creation), false) as has_effective_before,
        coalesce(bool_or(is_effective and is_after_creation and is_before_24h), false) as is_contacted_24h,
        coalesce(bool_or(is_after_creation), false) as is_followed_up,
        coalesce(bool_or(is_after_mql and is_before_sla_end), false) as is_handoff_touched_in_sla
    from lead_touches
    group by lead_id
),

timed as (
    select
        leads.*,
        cadences.first_touch_at,
        cadences.first_effective_at,
        cadences.first_contact_at,
        cadences.first_touch_after_mql_at,
        coalesce(cadences.is_contacted_24h, false) as is_contacted_24h,
        coalesce(cadences.is_followed_up, false) as is_followed_up,
        coalesce(cadences.is_handoff_touched_in_sla, false) as is_handoff_touched_in_sla,
        leads.created_at is not null
        and cadences.first_touch_at is not null
        and not cadences.has_touch_before
        and coalesce(cadences.first_touch_day_at <> cadences.first_touch_at, true) as is_attempt_timed,
        coalesce(cadences.n_touches, 0) as n_touches,
        coalesce(cadences.n_effective_touches, 0) as n_effective_touches,
        case
            when leads.created_at is null then 'not_dated'
            when cadences.first_effective_at is null then 'never_contacted'
            when {{ applies('negative_ttf', 'cadences.has_effective_before') }} then 'negative_ttf'
            when cadences.first_effective_day_at = cadences.first_effective_at then 'day_only'
            else 'contacted'
        end as ttf_status_code,
        case
            when leads.is_created_day_only then cast(leads.created_on as timestamp)
            else {{ local_clock('leads.created_at', 'leads.lead_timezone') }}
        end as created_clock,
        {{ local_clock('cadences.first_effective_at', 'leads.lead_timezone') }} as contacted_clock,
        case
            when leads.is_created_day_only or cadences.first_contact_day_at = cadences.first_contact_at
                then {{ local_day('cadences.first_contact_at', 'leads.company_timezone') }}
            else cast({{ local_clock('cadences.first_contact_at', 'leads.lead_timezone') }} as date)
        end as first_contact_on,
        {{ local_clock('leads.as_of', 'leads.lead_timezone') }} as as_of_clock,
        cast({{ local_clock('leads.as_of', 'leads.lead_timezone') }} as date) as as_of_on
    from leads
    left join cadences on leads.lead_id = cadences.lead_id
),

clocked as (
    select
        *,
        cast(created_clock as date) as created_clock_on,
        cast(contacted_clock as date) as contacted_clock_on
    from timed
),

-- A lead that comes in on a worked day before its end is to be contacted on that day, any other one on the next.
due as (
    select
        clocked.*,
        case
            when
                created_days.is_worked
                and (clocked.is_created_day_only or extract(hour from clocked.created_clock) < 17)
                then created_days.date_day
            else created_days.next_worked_on
        end as contact_due_on,
        case
            when clocked.ttf_status_code = 'contacted'
                then
                    {{ business_micros('clocked.contacted_clock', 'contacted_days') }}
                    - {{ business_micros('clocked.created_clock', 'created_days') }}
            when clocked.ttf_status_code = 'never_contacted' and not clocked.is_created_day_only
                then
                    {{ business_micros('clocked.as_of_clock', 'as_of_days') }}
                    - {{ business_micros('clocked.created_clock', 'created_days') }}
        end as business_observed_us
    from clocked
    left join business_days as created_days
        on
            clocked.created_clock_on = created_days.date_day
            and clocked.holiday_country_code = created_days.country_code
    left join business_days as contacted_days
        on
            clocked.contacted_clock_on = contacted_days.date_day
            and clocked.holiday_country_code = contacted_days.country_code
    left join business_days as as_of_days
        on
            clocked.as_of_on = as_of_days.date_day
            and clocked.holiday_country_code = as_of_days.country_code
)

select
    lead_id,
    account_id,
    rep_id,
    coalesce(channel_code, 'unknown') as channel_code,
    coalesce(size_band_code, 'unknown') as size_band_code,
    source_code,
    source_code = 'social' as is_social,
    country_code,
    created_at,
    created_on,
    created_at is not null as is_dated,
    coalesce(
        case
            when is_created_day_only then {{ days_between('created_on', 'cycle_end') }} > window_days
            else age_s >= window_s
        end,
        false
    ) as is_matured,
    coalesce(is_converted_as_of, false) as is_converted,
    coalesce(is_converted_as_of and converted_at is null, false) as is_conversion_undated,
    coalesce(
        is_converted_as_of
        and case
            when is_created_day_only or is_converted_day_only
                then
                    converted_on >= created_on
                    and {{ days_between('created_on', 'converted_on') }} <= window_days
            else
                converted_at >= created_at
                and {{ seconds_between('created_at', 'converted_at') }} < window_s
        end,
        false
    ) as is_converted_in_window,
    n_touches,
    n_effective_touches,
    is_followed_up,
    first_touch_at,
    first_effective_at,
    case
        when ttf_status_code = 'contacted'
            then cast(
                cast({{ seconds_between('created_at', 'first_effective_at') }} as decimal(18, 4)) / 3600
                as decimal(18, 4)
            )
    end as ttf_hours,
    case
        when ttf_status_code = 'contacted'
            then cast(cast(floor(business_observed_us / 1000000) as decimal(18, 4)) / 3600 as decimal(18, 4))
    end as ttf_business_hours,
    cast(cast(floor(business_observed_us / 1000000) as decimal(18, 4)) / 3600 as decimal(18, 4))
        as ttf_business_observed_hours,
    case
        when ttf_status_code = 'contacted'
            then cast(
                cast({{ seconds_between('created_at', 'first_effective_at') }} as decimal(18, 4)) / 3600
                as decimal(18, 4)
            )
        when ttf_status_code = 'never_contacted' and not is_created_day_only
            then cast(cast(age_s as decimal(18, 4)) / 3600 as decimal(18, 4))
    end as ttf_observed_hours,
    case
        when is_attempt_timed
            then cast(
                cast({{ seconds_between('created_at', 'first_touch_at') }} as decimal(18, 4)) / 3600 as decimal(18, 4)
            )
    end as attempt_hours,
    case
        when is_attempt_timed
            then cast(
                cast({{ seconds_between('created_at', 'first_touch_at') }} as decimal(18, 4)) / 3600 as decimal(18, 4)
            )
        when first_touch_at is null and created_at is not null and not is_created_day_only
            then cast(cast(age_s as decimal(18, 4)) / 3600 as decimal(18, 4))
    end as attempt_observed_hours,
    ttf_status_code,
    coalesce(
        case
            when is_created_day_only then {{ days_between('created_on', 'cycle_end') }} > 1
            else age_s >= 86400
        end,
        false
    ) as is_older_24h,
    is_contacted_24h,
    contact_due_on,
    coalesce(contact_due_on < as_of_on, false) as is_contact_due,
    coalesce(first_contact_on <= contact_due_on, false) as is_contacted_same_day,
    mql_qualified_at as mql_at,
    mql_on,
    mql_rule_id,
    mql_definition_version,
    sql_qualified_at as sql_at,
    sql_on,
    sql_rule_id,
    sql_definition_version,
    coalesce(
        case
            when is_mql_by_day then {{ days_between('mql_on', 'cycle_end') }} * 24 > handoff_sla_hours
            else {{ seconds_between('mql_qualified_at', 'as_of') }} >= handoff_sla_hours * 3600
        end,
        false
    ) as is_handoff_sla_over,
    coalesce(is_handoff_touched_in_sla and mql_on is not null, false) as is_handoff_touched_in_sla,
    case when mql_on is not null then handoff_sla_hours end as handoff_sla_hours,
    first_touch_after_mql_at as handoff_touched_at,
    case
        when first_touch_after_mql_at is not null
            then cast(
                cast({{ seconds_between('mql_qualified_at', 'first_touch_after_mql_at') }} as decimal(18, 4)) / 3600
                as decimal(18, 4)
            )
    end as handoff_lag_hours,
    coalesce(
        case
            when is_mql_by_day then {{ days_between('mql_on', 'cycle_end') }} > window_days
            else {{ seconds_between('mql_qualified_at', 'as_of') }} >= window_s
        end,
        false
    ) as is_handoff_matured,
    coalesce(
        case
            when is_mql_by_day or is_sql_by_day
                then sql_on >= mql_on and {{ days_between('mql_on', 'sql_on') }} <= window_days
            else
                sql_qualified_at >= mql_qualified_at
                and {{ seconds_between('mql_qualified_at', 'sql_qualified_at') }} < window_s
        end,
        false
    ) as is_handoff_accepted,
    are_opportunities_told,
    coalesce(are_opportunities_told and {{ days_between('sql_on', 'cycle_end') }} > window_days, false)
        as is_sql_matured,
    coalesce({{ days_between('sql_on', 'opportunity_opened_on') }} <= window_days, false) as is_sql_with_opportunity,
    n_touches_declared,
    cast(5 as bigint) as n_fields_expected,
    cast(
        case when country_code is null then 0 else 1 end
        + case when source_code = 'unknown' then 0 else 1 end
        + case when coalesce(channel_code, 'unknown') = 'unknown' then 0 else 1 end
        + case when coalesce(size_band_code, 'unknown') = 'unknown' then 0 else 1 end
        + case when rep_id = 'unknown' then 0 else 1 end
        as bigint
    ) as n_fields_filled
from due
