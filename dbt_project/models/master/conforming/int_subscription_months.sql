-- Active at the month end: started, not ended, not a trial, not a test. Several active subscriptions of one customer to
-- one product are an upgrade that did not close the former one: the last started counts, the others say why not.
with months as (
    select
        dates.period_month,
        max(dates.date_day) as last_day
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    where dates.period_month < settings.cycle_end
    group by dates.period_month
),

spans as (
    select
        subscriptions.record_key,
        coalesce(xref.account_id, 'unknown') as account_id,
        subscriptions.started_on,
        subscriptions.ended_on,
        subscriptions.end_reason_code,
        upper(subscriptions.currency) as currency,
        subscriptions.source_instance || '/' || subscriptions.customer_id || '/'
        || coalesce(subscriptions.product_id, subscriptions.record_key) as customer_product_key,
        cast(
            coalesce(subscriptions.quantity, 1) * subscriptions.unit_amount
            - coalesce(subscriptions.discount_amount, 0) as double
        ) / subscriptions.billing_period_months as monthly_amount
    from {{ ref('stg_erp__subscriptions') }} as subscriptions
    left join {{ ref('xref_accounts') }} as xref
        on
            xref.record_key
            = {{ record_key('subscriptions.source_instance', 'erp_customer', 'subscriptions.customer_id') }}
    where {{ subscription_exclusion('subscriptions') }} is null
)

select
    spans.record_key,
    spans.account_id,
    months.period_month,
    spans.currency,
    rates.exchange_rate,
    rates.exchange_rate_key,
    rates.exchange_rate is null as is_rate_missing,
    {{ rounded('spans.monthly_amount * rates.exchange_rate', 4) }} as mrr,
    spans.end_reason_code,
    case
        when
            {{ applies('overlapping_subscription', "row_number() over (
                partition by spans.customer_product_key, months.period_month
                order by spans.started_on desc, spans.record_key desc
            ) > 1") }}
            then 'overlapping_subscription'
    end as reason_code
from spans
inner join months
    on spans.started_on <= months.last_day and (spans.ended_on is null or spans.ended_on > months.last_day)
left join {{ ref('int_month_rates') }} as rates
    on
        spans.currency = rates.currency
        and months.period_month >= rates.valid_from_month
        and months.period_month < rates.valid_to_month
