{# Time arithmetic that engines spell differently. Timestamps are UTC; results are the same on every engine. #}

{# Whole seconds from one timestamp to another, negative when the second is earlier. #}
{% macro seconds_between(earlier, later) -%}
    {{ adapter.dispatch('seconds_between', 'etalon')(earlier, later) }}
{%- endmacro %}
{% macro default__seconds_between(earlier, later) -%}
    cast(floor((epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1000000) as bigint)
{%- endmacro %}
{% macro spark__seconds_between(earlier, later) -%}
    cast(floor((unix_micros({{ later }}) - unix_micros({{ earlier }})) / 1000000) as bigint)
{%- endmacro %}

{# Days from one date to another. #}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between', 'etalon')(earlier, later) }}
{%- endmacro %}
{% macro default__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}
{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{# A date moved by whole days. #}
{% macro add_days(day, n_days) -%}
    {{ adapter.dispatch('add_days', 'etalon')(day, n_days) }}
{%- endmacro %}
{% macro default__add_days(day, n_days) -%}
    cast({{ day }} + cast({{ n_days }} as integer) as date)
{%- endmacro %}
{% macro spark__add_days(day, n_days) -%}
    date_add({{ day }}, cast({{ n_days }} as int))
{%- endmacro %}

{# A date moved by whole months; a day that does not exist becomes the month's last. #}
{% macro add_months(day, n_months) -%}
    {{ adapter.dispatch('add_months', 'etalon')(day, n_months) }}
{%- endmacro %}
{% macro default__add_months(day, n_months) -%}
    cast({{ day }} + to_months(cast({{ n_months }} as integer)) as date)
{%- endmacro %}
{% macro spark__add_months(day, n_months) -%}
    add_months({{ day }}, cast({{ n_months }} as int))
{%- endmacro %}

{# First day of the month, quarter or year, and Monday of the ISO week, of a date or timestamp. #}
{% macro first_of_month(moment) -%}
    cast(date_trunc('month', {{ moment }}) as date)
{%- endmacro %}
{% macro first_of_quarter(moment) -%}
    cast(date_trunc('quarter', {{ moment }}) as date)
{%- endmacro %}
{% macro iso_week_start(moment) -%}
    cast(date_trunc('week', {{ moment }}) as date)
{%- endmacro %}

{# One row per day, both ends included, in column date_day: a full select. #}
{% macro date_series(first_day, last_day) -%}
    {{ adapter.dispatch('date_series', 'etalon')(first_day, last_day) }}
{%- endmacro %}
{% macro default__date_series(first_day, last_day) -%}
    select cast(days.date_day as date) as date_day
    from generate_series({{ first_day }}, {{ last_day }}, interval 1 day) as days (date_day)
{%- endmacro %}
{% macro spark__date_series(first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day
{%- endmacro %}

{#
  Calendar day of a UTC instant in a zone (an expression that gives an IANA name, as settings.timezone). The zone
  tables cost twenty times a cast: UTC does without them, and event streams convert one instant a quarter hour.
#}
{% macro local_day(moment, zone) -%}
    {{ adapter.dispatch('local_day', 'etalon')(moment, zone) }}
{%- endmacro %}
{% macro default__local_day(moment, zone) -%}
    case
        when {{ zone }} = 'UTC' then cast({{ moment }} as date)
        else cast(timezone({{ zone }}, timezone('UTC', {{ moment }})) as date)
    end
{%- endmacro %}
{% macro spark__local_day(moment, zone) -%}
    cast(from_utc_timestamp({{ moment }}, {{ zone }}) as date)
{%- endmacro %}

{#
  UTC instant of a value with its precision. A day (precision 'day') is midnight of a calendar day without a zone: it
  becomes the first instant of that day in the zone, so that local_day gives the day back. Others are instants already.
#}
{% macro instant_of(value, precision, zone) -%}
    {{ adapter.dispatch('instant_of', 'etalon')(value, precision, zone) }}
{%- endmacro %}
{% macro default__instant_of(value, precision, zone) -%}
    case when {{ precision }} = 'day' then timezone('UTC', timezone({{ zone }}, {{ value }})) else {{ value }} end
{%- endmacro %}
{% macro spark__instant_of(value, precision, zone) -%}
    case when {{ precision }} = 'day' then to_utc_timestamp({{ value }}, {{ zone }}) else {{ value }} end
{%- endmacro %}

{# Begin of the quarter hour of an instant: no zone changes its day within one. #}
{% macro quarter_hour(moment) -%}
    {{ adapter.dispatch('quarter_hour', 'etalon')(moment) }}
{%- endmacro %}
{% macro default__quarter_hour(moment) -%}
    time_bucket(interval 15 minutes, {{ moment }})
{%- endmacro %}
{% macro spark__quarter_hour(moment) -%}
    timestamp_seconds(cast(floor(unix_micros({{ moment }}) / 900000000) as bigint) * 900)
{%- endmacro %}

{# Microseconds since 1970 of a UTC instant: what windows of hours are measured in. #}
{% macro epoch_micros(moment) -%}
    {{ adapter.dispatch('epoch_micros', 'etalon')(moment) }}
{%- endmacro %}
{% macro default__epoch_micros(moment) -%}
    epoch_us({{ moment }})
{%- endmacro %}
{% macro spark__epoch_micros(moment) -%}
    unix_micros({{ moment }})
{%- endmacro %}

{# What a clock in a zone shows at a UTC instant, as a timestamp without a zone; of a zone in seed time_zones. #}
{% macro local_clock(moment, zone) -%}
    {{ adapter.dispatch('local_clock', 'etalon')(moment, zone) }}
{%- endmacro %}
{% macro default__local_clock(moment, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ moment }}))
{%- endmacro %}
{% macro spark__local_clock(moment, zone) -%}
    from_utc_timestamp({{ moment }}, {{ zone }})
{%- endmacro %}

{# The UTC instant of so many microseconds since 1970. #}
{% macro from_epoch_micros(micros) -%}
    {{ adapter.dispatch('from_epoch_micros', 'etalon')(micros) }}
{%- endmacro %}
{% macro default__from_epoch_micros(micros) -%}
    make_timestamp({{ micros }})
{%- endmacro %}
{% macro spark__from_epoch_micros(micros) -%}
    timestamp_micros({{ micros }})
{%- endmacro %}
