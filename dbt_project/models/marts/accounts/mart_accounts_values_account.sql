-- Estimates of the statistics step; no account stands here while the model of the cycle is not published.
select
    estimates.account_id,
    accounts.group_id,
    accounts.size_band_code,
    estimates.n_repeat_purchases,
    estimates.last_purchase_weeks,
    estimates.age_weeks,
    estimates.purchase_value,
    estimates.alive_probability,
    estimates.expected_purchases,
    estimates.expected_purchase_value,
    estimates.expected_revenue,
    cast(settings.reporting_currency as string) as reporting_currency
from {{ source('statistics', 'account_values') }} as estimates
inner join {{ ref('dim_accounts') }} as accounts on estimates.account_id = accounts.account_id
cross join {{ run_settings() }} as settings
