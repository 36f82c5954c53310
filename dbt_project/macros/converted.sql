{#- An amount in the reporting currency. DuckDB gives the product of two decimals of 18 digits 18 digits: one more on one
side, and a million of any currency has room. -#}
{% macro converted(amount, rate='rates.exchange_rate') -%}
    cast(cast({{ amount }} as decimal(19, 4)) * {{ rate }} as decimal(18, 4))
{%- endmacro %}
