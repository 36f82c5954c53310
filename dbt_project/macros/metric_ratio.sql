{#
  numerator / denominator as DECIMAL(18,10); null when the denominator is zero or null, never infinite.
  Ten decimals, not six: the mart and the MetricFlow definition of one metric agree to 1e-9.
#}
{% macro metric_ratio(numerator, denominator) -%}
    cast(
        cast({{ numerator }} as decimal(18, 4)) / nullif(cast({{ denominator }} as decimal(18, 4)), 0)
        as decimal(18, 10)
    )
{%- endmacro %}

{# Median and quantiles as DECIMAL(18,6): engines return double, two decimals never meet on it. Nulls do not count. #}
{% macro metric_median(value) -%}
    {{ metric_quantile(value, 0.5) }}
{%- endmacro %}
{% macro metric_quantile(value, share) -%}
    cast(percentile_cont({{ share }}) within group (order by cast({{ value }} as double)) as decimal(18, 6))
{%- endmacro %}
