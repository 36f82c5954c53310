{#
  One view per declared source over the Parquet files of the work directory.
  raw.<contract> reads the folder raw/<contract>/, every other source one file <schema>/<table>.parquet.
  A source whose file does not exist has no view: before matching there is no matching.account_members.
#}
{% macro register_parquet() %}
    {% if execute and flags.WHICH in ('run', 'build', 'test', 'compile', 'show') %}
        {% set work = env_var('ETALON_WORK', 'work') %}
        {% set schemas = [] %}
        {% for node in graph.sources.values() if node.package_name == project_name %}
            {% if node.schema not in schemas %}
                {% do schemas.append(node.schema) %}
                {% do run_query('create schema if not exists ' ~ node.schema) %}
            {% endif %}
            {% if node.schema == 'raw' %}
                {% set location = work ~ '/raw/' ~ node.name %}
            {% else %}
                {% set location = work ~ '/' ~ node.schema ~ '/' ~ node.name ~ '.parquet' %}
            {% endif %}
            {% do register_one(node, location) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro register_one(node, location) %}
    {{ return(adapter.dispatch('register_one', 'etalon')(node, location)) }}
{% endmacro %}

{% macro default__register_one(node, location) %}
    {% set glob = (location ~ '/*.parquet') if node.schema == 'raw' else location %}
    {% set quoted = "'" ~ (glob | replace("'", "''")) ~ "'" %}
    {% set found = run_query('select count(*) as n_files from glob(' ~ quoted ~ ')').columns[0].values()[0] %}
    {% if found > 0 %}
        {% do run_query(
            'create or replace view ' ~ node.schema ~ '.' ~ node.name
            ~ ' as select * from read_parquet(' ~ quoted ~ ', union_by_name = true)'
        ) %}
    {% else %}
        {% do run_query('drop view if exists ' ~ node.schema ~ '.' ~ node.name) %}
    {% endif %}
{% endmacro %}

{#
  Spark infers nothing from an empty folder and skips names that begin with an underscore, so the table takes the
  columns declared in the source files; a location without files reads as an empty table.
#}
{% macro spark__register_one(node, location) %}
    {% set relation = node.schema ~ '.' ~ node.name %}
    {% set columns = [] %}
    {% for column in node.columns.values() %}
        {% do columns.append('`' ~ column.name ~ '` ' ~ column.data_type) %}
    {% endfor %}
    {% do run_query('drop table if exists ' ~ relation) %}
    {% do run_query(
        'create table ' ~ relation ~ ' (' ~ columns | join(', ') ~ ") using parquet location '"
        ~ location | replace("'", "\\'") ~ "'"
    ) %}
{% endmacro %}
