-- Matching ran on older exchange files than the master step and 340 new accounts fell to the unknown member: their
-- revenue was right in total and wrong in every segment.
select
    record_key,
    'account' as entity
from {{ ref('xref_accounts') }}
where account_id = 'unknown'
union all
select
    record_key,
    'person' as entity
from {{ ref('xref_persons') }}
where person_id = 'unknown'
