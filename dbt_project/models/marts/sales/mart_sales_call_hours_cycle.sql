-- Wilson's interval at 95 %: it stays inside 0 and 1 and says something of few calls.
{%- set z = 1.959963984540054 %}

with calls as (
    select
        hours.local_hour_code,
        {{ days_between(iso_week_start('hours.called_on'), 'hours.called_on') }} + 1 as weekday_number,
        hours.n_dialled,
        hours.n_connected,
        settings.cycle
    from {{ ref('fct_call_hours') }} as hours
    cross join {{ run_settings() }} as settings
    where
        hours.called_on >= {{ add_months('settings.cycle_end', '-12') }}
        and hours.called_on < settings.cycle_end
        and hours.local_hour_code <> 'unknown'
        and hours.n_dialled > 0
),

cells as (
    select
        cycle,
        cast(0 as int) as weekday_number,
        local_hour_code,
        sum(n_dialled) as n_dialled,
        sum(n_connected) as n_connected
    from calls
    group by cycle, local_hour_code
    union all
    select
        cycle,
        cast(weekday_number as int) as weekday_number,
        local_hour_code,
        sum(n_dialled) as n_dialled,
        sum(n_connected) as n_connected
    from calls
    group by cycle, weekday_number, local_hour_code
),

shares as (
    select
        *,
        cast(n_dialled as double) as n,
        cast(n_connected as double) / cast(n_dialled as double) as connected_share
    from cells
)

select
    cycle,
    weekday_number,
    cast(local_hour_code as string) as local_hour_code,
    cast(n_dialled as bigint) as n_dialled,
    cast(n_connected as bigint) as n_connected,
    {{ metric_ratio('n_connected', 'n_dialled') }} as connect_rate,
    {{ rounded(
        "greatest((connected_share + " ~ z * z ~ " / (2 * n) - " ~ z ~ " * sqrt(connected_share * (1 - connected_share) / n + "
        ~ z * z ~ " / (4 * n * n))) / (1 + " ~ z * z ~ " / n), 0)", 10
    ) }} as connect_rate_low,
    {{ rounded(
        "least((connected_share + " ~ z * z ~ " / (2 * n) + " ~ z ~ " * sqrt(connected_share * (1 - connected_share) / n + "
        ~ z * z ~ " / (4 * n * n))) / (1 + " ~ z * z ~ " / n), 1)", 10
    ) }} as connect_rate_high
from shares
