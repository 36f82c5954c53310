-- The company is the CRM's account, else the one with the national number.
with account_events as (
    select
        account_events.record_key as account_event_key,
        {{ record_key('account_events.source_instance', 'crm_account', 'account_events.account_id') }} as account_key,
        account_events.account_id as crm_account_id,
        account_events.registration_number,
        account_events.occurred_on,
        account_events.event_kind as event_kind_code,
        account_events.source_name
    from {{ ref('stg_crm__account_events') }} as account_events
    where {{ deleted_exclusion('account_events') }} is null
),

registered as (
    select
        registration_number,
        min(account_id) as account_id
    from {{ ref('dim_accounts') }}
    where registration_number is not null
    group by registration_number
    having count(*) = 1
)

select
    account_events.account_event_key,
    coalesce(
        nullif(own_accounts.account_id, 'unknown'), accounts.account_id, registered.account_id, 'unknown'
    ) as account_id,
    account_events.event_kind_code,
    account_events.occurred_on,
    account_events.source_name
from account_events
left join {{ ref('xref_accounts') }} as own_accounts on account_events.account_key = own_accounts.record_key
left join {{ named_accounts() }} as accounts
    on accounts.contract = 'crm_account' and account_events.crm_account_id = accounts.source_record_id
left join registered on account_events.registration_number = registered.registration_number
