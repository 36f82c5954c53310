{#
  Questions for a steward that no score stands behind, as a select for dq_review_queue. attribute, decision_ids: their
  columns where the relation has them.
#}
{% macro unscored_questions(relation, attribute='cast(null as string)', decision_ids='cast(null as string)') -%}
    select
        item_id,
        entity,
        kind,
        left_record_key,
        right_record_key,
        cast(null as double) as weight,
        cast(null as double) as probability,
        reason,
        cast(null as string) as evidence_code,
        cast(null as string) as terms,
        {{ attribute }} as attribute,
        {{ decision_ids }} as decision_ids
    from {{ relation }}
{%- endmacro %}
