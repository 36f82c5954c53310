-- Figures of the statistics step as they are; what could not be estimated says why.
select
    n_touches,
    n_accounts,
    n_leads,
    conversion_mean,
    conversion_low_quarter,
    conversion_median,
    conversion_high_quarter,
    conversion_sd
from {{ source('statistics', 'account_spreads') }}
