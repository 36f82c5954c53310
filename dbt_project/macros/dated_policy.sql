{#
  The contact policies are dated data: var contact_policies of dbt_project.yml, or the company's own file. These macros
  write the SQL that chooses among the rows of a profile. Where they all say the same the value stands alone, so that a
  policy that never changed costs nothing. A profile without rows judges nothing.
#}

{# How many months are judged, and read before them: no policy, but what windows over every contact would cost. #}
{% macro contact_policy(parameter) -%}
    {{ {'months_looked_back': 2, 'months_of_memory': 2}[parameter] }}
{%- endmacro %}

{# Rows of a profile, earliest first. #}
{% macro policy_rows(profile) -%}
    {%- set found = [] -%}
    {%- for row in var('contact_policies', []) if row is mapping and row['profile_code'] == profile -%}
        {%- do found.append(row) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# What the rows of a profile say of a parameter, each value once. #}
{% macro policy_values(profile, parameter) -%}
    {%- set found = [] -%}
    {%- for row in policy_rows(profile) if row is mapping and row[parameter] not in found -%}
        {%- do found.append(row[parameter]) -%}
    {%- endfor -%}
    {{ return(found or [1]) }}
{%- endmacro %}

{# The values of several parameters that stand together in a row, each combination once. #}
{% macro policy_combinations(profile, parameters) -%}
    {%- set found = [] -%}
    {%- for row in policy_rows(profile) if row is mapping -%}
        {%- set together = [] -%}
        {%- for parameter in parameters -%}
            {%- do together.append(row[parameter]) -%}
        {%- endfor -%}
        {%- if together not in found -%}
            {%- do found.append(together) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found or [[1, 1]]) }}
{%- endmacro %}

{# A value as SQL. #}
{% macro policy_literal(value) -%}
    {%- if value is string -%}
        '{{ value | replace("'", "''") }}'
    {%- else -%}
        {{ value | string | lower }}
    {%- endif -%}
{%- endmacro %}

{# A parameter that is the same in all rows of a profile. #}
{% macro policy_value(profile, parameter) -%}
    {{ policy_literal(policy_values(profile, parameter)[0]) }}
{%- endmacro %}

{# First instant of a day in the company's zone, in microseconds since 1970. #}
{% macro first_micros_of(day) -%}
    (
        select {{ epoch_micros(instant_of("cast('" ~ day ~ "' as timestamp)", "'day'", 'policy_settings.timezone')) }}
        from {{ run_settings() }} as policy_settings
    )
{%- endmacro %}

{# True in the days of a row. moment: a date, or microseconds since 1970 (is_micros). #}
{% macro is_in_days_of(row, moment, is_micros=false) -%}
    {%- set bounds = [] -%}
    {%- for name, sign in [('valid_from', '>='), ('valid_to', '<')] -%}
        {%- set day = row[name] if row is mapping and name in row else none -%}
        {%- if day -%}
            {%- set edge = first_micros_of(day) if is_micros else "cast('" ~ day ~ "' as date)" -%}
            {%- do bounds.append(moment ~ ' ' ~ sign ~ ' ' ~ edge) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ bounds | join(' and ') if bounds else 'true' }}
{%- endmacro %}

{# True where a profile has a row for the moment. #}
{% macro is_policed(profile, moment, is_micros=false) -%}
    {%- set days = [] -%}
    {%- for row in policy_rows(profile) -%}
        {%- do days.append('(' ~ is_in_days_of(row, moment, is_micros) ~ ')') -%}
    {%- endfor -%}
    ({{ days | join(' or ') if days else 'false' }})
{%- endmacro %}

{# What a parameter was on a date: its one value, else a case over the rows; null where no row holds. #}
{% macro policy_on(profile, parameter, moment, is_micros=false) -%}
    {%- if policy_values(profile, parameter) | length == 1 -%}
        {{ policy_value(profile, parameter) }}
    {%- else -%}
        case
        {%- for row in policy_rows(profile) %}
            when {{ is_in_days_of(row, moment, is_micros) }} then {{ policy_literal(row[parameter]) }}
        {%- endfor %}
        end
    {%- endif -%}
{%- endmacro %}

{# The same at an instant in microseconds since 1970. #}
{% macro policy_at(profile, parameter, at_us) -%}
    {{ policy_on(profile, parameter, at_us, true) }}
{%- endmacro %}

{# Of columns <prefix><position of the value>, one a value of a parameter, the one that was in force at an instant. #}
{% macro policy_column_at(profile, parameter, prefix, at_us) -%}
    {%- set known = policy_values(profile, parameter) -%}
    {%- if known | length == 1 -%}
        {{ prefix }}1
    {%- else -%}
        case
        {%- for row in policy_rows(profile) %}
            when {{ is_in_days_of(row, at_us, true) }} then {{ prefix }}{{ known.index(row[parameter]) + 1 }}
        {%- endfor %}
        end
    {%- endif -%}
{%- endmacro %}

{# Whether a local wall-clock time lies where a consumer may be called: weekdays in the hours of the day's row, no holiday. #}
{% macro is_consumer_hour(local_moment, holiday_on) -%}
    (
        {{ days_between(iso_week_start(local_moment), 'cast(' ~ local_moment ~ ' as date)') }} < 5
        and {{ holiday_on }} is null
        and (
            {%- for row in policy_rows('fr_consumer') %}
            {% if not loop.first %}or {% endif -%}
            (
                {{ is_in_days_of(row, 'cast(' ~ local_moment ~ ' as date)') }}
                and (
                    {%- for hours in row['call_hours'] %}
                    {% if not loop.first %}or {% endif -%}
                    extract(hour from {{ local_moment }}) between {{ hours[0] }} and {{ hours[1] - 1 }}
                    {%- endfor %}
                )
            )
            {%- else %}
            false
            {%- endfor %}
        )
    )
{%- endmacro %}

{# Last day of the month of a date. #}
{% macro last_day_of(first_of_month) -%}
    cast({{ add_months(first_of_month, 1) }} - interval '1' day as date)
{%- endmacro %}

{# What the profile guard_rails says on a day, as a type; null where no row holds. #}
{% macro rail_policy(parameter, day, data_type='decimal(18, 10)') -%}
    {%- if policy_rows('guard_rails') -%}
        cast(
            case when {{ is_policed('guard_rails', day) }} then {{ policy_on('guard_rails', parameter, day) }} end
            as {{ data_type }}
        )
    {%- else -%}
        cast(null as {{ data_type }})
    {%- endif -%}
{%- endmacro %}

{# The country whose consumers the policy speaks about; none, which no country is, without such a policy. #}
{% macro consumer_country() -%}
    {{ policy_value('fr_consumer', 'country_code') if policy_rows('fr_consumer') else "'none'" }}
{%- endmacro %}
