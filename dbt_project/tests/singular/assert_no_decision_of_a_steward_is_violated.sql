-- Incident: a retrained model joined two namesakes again that a steward had kept apart, and nobody was told.
-- Pairs of decisions in force hold in the golden ids. Those that a legal number contradicts wait in the review queue.
with decided as (
    select
        pairs.kind,
        pairs.decision_id,
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
),

doubtful as (
    select left_record_key as record_key
    from {{ source('matching', 'review_items') }}
    where kind = 'contradiction'
    union
    select right_record_key as record_key
    from {{ source('matching', 'review_items') }}
    where kind = 'contradiction'
)

select
    decided.decision_id,
    decided.kind,
    decided.left_record_key,
    decided.right_record_key
from decided
left join doubtful on decided.left_record_key = doubtful.record_key or decided.right_record_key = doubtful.record_key
where
    doubtful.record_key is null
    and (
        (decided.kind = 'must' and decided.left_id <> decided.right_id)
        or (decided.kind = 'cannot' and decided.left_id = decided.right_id)
    )
