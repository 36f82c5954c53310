{#
  The published metrics as rows of VALUES, from `config.meta` of the metrics' own YAML: name, unit, whether a month
  without rows is a true zero, else the reason why it has no value, and the reason of a month before the first row. dbt
  knows the metrics when it compiles, not when it parses; the linter knows none, so one row stands in there.
#}
{% macro published_metrics() -%}
    {%- set rows = [] -%}
    {%- if execute is defined and execute -%}
        {%- for metric in graph.metrics.values() | sort(attribute='name') if metric.config.meta.published -%}
            {%- set meta = metric.config.meta -%}
            {%- set empty = "true, cast(null as string)" if meta.empty_month == 'zero'
                else "false, '" ~ meta.empty_month ~ "'" -%}
            {%- do rows.append("('" ~ metric.name ~ "', '" ~ meta.unit ~ "', " ~ empty ~ ", '"
                ~ (meta.earlier_month or 'before_first_row') ~ "')") -%}
        {%- endfor -%}
    {%- endif -%}
    values
    {{ rows | join(",\n    ") if rows else "('none', 'count', true, cast(null as string), 'before_first_row')" }}
{%- endmacro %}

{# The tables that bring the events of each published metric, as rows of VALUES; a state names none. #}
{% macro published_metric_contracts() -%}
    {%- set rows = [] -%}
    {%- if execute is defined and execute -%}
        {%- for metric in graph.metrics.values() | sort(attribute='name') if metric.config.meta.published -%}
            {%- for contract in metric.config.meta.contracts -%}
                {%- do rows.append("('" ~ metric.name ~ "', '" ~ contract ~ "')") -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    values
    {{ rows | join(",\n    ") if rows else "('none', 'none')" }}
{%- endmacro %}
