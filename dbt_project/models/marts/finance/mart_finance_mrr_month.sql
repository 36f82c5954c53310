with movements as (
    select movements.*
    from {{ ref('fct_mrr_movements') }} as movements
    cross join {{ run_settings() }} as settings
    where movements.period_month < settings.cycle_end
),

segmented as (
    {{ segment_rows('movements', {'size_band': 'size_band_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(opening_mrr) as opening_mrr,
        sum(new_mrr) as new_mrr,
        sum(reactivation_mrr) as reactivation_mrr,
        sum(expansion_mrr) as expansion_mrr,
        sum(contraction_mrr) as contraction_mrr,
        sum(churn_mrr) as churn_mrr,
        sum(closing_mrr) as closing_mrr,
        count(*) filter (where opening_mrr > 0) as n_accounts_opening,
        count(*) filter (where new_mrr > 0) as n_accounts_new,
        count(*) filter (where reactivation_mrr > 0) as n_accounts_reactivated,
        count(*) filter (where churn_mrr < 0) as n_accounts_churned,
        count(*) filter (where closing_mrr > 0) as n_accounts_closing
    from segmented
    group by period_month, segment_kind_code, segment_code
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.opening_mrr as decimal(38, 4)) as opening_mrr,
    cast(cells.new_mrr as decimal(38, 4)) as new_mrr,
    cast(cells.reactivation_mrr as decimal(38, 4)) as reactivation_mrr,
    cast(cells.expansion_mrr as decimal(38, 4)) as expansion_mrr,
    cast(cells.contraction_mrr as decimal(38, 4)) as contraction_mrr,
    cast(cells.churn_mrr as decimal(38, 4)) as churn_mrr,
    cast(cells.closing_mrr as decimal(38, 4)) as closing_mrr,
    cast(settings.reporting_currency as string) as reporting_currency,
    cast(cells.n_accounts_opening as bigint) as n_accounts_opening,
    cast(cells.n_accounts_new as bigint) as n_accounts_new,
    cast(cells.n_accounts_reactivated as bigint) as n_accounts_reactivated,
    cast(cells.n_accounts_churned as bigint) as n_accounts_churned,
    cast(cells.n_accounts_closing as bigint) as n_accounts_closing
from cells
cross join {{ run_settings() }} as settings
