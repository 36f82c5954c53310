{#
  The rows of a relation once for the whole ('all') and once for each cut: adds segment_kind_code and segment_code.
  cuts: dictionary segment kind -> column of the relation. A null column is the segment 'unknown', so that the
  segments of one kind always add up to 'all'. Rows of different kinds must never be added together.
#}
{% macro segment_rows(relation, cuts) -%}
    select
        *,
        'all' as segment_kind_code,
        'all' as segment_code
    from {{ relation }}
    {% for kind, column in cuts.items() -%}
    union all
    select
        *,
        '{{ kind }}' as segment_kind_code,
        coalesce(cast({{ column }} as string), 'unknown') as segment_code
    from {{ relation }}
    {% endfor -%}
{%- endmacro %}
