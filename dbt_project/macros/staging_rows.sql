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

{#
  Every version of a record that its source ever gave, the kept one among them: a full select. Versions tell when a
  value appeared: known_on is the day of the version's own change, and never later than the day it came.
#}
{% macro record_versions(contract, columns) -%}
    select
        {{ record_key('records.source_instance', contract, 'records.source_record_id') }} as record_key,
        records.source_instance,
        records.{{ columns | join(',\n        records.') }},
        disposed.disposition is null as is_kept,
        least(
            coalesce({{ local_day('records.modified_at', 'settings.timezone') }}, records.delivered_on),
            coalesce(records.delivered_on, {{ local_day('records.modified_at', 'settings.timezone') }})
        ) as known_on,
        records._delivery_id,
        records._source_row_id
    from {{ source('raw', contract) }} as records
    cross join {{ run_settings() }} as settings
    left join {{ source('collect', 'dispositions') }} as disposed
        on
            disposed.contract = '{{ contract }}'
            and records._delivery_id = disposed._delivery_id
            and records._source_row_id = disposed._source_row_id
            and records._record_part = disposed._record_part
    where disposed.disposition is null or disposed.disposition = 'superseded'
{%- endmacro %}
