{#
  A double as DECIMAL(18, n_decimals). DuckDB rounds value * 10^n half away from zero, Spark the number as it would
  print it: 1.005 becomes 1.00 and 1.01. Spark is made to do the first, so that no tie falls differently.
#}
{% macro rounded(value, n_decimals) -%}
    {{ adapter.dispatch('rounded', 'etalon')(value, n_decimals) }}
{%- endmacro %}
{% macro default__rounded(value, n_decimals) -%}
    cast({{ value }} as decimal(18, {{ n_decimals }}))
{%- endmacro %}
{% macro spark__rounded(value, n_decimals) -%}
    cast(cast(round(({{ value }}) * 1e{{ n_decimals }}) as bigint) * 1e-{{ n_decimals }}BD as decimal(18, {{ n_decimals }}))
{%- endmacro %}
