-- What happened after as_of is left out: an old cycle run again gives its old figures plus late data.
-- Where the lead or the event has a day and no time, whole days of the company's zone are compared: in the window from
-- the day of creation to window days later. Such a first contact gives no hours.
-- The 24 h contact is an effective contact at or after creation, even where an earlier one makes the TTF null.
with leads as (
    select
        leads.*,
        settings.as_of,
        settings.cycle_end,
        settings.timezone as company_timezone,
        settings.conversion_window_days as window_days,
        cast(settings.conversion_window_days as bigint) * 86400 as window_s,
        {{ seconds_between('leads.created_at', 'settings.as_of') }} as age_s,
        leads.is_converted
        and (leads.converted_at is null or leads.converted_at < settings.as_of) as is_converted_as_of
    from {{ ref('fct_leads') }} as leads
    cross join {{ run_settings() }} as settings
    where leads.created_at is null or leads.created_at < settings.as_of
),

-- days_after only where days are compared: the local day of an instant is not free, and touches are many.
paired as (
    select
        touches.lead_id,
        touches.occurred_at,
        touches.is_effective,
        leads.window_days,
        leads.window_s,
        leads.is_created_day_only or touches.is_day_only as is_by_day,
        {{ seconds_between('leads.created_at', 'touches.occurred_at') }} as seconds_after,
        case
            when leads.is_created_day_only or touches.is_day_only
                then {{ days_between(
                    'leads.created_on', local_day('touches.occurred_at', 'leads.company_timezone')
                ) }}
        end as days_after
    from {{ ref('fct_touches') }} as touches
    inner join leads on touches.lead_id = leads.lead_id
    where touches.occurred_at < leads.as_of
),

lead_touches as (
    select
        lead_id,
        occurred_at,
        is_effective,
        is_by_day,
        case when is_by_day then days_after >= 0 else seconds_after >= 0 end as is_after_creation,
        case when is_by_day then days_after <= window_days else seconds_after < window_s end as is_before_window_end,
        case when is_by_day then days_after <= 1 else seconds_after <= 86400 end as is_before_24h
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
        min(occurred_at) filter (where is_effective) as first_effective_at,
        min(occurred_at) filter (where is_effective and is_by_day) as first_effective_day_at,
        coalesce(bool_or(is_effective and not is_after_creation), false) as has_effective_before,
        coalesce(bool_or(is_effective and is_after_creation and is_before_24h), false) as is_contacted_24h
    from lead_touches
    group by lead_id
),

timed as (
    select
        leads.*,
        cadences.first_touch_at,
        cadences.first_effective_at,
        coalesce(cadences.is_contacted_24h, false) as is_contacted_24h,
        coalesce(cadences.n_touches, 0) as n_touches,
        coalesce(cadences.n_effective_touches, 0) as n_effective_touches,
        case
            when leads.created_at is null then 'not_dated'
            when cadences.first_effective_at is null then 'never_contacted'
            when {{ applies('negative_ttf', 'cadences.has_effective_before') }} then 'negative_ttf'
            when cadences.first_effective_day_at = cadences.first_effective_at then 'day_only'
            else 'contacted'
        end as ttf_status_code
    from leads
    left join cadences on leads.lead_id = cadences.lead_id
)

select
    lead_id,
    account_id,
    rep_id,
    coalesce(channel_code, 'unknown') as channel_code,
    coalesce(size_band_code, 'unknown') as size_band_code,
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
    first_touch_at,
    first_effective_at,
    case
        when ttf_status_code = 'contacted'
            then cast(
                cast({{ seconds_between('created_at', 'first_effective_at') }} as decimal(18, 4)) / 3600
                as decimal(18, 4)
            )
    end as ttf_hours,
    ttf_status_code,
    coalesce(
        case
            when is_created_day_only then {{ days_between('created_on', 'cycle_end') }} > 1
            else age_s >= 86400
        end,
        false
    ) as is_older_24h,
    is_contacted_24h,
    n_touches_declared
from timed
