-- The model is of the cycle: one month. The whole company has its row also where the model is not published.
with models as (
    select
        min(reason_code) as model_reason_code,
        coalesce(max(case when is_published then 1 else 0 end), 0) as is_published,
        max(n_accounts) as n_model_accounts,
        max(n_repeat_accounts) as n_repeat_accounts,
        max(frequency_value_correlation) as frequency_value_correlation,
        max(n_holdout_expected) as n_holdout_expected,
        max(n_holdout_actual) as n_holdout_actual
    from {{ source('statistics', 'account_value_models') }}
),

assumptions as (
    select max(case when assumption_code = 'gross_margin_rate' then assumption_value end) as gross_margin_rate
    from {{ ref('finance_assumptions') }}
),

segmented as (
    {{ segment_rows(ref('mart_accounts_values_account'), {'size_band': 'size_band_code'}) }}
),

cells as (
    select
        segment_kind_code,
        segment_code,
        count(*) as n_accounts,
        sum(expected_revenue) as expected_revenue,
        sum(expected_purchases) as expected_purchases
    from segmented
    group by segment_kind_code, segment_code
    union all
    select
        'all' as segment_kind_code,
        'all' as segment_code,
        0 as n_accounts,
        0 as expected_revenue,
        0 as expected_purchases
    from models
),

summed as (
    select
        segment_kind_code,
        segment_code,
        sum(n_accounts) as n_accounts,
        sum(expected_revenue) as expected_revenue,
        sum(expected_purchases) as expected_purchases
    from cells
    group by segment_kind_code, segment_code
)

select
    settings.cycle_start as period_month,
    cast(summed.segment_kind_code as string) as segment_kind_code,
    cast(summed.segment_code as string) as segment_code,
    cast(summed.n_accounts as bigint) as n_accounts,
    cast(summed.expected_revenue as decimal(38, 4)) as expected_revenue,
    cast(summed.expected_purchases as decimal(38, 10)) as expected_purchases,
    cast(assumptions.gross_margin_rate as decimal(18, 4)) as gross_margin_rate,
    cast('assumption' as string) as gross_margin_source_code,
    {{ rounded(
        'cast(summed.expected_revenue as double) * cast(assumptions.gross_margin_rate as double)'
        ~ ' / nullif(summed.n_accounts, 0)', 6
    ) }} as clv_bgnbd,
    cast(
        case
            when models.is_published = 0 then coalesce(models.model_reason_code, 'no_source_rows')
            when summed.n_accounts = 0 then 'no_source_rows'
        end as string
    ) as clv_reason_code,
    cast(models.n_repeat_accounts as bigint) as n_repeat_accounts,
    models.frequency_value_correlation,
    models.n_holdout_expected,
    cast(models.n_holdout_actual as bigint) as n_holdout_actual,
    cast(settings.reporting_currency as string) as reporting_currency
from summed
cross join models
cross join assumptions
cross join {{ run_settings() }} as settings
