{#
  What decisions in force join and keep apart, with the golden ids of both records now; null for a record that is gone.
  A record that a decision takes apart is compared with the other parts of the decision: right_id is its own golden id
  when one of them has it too, else null.
#}
{% macro steward_pairs() -%}
    select
        located.decision_id,
        located.entity,
        case when located.kind = 'part' then 'cannot' else located.kind end as kind,
        located.left_record_key,
        located.right_record_key,
        located.left_id,
        case
            when located.kind <> 'part' then located.right_id
            when
                min(located.right_record_key) over (partition by located.decision_id, located.kind, located.left_id)
                < max(located.right_record_key) over (partition by located.decision_id, located.kind, located.left_id)
                then located.left_id
        end as right_id
    from (
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
    ) as located
{%- endmacro %}

{# True when the golden ids are not what the decision says. #}
{% macro is_violated(pairs) -%}
    ({{ pairs }}.kind = 'must' and {{ pairs }}.left_id <> {{ pairs }}.right_id)
    or ({{ pairs }}.kind = 'cannot' and {{ pairs }}.left_id = {{ pairs }}.right_id)
{%- endmacro %}
