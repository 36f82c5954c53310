-- The company is the CRM's account, else the one with the national number, however either side spells it.
with account_events as (
    select
        account_events.record_key as account_event_key,
        {{ record_key('account_events.source_instance', 'crm_account', 'account_events.account_id') }} as account_key,
        account_events.account_id as crm_account_id,
        {{ siren_of(regexp_replace_all('account_events.registration_number', '[^0-9]+', '')) }} as siren,
        account_events.occurred_on,
        account_events.event_kind as event_kind_code,
        account_events.source_name
    from {{ ref('stg_crm__account_events') }} as account_events
    where {{ deleted_exclusion('account_events') }} is null
),

numbers as (
    select
        account_id,
        {{ siren_of(regexp_replace_all('registration_number', '[^0-9]+', '')) }} as siren
    from {{ ref('dim_accounts') }}
),

registered as (
    select
        siren,
        min(account_id) as account_id
    from numbers
    where siren is not null
    group by siren
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
left join registered on account_events.siren = registered.siren
