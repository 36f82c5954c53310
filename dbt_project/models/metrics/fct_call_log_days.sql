-- A worked day without a single call is a hole in the log where that weekday usually has many: ten calls a day leave
-- none on one day of 20,000 by chance, two a day on one of seven. A day on which sellers logged nothing else either is
-- no hole, the company was closed. What comes after the last call is told by the freshness of the source.
{%- set usual_min = 10 %}

with holiday_countries as (
    {{ holiday_countries() }}
),

business_days as (
    {{ business_days() }}
),

-- The local day of an instant is not free: no zone changes its day within a quarter hour.
quarters as (
    select
        calls.source_instance,
        settings.timezone,
        {{ quarter_hour('calls.started_at') }} as quarter_at,
        count(*) as n_calls
    from {{ ref('fct_calls') }} as calls
    cross join {{ run_settings() }} as settings
    where calls.started_at < settings.as_of
    group by calls.source_instance, settings.timezone, {{ quarter_hour('calls.started_at') }}
),

called as (
    select
        source_instance,
        {{ local_day('quarter_at', 'timezone') }} as called_on,
        sum(n_calls) as n_calls
    from quarters
    group by source_instance, {{ local_day('quarter_at', 'timezone') }}
),

home as (
    select coalesce(max(calendars.country_code), 'none') as country_code
    from {{ run_settings() }} as settings
    inner join {{ ref('time_zones') }} as zones on settings.timezone = zones.timezone
    inner join holiday_countries as calendars on zones.country_code = calendars.country_code
),

logs as (
    select
        called.source_instance,
        home.country_code,
        min(called.called_on) as first_on,
        max(called.called_on) as last_on
    from called
    cross join home
    group by called.source_instance, home.country_code
),

others as (
    select
        occurred_on,
        sum(n_activities) as n_activities
    from {{ ref('fct_activity_days') }}
    where handling_code = 'human' and channel_code <> 'voice'
    group by occurred_on
),

logging as (
    select count(*) as n_days
    from others
),

worked as (
    select
        logs.source_instance,
        calendar.date_day as called_on,
        {{ days_between(iso_week_start('calendar.date_day'), 'calendar.date_day') }} as weekday_number,
        coalesce(called.n_calls, 0) as n_calls,
        coalesce(others.n_activities, 0) as n_other_activities,
        logging.n_days > 0 as is_logging
    from logs
    inner join business_days as calendar
        on
            logs.country_code = calendar.country_code
            and logs.first_on <= calendar.date_day
            and logs.last_on >= calendar.date_day
    cross join logging
    left join called on logs.source_instance = called.source_instance and calendar.date_day = called.called_on
    left join others on calendar.date_day = others.occurred_on
    where calendar.is_worked
),

-- Eight times the same weekday before and after; days without a call are no part of what is usual.
compared as (
    select
        *,
        avg(cast(nullif(n_calls, 0) as double)) over (
            partition by source_instance, weekday_number
            order by called_on
            rows between 8 preceding and 8 following
        ) as usual_calls
    from worked
)

select
    source_instance || '/' || cast(called_on as string) as call_log_day_key,
    source_instance,
    called_on,
    cast(n_calls as bigint) as n_calls,
    {{ rounded('usual_calls', 4) }} as usual_calls,
    cast(n_other_activities as bigint) as n_other_activities,
    case
        when n_calls > 0 then 'calls'
        when usual_calls is null or usual_calls < {{ usual_min }} then 'too_few_calls'
        when is_logging and n_other_activities = 0 then 'nothing_logged'
        else 'missing'
    end as day_status_code
from compared
