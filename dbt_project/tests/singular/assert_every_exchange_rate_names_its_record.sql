-- Incident: two rates of one month; nobody could say which of them converted the amounts. A rate stands with the key of
-- its record, whose value and currencies are those used. The reporting currency alone has a rate without a key.
with used as (
    select
        'fct_invoice_lines' as relation_name,
        invoice_line_id as row_key,
        currency,
        exchange_rate,
        exchange_rate_key
    from {{ ref('fct_invoice_lines') }}
    union all
    select
        'fct_order_lines' as relation_name,
        order_line_id as row_key,
        currency,
        exchange_rate,
        exchange_rate_key
    from {{ ref('fct_order_lines') }}
    union all
    select
        'fct_opportunities' as relation_name,
        opportunity_id as row_key,
        currency,
        exchange_rate,
        exchange_rate_key
    from {{ ref('fct_opportunities') }}
    union all
    select
        'fct_quotas' as relation_name,
        quota_key as row_key,
        currency,
        exchange_rate,
        exchange_rate_key
    from {{ ref('fct_quotas') }}
    union all
    select
        'fct_marketing_costs' as relation_name,
        cost_month_key as row_key,
        currency,
        exchange_rate,
        exchange_rate_key
    from {{ ref('fct_marketing_costs') }}
    union all
    select
        'int_subscription_months' as relation_name,
        record_key as row_key,
        currency,
        exchange_rate,
        exchange_rate_key
    from {{ ref('int_subscription_months') }}
)

select
    used.relation_name,
    used.row_key,
    used.currency,
    used.exchange_rate,
    used.exchange_rate_key
from used
cross join {{ run_settings() }} as settings
left join {{ ref('stg_finance__exchange_rates') }} as rates on used.exchange_rate_key = rates.record_key
where
    (used.exchange_rate is null and used.exchange_rate_key is not null)
    or (
        used.exchange_rate is not null
        and used.exchange_rate_key is null
        and (used.currency <> settings.reporting_currency or used.exchange_rate <> 1)
    )
    or (
        used.exchange_rate_key is not null
        and (
            rates.record_key is null
            or rates.is_deleted
            or rates.rate <> used.exchange_rate
            or upper(rates.from_currency) <> used.currency
            or upper(rates.to_currency) <> settings.reporting_currency
        )
    )
