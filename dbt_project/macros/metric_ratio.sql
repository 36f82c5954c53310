{#
  numerator / denominator as DECIMAL(18,10); null when the denominator is zero or null, never infinite.
  Ten decimals, not six: the mart and the MetricFlow definition of one metric agree to 1e-9.
  Divided in double on every engine: two decimals give a double on DuckDB and a decimal on Spark.
#}
{% macro metric_ratio(numerator, denominator) -%}
    {{ rounded("cast(" ~ numerator ~ " as double) / nullif(cast(" ~ denominator ~ " as double), 0)", 10) }}
{%- endmacro %}

{# Median and quantiles as DECIMAL(18,6): engines return double, two decimals never meet on it. Nulls do not count. #}
{% macro metric_median(value) -%}
    {{ metric_quantile(value, 0.5) }}
{%- endmacro %}
{% macro metric_quantile(value, share) -%}
    {{ rounded("percentile_cont(" ~ share ~ ") within group (order by cast(" ~ value ~ " as double))", 6) }}
{%- endmacro %}

{# Sum of the rows that fulfil a condition, 0 without such rows, null as soon as one of them has no amount. #}
{% macro complete_sum(amount, condition) -%}
    case
        when count(case when {{ condition }} then 1 end) = count(case when {{ condition }} then {{ amount }} end)
            then coalesce(sum(case when {{ condition }} then {{ amount }} end), 0)
    end
{%- endmacro %}
