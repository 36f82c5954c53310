{# numerator / denominator as DECIMAL(9,6); null when the denominator is zero or null, never infinite. #}
{% macro safe_ratio(numerator, denominator) -%}
    cast(
        cast({{ numerator }} as decimal(18, 6)) / nullif(cast({{ denominator }} as decimal(18, 6)), 0)
        as decimal(9, 6)
    )
{%- endmacro %}
