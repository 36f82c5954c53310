-- Two anchors in one row: what the month did to those who paid before it, and what became of those who started in it.
-- A sum with an amount that no rate converts is unknown; its account counts.
with revenue_segmented as (
    {{ segment_rows(ref('fct_mrr_account_months'), {'size_band': 'size_band_code'}) }}
),

starts_segmented as (
    {{ segment_rows(ref('fct_customer_starts'), {'size_band': 'size_band_code'}) }}
),

sides as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        {{ complete_sum('opening_mrr', 'true') }} as opening_mrr,
        {{ complete_sum('kept_mrr', 'true') }} as kept_mrr,
        {{ complete_sum('capped_mrr', 'true') }} as capped_mrr,
        -({{ complete_sum('churn_mrr', 'true') }}) as lost_mrr,
        -({{ complete_sum('churn_mrr + contraction_mrr', 'true') }}) as lost_or_reduced_mrr,
        {{ complete_sum('year_ago_mrr', 'true') }} as year_ago_mrr,
        {{ complete_sum('year_kept_mrr', 'true') }} as year_kept_mrr,
        {{ complete_sum('year_capped_mrr', 'true') }} as year_capped_mrr,
        count(case when is_known_account and coalesce(opening_mrr, 1) > 0 then 1 end) as n_accounts_opening,
        count(case when is_known_account and coalesce(churn_mrr, -1) < 0 then 1 end) as n_accounts_lost,
        count(case when is_known_account and coalesce(churn_mrr, -1) < 0 and churn_reason_code <> 'unknown' then 1 end)
            as n_accounts_lost_told,
        count(case when is_known_account and coalesce(reactivation_mrr, 1) > 0 then 1 end) as n_accounts_won_back,
        count(case when is_known_account and coalesce(closing_mrr, 1) > 0 then 1 end) as n_accounts_closing,
        {{ complete_sum('closing_mrr', 'is_known_account') }} as known_closing_mrr,
        0 as n_starts,
        0 as n_starts_matured,
        0 as n_starts_lost_90d
    from revenue_segmented
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        segment_kind_code,
        segment_code,
        0 as opening_mrr,
        0 as kept_mrr,
        0 as capped_mrr,
        0 as lost_mrr,
        0 as lost_or_reduced_mrr,
        0 as year_ago_mrr,
        0 as year_kept_mrr,
        0 as year_capped_mrr,
        0 as n_accounts_opening,
        0 as n_accounts_lost,
        0 as n_accounts_lost_told,
        0 as n_accounts_won_back,
        0 as n_accounts_closing,
        0 as known_closing_mrr,
        count(*) as n_starts,
        count(case when is_matured_90d then 1 end) as n_starts_matured,
        count(case when is_matured_90d and is_lost_90d then 1 end) as n_starts_lost_90d
    from starts_segmented
    group by period_month, segment_kind_code, segment_code
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        {% for column in [
            'opening_mrr', 'kept_mrr', 'capped_mrr', 'lost_mrr', 'lost_or_reduced_mrr', 'year_ago_mrr',
            'year_kept_mrr', 'year_capped_mrr', 'known_closing_mrr'
        ] -%}
            cast({{ complete_sum(column, 'true') }} as decimal(38, 4)) as {{ column }},
        {% endfor -%}
        {% for column in [
            'n_accounts_opening', 'n_accounts_lost', 'n_accounts_lost_told', 'n_accounts_won_back',
            'n_accounts_closing', 'n_starts', 'n_starts_matured', 'n_starts_lost_90d'
        ] -%}
        cast(sum({{ column }}) as bigint) as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
    from sides
    group by period_month, segment_kind_code, segment_code
),

-- Where no loss of the company ever has a reason, no source notes any: the share of told losses is unknown, not 0.
tellers as (
    select count(case when churn_reason_code <> 'unknown' then 1 end) as n_told
    from {{ ref('fct_mrr_account_months') }}
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cells.year_ago_mrr,
    cells.year_kept_mrr,
    cells.year_capped_mrr,
    {{ metric_ratio('cells.year_kept_mrr', 'cells.year_ago_mrr') }} as nrr_rate,
    {{ metric_ratio('cells.year_capped_mrr', 'cells.year_ago_mrr') }} as grr_rate,
    cast(
        case
            when cells.year_ago_mrr is null or cells.year_kept_mrr is null then 'exchange_rate_missing'
            when cells.year_ago_mrr = 0 then 'no_mrr_a_year_ago'
        end as string
    ) as year_reason_code,
    cells.opening_mrr,
    cells.kept_mrr,
    cells.capped_mrr,
    cells.lost_mrr,
    cells.lost_or_reduced_mrr,
    {{ metric_ratio('cells.kept_mrr', 'cells.opening_mrr') }} as nrr_month_rate,
    {{ metric_ratio('cells.capped_mrr', 'cells.opening_mrr') }} as grr_month_rate,
    {{ metric_ratio('cells.lost_mrr', 'cells.opening_mrr') }} as mrr_churn_rate,
    {{ metric_ratio('cells.lost_or_reduced_mrr', 'cells.opening_mrr') }} as mrr_attrition_rate,
    cast(
        case
            when cells.opening_mrr is null or cells.kept_mrr is null then 'exchange_rate_missing'
            when cells.opening_mrr = 0 then 'no_opening_mrr'
        end as string
    ) as opening_reason_code,
    cast(
        case
            when cells.opening_mrr is null then 'exchange_rate_missing'
            when cells.opening_mrr = 0 then 'no_opening_mrr'
        end as string
    ) as mrr_churn_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency,
    cells.n_accounts_opening,
    cells.n_accounts_lost,
    cells.n_accounts_won_back,
    cells.n_accounts_closing,
    {{ metric_ratio('cells.n_accounts_lost', 'cells.n_accounts_opening') }} as logo_churn_rate,
    cast(case when cells.n_accounts_opening = 0 then 'no_opening_account' end as string) as logo_churn_reason_code,
    cells.known_closing_mrr,
    cast(
        cast(cells.known_closing_mrr as double) / nullif(cells.n_accounts_closing, 0) as decimal(38, 10)
    ) as arpa_amount,
    cast(
        case
            when cells.known_closing_mrr is null then 'exchange_rate_missing'
            when cells.n_accounts_closing = 0 then 'no_paying_account'
        end as string
    ) as arpa_reason_code,
    cells.n_starts,
    cells.n_starts_matured,
    cells.n_starts - cells.n_starts_matured as n_starts_immature,
    cells.n_starts_lost_90d,
    {{ metric_ratio('cells.n_starts_lost_90d', 'cells.n_starts_matured') }} as early_churn_90d_rate,
    cast(
        case
            when cells.n_starts = 0 then 'no_start'
            when cells.n_starts_matured = 0 then 'start_immature'
        end as string
    ) as early_churn_90d_reason_code,
    cells.n_accounts_lost_told,
    case
        when tellers.n_told > 0 then {{ metric_ratio('cells.n_accounts_lost_told', 'cells.n_accounts_lost') }}
    end as churn_reason_told_rate,
    cast(
        case
            when cells.n_accounts_lost = 0 then 'no_churn'
            when tellers.n_told = 0 then 'churn_reasons_not_delivered'
        end as string
    ) as churn_reason_told_reason_code
from cells
cross join tellers
cross join {{ run_settings() }} as settings
