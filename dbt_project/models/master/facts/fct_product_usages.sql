-- Events are folded to quarter hours before anything else: no zone changes its day within one, and streams are long.
with quarters as (
    select
        usages.source_instance,
        usages.account_id,
        usages.customer_id,
        usages.subscription_id,
        case
            when usages.account_id is null and usages.customer_id is null and usages.subscription_id is null
                then usages.email
        end as email,
        usages.event_name,
        coalesce(usages.occurred_at_precision = 'day', false) as is_day_only,
        case
            when usages.occurred_at_precision = 'day' then usages.occurred_at
            else {{ quarter_hour('usages.occurred_at') }}
        end as quarter_at,
        sum(coalesce(usages.usage_count, 1)) as n_uses,
        sum(usages.usage_s) as usage_s,
        sum(usages.error_count) as n_errors,
        count(*) as n_source_rows
    from {{ ref('stg_product__usages') }} as usages
    where {{ deleted_exclusion('usages') }} is null
    group by all
),

days as (
    select
        {{ record_key('quarters.source_instance', 'crm_account', 'quarters.account_id') }} as account_record_key,
        {{ record_key('quarters.source_instance', 'erp_customer', 'quarters.customer_id') }} as customer_record_key,
        {{ record_key('quarters.source_instance', 'erp_subscription', 'quarters.subscription_id') }}
            as subscription_record_key,
        quarters.account_id as crm_account_id,
        quarters.customer_id as erp_customer_id,
        quarters.email,
        quarters.event_name,
        case
            when quarters.is_day_only then cast(quarters.quarter_at as date)
            else {{ local_day('quarters.quarter_at', 'settings.timezone') }}
        end as used_on,
        sum(quarters.n_uses) as n_uses,
        sum(quarters.usage_s) as usage_s,
        sum(quarters.n_errors) as n_errors,
        sum(quarters.n_source_rows) as n_source_rows
    from quarters
    cross join {{ run_settings() }} as settings
    group by all
),

subscribers as (
    select
        subscriptions.record_key,
        xref.account_id
    from {{ ref('stg_erp__subscriptions') }} as subscriptions
    inner join {{ ref('xref_accounts') }} as xref
        on
            xref.record_key
            = {{ record_key('subscriptions.source_instance', 'erp_customer', 'subscriptions.customer_id') }}
),

placed as (
    select
        coalesce(
            nullif(own_accounts.account_id, 'unknown'), nullif(own_customers.account_id, 'unknown'),
            nullif(subscribers.account_id, 'unknown'), accounts.account_id, customers.account_id, points.account_id,
            'unknown'
        ) as account_id,
        days.event_name,
        days.used_on,
        sum(days.n_uses) as n_uses,
        sum(days.usage_s) as usage_s,
        sum(days.n_errors) as n_errors,
        sum(days.n_source_rows) as n_source_rows
    from days
    left join {{ ref('xref_accounts') }} as own_accounts on days.account_record_key = own_accounts.record_key
    left join {{ ref('xref_accounts') }} as own_customers on days.customer_record_key = own_customers.record_key
    left join subscribers on days.subscription_record_key = subscribers.record_key
    left join {{ named_accounts() }} as accounts
        on accounts.contract = 'crm_account' and days.crm_account_id = accounts.source_record_id
    left join {{ named_accounts() }} as customers
        on customers.contract = 'erp_customer' and days.erp_customer_id = customers.source_record_id
    left join {{ ref('bridge_person_contact_points') }} as points
        on points.contact_kind = 'email' and days.email = points.contact_value
    group by all
)

select
    account_id || '/' || cast(used_on as string) || '/' || event_name as usage_key,
    account_id,
    event_name,
    used_on,
    cast(n_uses as bigint) as n_uses,
    cast(usage_s as bigint) as usage_s,
    cast(n_errors as bigint) as n_errors,
    cast(n_source_rows as bigint) as n_source_rows
from placed
