{#
  Business time: Monday to Friday, 9:00 to 17:00 on the clock of the place, public holidays off where the seed knows
  those of the country. A change of the clocks never falls into these hours, so that time on the wall is time elapsed.
#}

{# The countries whose holidays the seed knows: a full select, for CTE `holiday_countries`. #}
{% macro holiday_countries() -%}
    select distinct country_code
    from {{ ref('public_holidays') }}
{%- endmacro %}

{#
  One row per calendar day and country of the seed, and 'none': whether it is worked, how many worked days lie before it
  (since the calendar begins) and the next worked day after it. A full select over CTE `holiday_countries`.
#}
{% macro business_days() -%}
    select
        country_code,
        date_day,
        is_worked,
        sum(case when is_worked then 1 else 0 end) over (
            partition by country_code
            order by date_day
            rows between unbounded preceding and current row
        ) - case when is_worked then 1 else 0 end as n_worked_before,
        min(case when is_worked then date_day end) over (
            partition by country_code
            order by date_day
            rows between 1 following and unbounded following
        ) as next_worked_on
    from (
        select
            countries.country_code,
            dates.date_day,
            holidays.holiday_on is null
            and {{ days_between(iso_week_start('dates.date_day'), 'dates.date_day') }} < 5 as is_worked
        from {{ ref('dim_dates') }} as dates
        cross join (
            select country_code from holiday_countries
            union all
            select 'none' as country_code
        ) as countries
        left join {{ ref('public_holidays') }} as holidays
            on countries.country_code = holidays.country_code and dates.date_day = holidays.holiday_on
    ) as worked_days
{%- endmacro %}

{# Business microseconds from the first day of the calendar to a wall clock; days: alias of a row of business_days. #}
{% macro business_micros(wall_clock, days) -%}
    (
        {{ days }}.n_worked_before * cast(28800000000 as bigint)
        + case
            when {{ days }}.is_worked
                then
                    least(
                        greatest(
                            {{ epoch_micros(wall_clock) }}
                            - {{ epoch_micros('cast(' ~ days ~ '.date_day as timestamp)') }}
                            - cast(32400000000 as bigint),
                            0
                        ),
                        cast(28800000000 as bigint)
                    )
            else 0
        end
    )
{%- endmacro %}
