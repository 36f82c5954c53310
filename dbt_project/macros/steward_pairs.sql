{#
  Pairs of records that decisions in force join or keep apart, with the golden ids both have now; null for a record that
  is gone.
#}
{% macro steward_pairs() -%}
    select
        pairs.decision_id,
        pairs.entity,
        pairs.kind,
        pairs.left_record_key,
        pairs.right_record_key,
        coalesce(left_accounts.account_id, left_persons.person_id) as left_id,
        coalesce(right_accounts.account_id, right_persons.person_id) as right_id
    from {{ source('stewardship', 'constraints') }} as pairs
    left join {{ ref('xref_accounts') }} as left_accounts
        on pairs.entity = 'account' and pairs.left_record_key = left_accounts.record_key
    left join {{ ref('xref_accounts') }} as right_accounts
        on pairs.entity = 'account' and pairs.right_record_key = right_accounts.record_key
    left join {{ ref('xref_persons') }} as left_persons
        on pairs.entity = 'person' and pairs.left_record_key = left_persons.record_key
    left join {{ ref('xref_persons') }} as right_persons
        on pairs.entity = 'person' and pairs.right_record_key = right_persons.record_key
{%- endmacro %}

{# True when the golden ids are not what the decision says. #}
{% macro is_violated(pairs) -%}
    ({{ pairs }}.kind = 'must' and {{ pairs }}.left_id <> {{ pairs }}.right_id)
    or ({{ pairs }}.kind = 'cannot' and {{ pairs }}.left_id = {{ pairs }}.right_id)
{%- endmacro %}
