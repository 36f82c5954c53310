{# Identity of a record over all sources: instance / contract / id in the source. #}
{% macro record_key(source_instance, contract, source_record_id) -%}
    {{ source_instance }} || '/{{ contract }}/' || {{ source_record_id }}
{%- endmacro %}

{# A record is kept unless collect disposed of it (set aside, duplicate, superseded, suppressed). #}
{% macro is_kept(contract, alias) -%}
    not exists (
        select 1
        from {{ source('collect', 'dispositions') }} as disposed
        where
            disposed.contract = '{{ contract }}'
            and disposed._delivery_id = {{ alias }}._delivery_id
            and disposed._source_row_id = {{ alias }}._source_row_id
            and disposed._record_part = {{ alias }}._record_part
    )
{%- endmacro %}
