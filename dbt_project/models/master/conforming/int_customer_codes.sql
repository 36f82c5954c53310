-- The code that ERP and ledger share; a code that two golden accounts claim names nobody.
select
    records.accountancy_code,
    case when min(xref.account_id) = max(xref.account_id) then min(xref.account_id) else 'unknown' end as account_id
from {{ ref('int_account_records') }} as records
inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
where records.accountancy_code is not null
group by records.accountancy_code
