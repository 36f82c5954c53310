-- What happened after as_of is left out: an old cycle run again gives its old figures plus late data.
-- The 24 h contact is an effective contact at or after creation, even where an earlier one makes the TTF null.
with leads as (
    select
        leads.*,
        settings.as_of,
        cast(settings.conversion_window_days as bigint) * 86400 as window_s,
        {{ seconds_between('leads.created_at', 'settings.as_of') }} as age_s
    from {{ ref('fct_leads') }} as leads
    cross join {{ run_settings() }} as settings
    where leads.created_at is null or leads.created_at < settings.as_of
),

lead_touches as (
    select
        touches.lead_id,
        touches.occurred_at,
        touches.is_effective,
        touches.occurred_at >= leads.created_at as is_after_creation,
        {{ seconds_between('leads.created_at', 'touches.occurred_at') }}
        < leads.window_s as is_before_window_end
    from {{ ref('fct_touches') }} as touches
    inner join leads on touches.lead_id = leads.lead_id
    where touches.occurred_at < leads.as_of
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
        min(occurred_at) filter (where is_effective and is_after_creation) as first_effective_after_at
    from lead_touches
    group by lead_id
),

timed as (
    select
        leads.*,
        cadences.first_touch_at,
        cadences.first_effective_at,
        cadences.first_effective_after_at,
        coalesce(cadences.n_touches, 0) as n_touches,
        coalesce(cadences.n_effective_touches, 0) as n_effective_touches,
        leads.is_converted
        and (leads.converted_at is null or leads.converted_at < leads.as_of) as is_converted_as_of,
        case
            when leads.created_at is null then 'not_dated'
            when cadences.first_effective_at is null then 'never_contacted'
            when cadences.first_effective_at < leads.created_at then 'negative_ttf'
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
    coalesce(age_s >= window_s, false) as is_matured,
    coalesce(is_converted_as_of, false) as is_converted,
    coalesce(is_converted_as_of and converted_at is null, false) as is_conversion_undated,
    -- A CRM often keeps the day of conversion only: the same day at midnight is not before creation.
    coalesce(
        is_converted_as_of
        and cast(converted_at as date) >= created_on
        and {{ seconds_between('created_at', 'converted_at') }} < window_s,
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
    coalesce(age_s >= 86400, false) as is_older_24h,
    coalesce(
        {{ seconds_between('created_at', 'first_effective_after_at') }} <= 86400, false
    ) as is_contacted_24h,
    n_touches_declared
from timed
