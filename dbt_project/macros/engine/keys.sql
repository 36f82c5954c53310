{#
  The primary key of a table of the candidate, proved by one grouping once its rows are there. DuckDB's own constraint
  builds an index that nobody looks anything up in, at ten times the price of that; the published file has it.
  These two take the place of dbt-duckdb's macros. The message is the one that expectations/structure.py knows.
#}
{% macro duckdb__get_table_columns_and_constraints() -%}
    {%- set others = [] -%}
    {%- for each in model['constraints'] if each['type'] | string != 'primary_key' -%}
        {%- do others.append(each) -%}
    {%- endfor -%}
    {%- set columns = adapter.render_raw_columns_constraints(raw_columns=model['columns']) -%}
    {%- set of_table = adapter.render_raw_model_constraints(raw_constraints=others) -%}
    ({{ (columns + of_table) | join(', ') }})
{%- endmacro %}

{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {{ dbt.duckdb__create_table_as(
        temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by
    ) }}
    {%- if config.get('contract').enforced and not temporary -%}
    {%- for each in model['constraints'] if each['type'] | string == 'primary_key' %}
    {%- set key = each['columns'] | join(', ') %}
    select error('Duplicate key ({{ key }}) in {{ relation.identifier }}')
    from (select 1 from {{ relation }} group by {{ key }} having count(*) > 1 limit 1) as doubled;
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
