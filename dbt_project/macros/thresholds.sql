{#
  The dated thresholds as a full select: var threshold_defaults of dbt_project.yml, and the rows of the company, which a
  run hands over. A later row ends an earlier one of its rule and segment; a run has filled in that day already.
#}
{% macro threshold_rows() -%}
    {%- set given = [] -%}
    {%- for is_own, name in [(false, 'threshold_defaults'), (true, 'thresholds')] -%}
        {%- for row in var(name, []) if row is mapping -%}
            {%- do given.append((is_own, row)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for is_own, row in given %}
    select
        cast('{{ row['rule_code'] }}' as string) as rule_code,
        cast('{{ row.get('channel_code', 'all') }}' as string) as channel_code,
        cast('{{ row.get('size_band_code', 'all') }}' as string) as size_band_code,
        cast('{{ row['value'] }}' as decimal(18, 4)) as threshold_value,
        cast({{ row.get('window_days') or 'null' }} as int) as window_days,
        cast({{ "'" ~ row['channels'] | join(',') ~ "'" if row.get('channels') else 'null' }} as string) as channel_list,
        cast('{{ row['origin_code'] }}' as string) as origin_code,
        cast('{{ row['version'] }}' as string) as threshold_version,
        {{ 'true' if is_own else 'false' }} as is_own,
        {{ threshold_day(row.get('valid_from')) }} as valid_from,
        {{ threshold_day(row.get('valid_to')) }} as valid_to
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as string) as rule_code,
        cast(null as string) as channel_code,
        cast(null as string) as size_band_code,
        cast(null as decimal(18, 4)) as threshold_value,
        cast(null as int) as window_days,
        cast(null as string) as channel_list,
        cast(null as string) as origin_code,
        cast(null as string) as threshold_version,
        false as is_own,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to
    where 1 = 0
    {%- endfor %}
{%- endmacro %}

{% macro threshold_day(day) -%}
    {{ "cast('" ~ day ~ "' as date)" if day else 'cast(null as date)' }}
{%- endmacro %}

{# Whether a logged activity is an introduction by somebody whom the account knows: what its subject says. #}
{% macro is_warm_intro(subject) -%}
    coalesce(
        lower({{ subject }}) like '%warm intro%'
        or lower({{ subject }}) like '%mise en relation%'
        or lower({{ subject }}) like '%introduced by%'
        or lower({{ subject }}) like '%introduction par %',
        false
    )
{%- endmacro %}

{# Whole days of 24 hours from an instant in microseconds to a later timestamp. #}
{% macro full_days_between(since_us, moment) -%}
    cast(floor(({{ epoch_micros(moment) }} - {{ since_us }}) / 86400000000) as bigint)
{%- endmacro %}
