{#
  One metric of a subject mart as long rows. Arguments are column names or expressions of the relation; what a metric
  has not stays null. A ratio gives numerator and denominator, a median its number of observations as denominator.
#}
{% macro kpi_rows(
    metric_name, relation, value,
    numerator='null', denominator='null', reason_code='null', caveat_code='null', n_immature='null',
    where=none
) -%}
    select
        '{{ metric_name }}' as metric_name,
        period_month,
        segment_kind_code,
        segment_code,
        cast({{ value }} as decimal(38, 10)) as metric_value,
        cast({{ numerator }} as decimal(38, 4)) as numerator,
        cast({{ denominator }} as decimal(38, 4)) as denominator,
        cast({{ reason_code }} as string) as reason_code,
        cast({{ caveat_code }} as string) as caveat_code,
        cast({{ n_immature }} as bigint) as n_immature
    from {{ relation }}
    {%- if where %}
    where {{ where }}
    {%- endif %}
{%- endmacro %}
