{# Post-hook: the records that the matching step reads, as Parquet in the exchange folder of the work directory. #}
{% macro export_exchange() -%}
    {{ adapter.dispatch('export_exchange', 'etalon')() }}
{%- endmacro %}
{% macro default__export_exchange() -%}
    {%- set path = env_var('ETALON_WORK', 'work') ~ '/exchange/' ~ this.name ~ '.parquet' -%}
    copy (select * from {{ this }} order by record_key)
    to '{{ path | replace("'", "''") }}' (format parquet, compression zstd)
{%- endmacro %}
{% macro spark__export_exchange() -%}
    {%- set path = env_var('ETALON_WORK', 'work') ~ '/exchange/' ~ this.name ~ '.parquet' -%}
    insert overwrite directory '{{ path }}' using parquet
    select /*+ repartition(1) */ * from {{ this }} order by record_key
{%- endmacro %}
