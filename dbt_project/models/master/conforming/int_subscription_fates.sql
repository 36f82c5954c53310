-- A subscription counts when it does at one month end or more. One that counts at some of its month ends only is
-- counted and has an overlap: n_overlapped_months.
with months as (
    select
        record_key,
        count(*) as n_active_months,
        count(*) filter (where reason_code is not null) as n_overlapped_months
    from {{ ref('int_subscription_months') }}
    group by record_key
)

select
    subscriptions.record_key,
    subscriptions.source_instance,
    subscriptions._delivery_id,
    subscriptions._source_row_id,
    subscriptions._record_part,
    upper(subscriptions.currency) as currency,
    {{ subscription_amount('subscriptions') }} as period_amount,
    coalesce(months.n_active_months, 0) as n_active_months,
    coalesce(months.n_overlapped_months, 0) as n_overlapped_months,
    case
        when {{ subscription_exclusion('subscriptions') }} is not null
            then {{ subscription_exclusion('subscriptions') }}
        when months.record_key is null then 'no_active_month_end'
        when months.n_active_months = months.n_overlapped_months then 'overlapping_subscription'
    end as reason_code
from {{ ref('stg_erp__subscriptions') }} as subscriptions
left join months on subscriptions.record_key = months.record_key
