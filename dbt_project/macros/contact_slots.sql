{#
  From when the clock of a person allows a contact, once nothing else stands in the way. CTEs for dq_contactability, over
  its CTEs policy and judged. Instants are microseconds since 1970.
#}

{# An instant after every other: a block without an end. #}
{% macro contact_for_good() -%}
    253402300799000000
{%- endmacro %}
{% macro contact_hour_us() -%}
    cast(3600000000 as bigint)
{%- endmacro %}
{% macro contact_day_us() -%}
    cast(86400000000 as bigint)
{%- endmacro %}

{# clock_slots: of each zone, zone of the sender and instant, the first instant in the hours of sending. #}
{% macro contact_clock_slots() -%}
-- The clock is asked once for each zone and instant: most people share both.
clock_questions as (
    select distinct
        timezone,
        sender_timezone,
        voice_from_us as from_us
    from judged
    where voice_from_us < {{ contact_for_good() }} and timezone is not null and not is_consumer and is_policed
    union
    select distinct
        timezone,
        sender_timezone,
        email_from_us as from_us
    from judged
    where email_from_us < {{ contact_for_good() }} and timezone is not null and not is_consumer and is_policed
),

clocks as (
    select
        clock_questions.*,
        {{ local_clock(from_epoch_micros('from_us'), 'clock_questions.timezone') }} as recipient_clock,
        {{ local_clock(from_epoch_micros('from_us'), 'sender_timezone') }} as sender_clock,
        policy.send_from_hour,
        policy.send_until_hour
    from clock_questions
    cross join policy
),

clock_slots as (
    select
        timezone,
        sender_timezone,
        from_us,
        case
            when
                recipient_clock = sender_clock
                or (
                    extract(hour from recipient_clock) >= send_from_hour
                    and extract(hour from recipient_clock) < send_until_hour
                )
                then from_us
            else
                {{ epoch_micros(instant_of(
                    from_epoch_micros(
                        epoch_micros("cast(cast(recipient_clock as date) as timestamp)")
                        ~ " + case when extract(hour from recipient_clock) < send_from_hour then 0 else " ~ contact_day_us() ~ " end"
                        ~ " + send_from_hour * " ~ contact_hour_us()
                    ), "'day'", 'timezone'
                )) }}
        end as slot_us
    from clocks
),
{%- endmacro %}

{# consumer_slots: of each zone and instant, the first instant at which a consumer may be called. #}
{% macro consumer_call_slots() -%}
consumer_questions as (
    select distinct
        timezone,
        voice_from_us as from_us
    from judged
    where voice_from_us < {{ contact_for_good() }} and timezone is not null and is_policed_consumer
),

consumer_clocks as (
    select
        *,
        {{ local_clock(from_epoch_micros('from_us'), 'timezone') }} as recipient_clock
    from consumer_questions
),

consumer_windows as (
    {% for row in policy_rows('fr_consumer') -%}
        {% for hours in row['call_hours'] -%}
            select
                cast({{ hours[0] }} as bigint) * {{ contact_hour_us() }} as window_start_us,
                cast({{ hours[1] }} as bigint) * {{ contact_hour_us() }} as window_end_us
            from policy
            where {{ is_in_days_of(row, 'as_of_on') }}
            union all
        {% endfor -%}
    {%- endfor %}
    select
        cast(0 as bigint) as window_start_us,
        cast(0 as bigint) as window_end_us
    from policy
    where false
),

first_windows as (
    select min(window_start_us) as first_start_us
    from consumer_windows
),

calendar as (
    select
        calendar_days.date_day,
        holidays.holiday_on is null
        and {{ days_between(iso_week_start('calendar_days.date_day'), 'calendar_days.date_day') }} < 5 as is_callable
    from {{ ref('dim_dates') }} as calendar_days
    cross join policy
    left join {{ ref('public_holidays') }} as holidays
        on
            calendar_days.date_day = holidays.holiday_on
            and holidays.country_code = {{ consumer_country() }}
    where calendar_days.date_day >= {{ add_days('policy.as_of_on', -1) }}
),

callable_days as (
    select
        date_day,
        is_callable,
        min(case when is_callable then date_day end) over (
            order by date_day
            rows between 1 following and unbounded following
        ) as next_callable_on
    from calendar
),

-- The first window of the day that is not over, else the first one of the next day with calls.
consumer_starts as (
    select
        consumer_clocks.timezone,
        consumer_clocks.from_us,
        {{ epoch_micros('consumer_clocks.recipient_clock') }} as clock_us,
        {{ epoch_micros('cast(calendar_days.date_day as timestamp)') }} as midnight_us,
        {{ epoch_micros('cast(calendar_days.next_callable_on as timestamp)') }} as next_midnight_us,
        min(first_windows.first_start_us) as first_start_us,
        min(case
            when
                calendar_days.is_callable
                and {{ epoch_micros('consumer_clocks.recipient_clock') }}
                - {{ epoch_micros('cast(calendar_days.date_day as timestamp)') }} < consumer_windows.window_end_us
                then consumer_windows.window_start_us
        end) as window_start_us
    from consumer_clocks
    inner join callable_days as calendar_days on cast(consumer_clocks.recipient_clock as date) = calendar_days.date_day
    cross join consumer_windows
    cross join first_windows
    group by
        consumer_clocks.timezone, consumer_clocks.from_us, consumer_clocks.recipient_clock, calendar_days.date_day,
        calendar_days.next_callable_on
),

consumer_slots as (
    select
        timezone,
        from_us,
        case
            when clock_us - midnight_us >= window_start_us then from_us
            else
                {{ epoch_micros(instant_of(
                    from_epoch_micros('coalesce(midnight_us + window_start_us, next_midnight_us + first_start_us)'),
                    "'day'", 'timezone'
                )) }}
        end as slot_us
    from consumer_starts
),
{%- endmacro %}

{# The code at a place of a list, null for none of it. #}
{% macro reason_of(place, reasons) -%}
    case {{ place }}
    {%- for reason in reasons %}
        when {{ loop.index0 }} then '{{ reason }}'
    {%- endfor %}
    end
{%- endmacro %}
