-- One rate a month: the first one dated in the month, kept until a month has a newer one. The reporting currency is 1,
-- which no record says: it has no key.
-- A currency or month without a rate has no row: its amounts stay null, they are never counted at 1.
with monthly as (
    select
        upper(rates.from_currency) as currency,
        {{ first_of_month('rates.rate_date') }} as valid_from_month,
        min_by(rates.rate, cast(rates.rate_date as string) || rates.record_key) as exchange_rate,
        min_by(rates.record_key, cast(rates.rate_date as string) || rates.record_key) as exchange_rate_key
    from {{ ref('stg_finance__exchange_rates') }} as rates
    cross join {{ run_settings() }} as settings
    where
        upper(rates.to_currency) = settings.reporting_currency
        and upper(rates.from_currency) <> settings.reporting_currency
        and rates.rate > 0
        and not rates.is_deleted
    group by upper(rates.from_currency), {{ first_of_month('rates.rate_date') }}
)

select
    currency,
    valid_from_month,
    coalesce(
        lead(valid_from_month) over (partition by currency order by valid_from_month), cast('9999-12-01' as date)
    ) as valid_to_month,
    exchange_rate,
    exchange_rate_key
from monthly
union all
select
    reporting_currency as currency,
    cast('1900-01-01' as date) as valid_from_month,
    cast('9999-12-01' as date) as valid_to_month,
    cast(1 as decimal(18, 8)) as exchange_rate,
    cast(null as string) as exchange_rate_key
from {{ run_settings() }} as settings
