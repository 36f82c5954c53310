-- A reason that nobody noted is no reason: its losses stand apart and have no share among those told.
with losses as (
    select
        period_month,
        size_band_code,
        churn_reason_code,
        count(case when is_known_account then 1 end) as n_accounts_lost,
        -({{ complete_sum('churn_mrr', 'true') }}) as lost_mrr
    from {{ ref('fct_mrr_account_months') }}
    where coalesce(churn_mrr, -1) < 0
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
        {{ complete_sum('lost_mrr', 'true') }} as lost_mrr
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
        ) as converted_told_mrr,
        count(case when churn_reason_code <> 'unknown' and lost_mrr is null then 1 end) over (
            partition by period_month, segment_kind_code, segment_code
        ) as n_unconverted_reasons
    from cells
),

told as (
    select
        *,
        case when n_unconverted_reasons = 0 then converted_told_mrr end as told_mrr
    from shared
)

select
    told.period_month,
    cast(told.segment_kind_code as string) as segment_kind_code,
    cast(told.segment_code as string) as segment_code,
    cast(told.churn_reason_code as string) as churn_reason_code,
    cast(told.n_accounts_lost as bigint) as n_accounts_lost,
    cast(told.lost_mrr as decimal(38, 4)) as lost_mrr,
    cast(told.n_accounts_lost_told as bigint) as n_accounts_lost_told,
    cast(told.told_mrr as decimal(38, 4)) as told_mrr,
    case
        when told.churn_reason_code <> 'unknown'
            then {{ metric_ratio('told.n_accounts_lost', 'told.n_accounts_lost_told') }}
    end as account_share_rate,
    case
        when told.churn_reason_code <> 'unknown' then {{ metric_ratio('told.lost_mrr', 'told.told_mrr') }}
    end as mrr_share_rate,
    cast(
        case
            when told.churn_reason_code = 'unknown' then 'churn_reason_unknown'
            when told.n_accounts_lost_told = 0 then 'no_churn'
        end as string
    ) as share_reason_code,
    cast(
        case
            when told.churn_reason_code = 'unknown' then 'churn_reason_unknown'
            when told.told_mrr is null then 'exchange_rate_missing'
            when told.told_mrr = 0 then 'no_churn'
        end as string
    ) as mrr_share_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from told
cross join {{ run_settings() }} as settings
