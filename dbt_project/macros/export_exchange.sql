{#
  Post-hook: the records that the matching step reads, as Parquet in the exchange folder of the work directory. In no
  order: matching sorts them, and its result does not depend on how they come.
  Spark writes a folder of files, not a file, and only under work/spark: a run on DuckDB finds its own as it left them.
#}
{% macro export_exchange() -%}
    {{ adapter.dispatch('export_exchange', 'etalon')() }}
{%- endmacro %}
{% macro default__export_exchange() -%}
    {%- set path = env_var('ETALON_WORK', 'work') ~ '/exchange/' ~ this.name ~ '.parquet' -%}
    copy (select * from {{ this }})
    to '{{ path | replace("'", "''") }}' (format parquet, compression lz4)
{%- endmacro %}
{% macro spark__export_exchange() -%}
    {%- set path = env_var('ETALON_WORK', 'work') ~ '/spark/exchange/' ~ this.name ~ '.parquet' -%}
    insert overwrite directory '{{ path | replace("'", "\\'") }}' using parquet
    select /*+ repartition(1) */ * from {{ this }}
{%- endmacro %}
