{#
  Attributes that survivorship chooses: name in the golden record -> its value in one source record and its type.
  Which value wins is decided by stewardship.survivorship_rules (orchestration/survivorship/rules.csv).
#}
{% macro survived_attributes(entity) %}
    {% set attributes = {
        'account': {
            'account_name': ('records.account_name', 'string'),
            'registration_number': ('records.registration_number', 'string'),
            'vat_number': ('records.vat_number', 'string'),
            'country_code': ('records.country_code', 'string'),
            'postal_code': ('records.postal_code', 'string'),
            'city': ('records.city', 'string'),
            'industry': ('records.industry', 'string'),
            'employee_count': ('records.employee_count', 'bigint'),
            'owner_rep_id': ('records.owner_rep_id', 'string'),
            'is_strategic': ('records.is_strategic', 'boolean'),
            'is_customer': ('records.is_customer', 'boolean')
        },
        'person': {
            'first_name': ('records.first_name', 'string'),
            'last_name': ('records.last_name', 'string'),
            'email': ('records.email', 'string'),
            'phone': ('coalesce(records.mobile, records.phone)', 'string'),
            'account_id': ("nullif(records.account_id, 'unknown')", 'string'),
            'is_email_opted_out': ('records.is_email_opted_out', 'boolean'),
            'is_call_opted_out': ('records.is_call_opted_out', 'boolean')
        }
    } %}
    {{ return(attributes[entity]) }}
{% endmacro %}

{# Text of the attribute named by `attribute` in a row of `records`. #}
{% macro survived_value(entity, attribute) -%}
    case {{ attribute }}
        {%- for name, (value, type) in survived_attributes(entity).items() %}
        when '{{ name }}' then {{ value if type == 'string' else 'cast(' ~ value ~ ' as string)' }}
        {%- endfor %}
    end
{%- endmacro %}

{# Number of attributes that a row of `records` fills. #}
{% macro n_filled(entity) -%}
    {% for value, type in survived_attributes(entity).values() -%}
    case when {{ value }} is null then 0 else 1 end{{ ' + ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#
  Golden records before survivorship, one row each: the single record, or of several the value on which they agree.
  Where they differ the value is that of any of them: chosen_values() holds the right one. flags: name -> condition that
  holds for the golden record when it does for any source record.
#}
{% macro unanimous_values(entity, flags={}) %}
    select
        {{ entity }}_id as golden_id,
        1 as n_source_records,
        first_seen_on
        {%- for name, (value, type) in survived_attributes(entity).items() %},
        {{ value }} as {{ name }}
        {%- endfor %}
        {%- for name, condition in flags.items() %},
        {{ condition }} as {{ name }}
        {%- endfor %}
    from {{ ref('int_' ~ entity ~ '_attributes') }} as records
    where n_source_records = 1 and {{ entity }}_id <> 'unknown'
    union all
    select
        {{ entity }}_id as golden_id,
        count(*) as n_source_records,
        min(first_seen_on) as first_seen_on
        {%- for name, (value, type) in survived_attributes(entity).items() %},
        {{ 'bool_or' if type == 'boolean' else 'min' }}({{ value }}) as {{ name }}
        {%- endfor %}
        {%- for name, condition in flags.items() %},
        bool_or({{ condition }}) as {{ name }}
        {%- endfor %}
    from {{ ref('int_' ~ entity ~ '_attributes') }} as records
    where n_source_records > 1 and {{ entity }}_id <> 'unknown'
    group by {{ entity }}_id
{% endmacro %}

{# Values that survivorship had to choose, one row a golden record that has any. #}
{% macro chosen_values(entity) %}
    select
        golden_id
        {%- for name, (value, type) in survived_attributes(entity).items() %},
        cast(max(value) filter (where attribute = '{{ name }}') as {{ type }}) as {{ name }}
        {%- endfor %}
    from {{ ref('int_golden_choices') }}
    where entity = '{{ entity }}' and choice_rank = 1
    group by golden_id
{% endmacro %}

{#
  Two CTEs: which attributes of a golden record its source records differ on, wide and as rows (golden_id, attribute).
  Flags are no matter of choice: one source that says so is enough (any_true).
#}
{% macro contested_cells(entity) %}
{%- set chosen = [] -%}
{%- for name, (value, type) in survived_attributes(entity).items() if type != 'boolean' -%}
    {%- do chosen.append((name, value)) -%}
{%- endfor -%}
{{ entity }}_spreads as (
    select
        {{ entity }}_id as golden_id
        {%- for name, value in chosen %},
        min({{ value }}) < max({{ value }}) as has_several_{{ name }}
        {%- endfor %}
    from {{ ref('int_' ~ entity ~ '_attributes') }} as records
    where n_source_records > 1 and {{ entity }}_id <> 'unknown'
    group by {{ entity }}_id
),

{{ entity }}_cells as (
    {%- for name, value in chosen %}
    select
        golden_id,
        '{{ name }}' as attribute
    from {{ entity }}_spreads
    where has_several_{{ name }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{# Every value that the source records of a contested cell give; is_weak: it names a mailbox or a desk, not a person. #}
{% macro contested_values(entity) %}
    select
        cells.entity,
        cells.golden_id,
        cells.attribute,
        {{ survived_value(entity, 'cells.attribute') }} as value,
        records.record_key,
        records.contract,
        records.source_instance,
        cast(null as string) as decision_id,
        records.modified_at as said_at,
        {{ n_filled(entity) }} as n_filled,
        {% if entity == 'person' -%}
        (cells.attribute = 'email' and records.is_generic_email)
        or (cells.attribute = 'phone' and records.mobile is null) as is_weak
        {%- else -%}
        false as is_weak
        {%- endif %}
    from cells
    inner join {{ ref('int_' ~ entity ~ '_attributes') }} as records on cells.golden_id = records.{{ entity }}_id
    where cells.entity = '{{ entity }}'
{% endmacro %}

{# Every value that any source record gives, with the place of its source in the rule (0: not named there). #}
{% macro held_values(entity) %}
    select
        '{{ entity }}' as entity,
        records.{{ entity }}_id as golden_id,
        rules.attribute,
        {{ survived_value(entity, 'rules.attribute') }} as value,
        records.record_key,
        records.modified_at,
        instr(rules.sources, ',' || records.contract || ',') as source_place
    from {{ ref('int_' ~ entity ~ '_attributes') }} as records
    cross join {{ source('stewardship', 'survivorship_rules') }} as rules
    where records.{{ entity }}_id <> 'unknown' and rules.entity = '{{ entity }}'
{% endmacro %}

{# The source record that was seen first. #}
{% macro earliest_records(entity) %}
    select
        '{{ entity }}' as entity,
        {{ entity }}_id as golden_id,
        'first_seen_on' as attribute,
        cast(first_seen_on as string) as value,
        record_key,
        cast(null as string) as decision_id,
        'earliest' as criterion,
        n_source_records as n_records,
        0 as n_alternatives
    from {{ ref('int_' ~ entity ~ '_attributes') }}
    where {{ entity }}_id <> 'unknown' and first_seen_on is not null
    qualify row_number() over (partition by {{ entity }}_id order by first_seen_on asc, record_key asc) = 1
{% endmacro %}

{#
  0 when the value passes the check of its attribute, 1 when it does but names nobody, 2 when it fails it. VAT numbers
  that fail theirs are no candidates (int_account_attributes).
#}
{% macro validity_score(attribute, value, is_weak) -%}
    case
        when {{ attribute }} = 'registration_number' and {{ siren_of(value) }} is null then 2
        when {{ attribute }} = 'country_code' and not {{ regexp_full(value, '[A-Z]{2}') }} then 2
        when {{ attribute }} = 'phone' and not {{ regexp_full(value, '[+][1-9][0-9]{6,14}') }} then 2
        when {{ is_weak }} then 1
        else 0
    end
{%- endmacro %}

{# The criteria of a rule are columns criterion_1 to criterion_7, null after the last. #}
{% macro criterion_columns(rules) -%}
    {% for place in range(1, 8) -%}
    {{ rules }}.criterion_{{ place }}{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# score_1 to score_7: what each criterion of the rule says of a value, the smallest is best. #}
{% macro criterion_scores() -%}
    {% for place in range(1, 8) -%}
    case criterion_{{ place }}
        when 'override' then override_score
        when 'validity' then validity_score
        when 'source_priority' then source_score
        when 'agreement' then -n_sources
        when 'recency' then age_s
        when 'completeness' then -n_filled
        when 'any_true' then case when value = 'true' then 0 else 1 end
        else 0
    end as score_{{ place }}{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Order by the criteria of the rule, as many as there may be. #}
{% macro by_criteria() -%}
    {% for place in range(1, 8) -%}
    score_{{ place }} asc nulls last{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# First criterion by which a value loses to the winner; null for the same value. #}
{% macro lost_by(loser, winner, rules) -%}
    case
        when {{ loser }}.value = {{ winner }}.value then null
        {% for place in range(1, 8) -%}
        when {{ loser }}.score_{{ place }} <> {{ winner }}.score_{{ place }} then {{ rules }}.criterion_{{ place }}
        {% endfor -%}
        else 'record_key'
    end
{%- endmacro %}

{# Seconds before a day that no source record reaches: the smaller, the more recent. #}
{% macro age_of(moment) -%}
    {{ seconds_between(moment, "cast('2200-01-01' as timestamp)") }}
{%- endmacro %}
