-- A reason that nobody noted is no reason: its losses stand apart and have no share among those told.
with losses as (
    select
        period_month,
        size_band_code,
        churn_reason_code,
        count(case when is_known_account then 1 end) as n_accounts_lost,
        -sum(churn_mrr) as lost_mrr
    from {{ ref('fct_mrr_account_months') }}
    where churn_mrr < 0
    group by period_month, size_band_code, churn_reason_code
),

segmented as (
    {{ segment_rows('losses', {'size_band': 'size_band_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        churn_reason_code,
        sum(n_accounts_lost) as n_accounts_lost,
        sum(lost_mrr) as lost_mrr
    from segmented
    group by period_month, segment_kind_code, segment_code, churn_reason_code
),

shared as (
    select
        *,
        sum(case when churn_reason_code <> 'unknown' then n_accounts_lost else 0 end) over (
            partition by period_month, segment_kind_code, segment_code
        ) as n_accounts_lost_told,
        sum(case when churn_reason_code <> 'unknown' then lost_mrr else 0 end) over (
            partition by period_month, segment_kind_code, segment_code
        ) as told_mrr
    from cells
)

select
    shared.period_month,
    cast(shared.segment_kind_code as string) as segment_kind_code,
    cast(shared.segment_code as string) as segment_code,
    cast(shared.churn_reason_code as string) as churn_reason_code,
    cast(shared.n_accounts_lost as bigint) as n_accounts_lost,
    cast(shared.lost_mrr as decimal(38, 4)) as lost_mrr,
    cast(shared.n_accounts_lost_told as bigint) as n_accounts_lost_told,
    cast(shared.told_mrr as decimal(38, 4)) as told_mrr,
    case
        when shared.churn_reason_code <> 'unknown'
            then {{ metric_ratio('shared.n_accounts_lost', 'shared.n_accounts_lost_told') }}
    end as account_share_rate,
    case
        when shared.churn_reason_code <> 'unknown' then {{ metric_ratio('shared.lost_mrr', 'shared.told_mrr') }}
    end as mrr_share_rate,
    cast(
        case
            when shared.churn_reason_code = 'unknown' then 'churn_reason_unknown'
            when shared.n_accounts_lost_told = 0 then 'no_churn'
        end as string
    ) as share_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from shared
cross join {{ run_settings() }} as settings
