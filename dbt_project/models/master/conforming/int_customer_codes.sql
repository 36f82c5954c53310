-- What a ledger calls a customer. Customers of the ledger's own system are meant before all others; a code that two
-- golden accounts claim names nobody.
with bearers as (
    select
        records.record_key,
        records.contract,
        records.source_instance,
        records.accountancy_code,
        xref.account_id
    from {{ ref('int_account_records') }} as records
    inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
    where records.accountancy_code is not null
),

claims as (
    select
        ledgers.source_instance,
        ledgers.accountancy_code,
        min(bearers.account_id) as first_account_id,
        max(bearers.account_id) as last_account_id,
        min(case when bearers.source_instance = ledgers.source_instance then bearers.account_id end) as first_own_id,
        max(case when bearers.source_instance = ledgers.source_instance then bearers.account_id end) as last_own_id,
        bool_or(
            bearers.contract = 'erp_customer' and bearers.source_instance = ledgers.source_instance
        ) as has_own_customer
    from bearers as ledgers
    inner join bearers on ledgers.accountancy_code = bearers.accountancy_code
    where ledgers.contract = 'ledger_customer'
    group by ledgers.source_instance, ledgers.accountancy_code
)

select
    source_instance,
    accountancy_code,
    case
        when has_own_customer and first_own_id = last_own_id then first_own_id
        when first_account_id = last_account_id then first_account_id
        else 'unknown'
    end as account_id
from claims
