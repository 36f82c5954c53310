{# Letters and digits of an identifier in upper case, or null. #}
{% macro identifier_key(value) -%}
    nullif({{ regexp_replace_all(upper_key(value), "[^A-Z0-9]+", "") }}, '')
{%- endmacro %}

{# True when nine digits satisfy the Luhn check (every second digit doubled, digits of the doubles added). #}
{% macro is_luhn_9(digits) -%}
    mod(
        {%- for position in range(1, 10) %}
        {%- set digit = "cast(substr(" ~ digits ~ ", " ~ position ~ ", 1) as int)" %}
        {%- if position is divisibleby 2 %}
        2 * {{ digit }} - case when {{ digit }} > 4 then 9 else 0 end
        {%- else %}
        {{ digit }}
        {%- endif %}
        {%- if not loop.last %} + {% endif %}
        {%- endfor %},
        10
    ) = 0
{%- endmacro %}

{# What people type into a required field; some pass the check. The same list as in matching (vocabulary.yml). #}
{% macro sentinel_identifiers() -%}
    '000000000', '111111111', '222222222', '333333333', '444444444', '555555555', '666666666', '777777777',
    '888888888', '999999999', '123456789', '987654321', '123456782', '00000000000000', '12345678901234'
{%- endmacro %}

{#
  The SIREN in a text of digits: nine digits, or the first nine of a 14-digit SIRET; valid Luhn and no sentinel.
  Everything else is null: a false number would merge strangers.
#}
{% macro siren_of(digits) -%}
    case
        when not {{ regexp_full(digits, "[0-9]{9}|[0-9]{14}") }} then null
        when substr({{ digits }}, 1, 9) in ({{ sentinel_identifiers() }}) then null
        when {{ digits }} in ({{ sentinel_identifiers() }}) then null
        when {{ is_luhn_9("substr(" ~ digits ~ ", 1, 9)") }} then substr({{ digits }}, 1, 9)
    end
{%- endmacro %}
