{{ config(materialized="view") }}

-- Sales and marketing costs in the month whose new customers they are set against: cac_lag_months after they were due.
with assumptions as (
    select cast(max(case when assumption_code = 'cac_lag_months' then assumption_value end) as int) as lag_months
    from {{ ref('finance_assumptions') }}
),

placed as (
    select
        spent.*,
        {{ add_months('spent.period_month', 'assumptions.lag_months') }} as acquisition_month
    from {{ ref('fct_marketing_costs') }} as spent
    cross join assumptions
)

select
    placed.cost_month_key,
    placed.acquisition_month as period_month,
    placed.period_month as cost_month,
    placed.cost_kind_code in ('media', 'campaign') as is_media,
    placed.amount_reporting
from placed
cross join {{ run_settings() }} as settings
where placed.acquisition_month < settings.cycle_end
