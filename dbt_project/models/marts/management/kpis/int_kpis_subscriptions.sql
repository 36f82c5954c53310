{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set mrr = ref('mart_finance_mrr_month') %}
{%- set retention = ref('mart_finance_retention_month') %}

with one_year as (
    select *
    from {{ ref('mart_finance_cohorts_month') }}
    where age_months = 12
)

{{ kpi_rows(
    'mrr', mrr, 'closing_mrr', reason_code="case when closing_mrr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows(
    'mrr_new', mrr, 'new_mrr', reason_code="case when new_mrr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows(
    'mrr_expansion', mrr, 'expansion_mrr', reason_code="case when expansion_mrr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows(
    'mrr_contraction', mrr, 'contraction_mrr', reason_code="case when contraction_mrr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows(
    'mrr_churn', mrr, 'churn_mrr', reason_code="case when churn_mrr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows(
    'mrr_reactivation', mrr, 'reactivation_mrr', reason_code="case when reactivation_mrr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows(
    'arr', mrr, 'arr', reason_code="case when arr is null then 'exchange_rate_missing' end"
) }}
union all
{{ kpi_rows('mrr_new_ytd', mrr, 'new_mrr_ytd', reason_code='new_mrr_ytd_reason_code') }}
union all
{{ kpi_rows('nrr', retention, 'nrr_rate', 'year_kept_mrr', 'year_ago_mrr', 'year_reason_code') }}
union all
{{ kpi_rows('grr', retention, 'grr_rate', 'year_capped_mrr', 'year_ago_mrr', 'year_reason_code') }}
union all
{{ kpi_rows('nrr_month', retention, 'nrr_month_rate', 'kept_mrr', 'opening_mrr', 'opening_reason_code') }}
union all
{{ kpi_rows('grr_month', retention, 'grr_month_rate', 'capped_mrr', 'opening_mrr', 'opening_reason_code') }}
union all
{{ kpi_rows('mrr_churn_rate', retention, 'mrr_churn_rate', 'lost_mrr', 'opening_mrr', 'mrr_churn_reason_code') }}
union all
{{ kpi_rows(
    'mrr_churn_incl_contraction', retention, 'mrr_attrition_rate', 'lost_or_reduced_mrr', 'opening_mrr',
    'opening_reason_code'
) }}
union all
{{ kpi_rows(
    'logo_churn', retention, 'logo_churn_rate', 'n_accounts_lost', 'n_accounts_opening', 'logo_churn_reason_code'
) }}
union all
{{ kpi_rows(
    'churn_reason_told_rate', retention, 'churn_reason_told_rate', 'n_accounts_lost_told', 'n_accounts_lost',
    'churn_reason_told_reason_code'
) }}
union all
{{ kpi_rows('customers', retention, 'n_accounts_closing') }}
union all
{{ kpi_rows('arpa', retention, 'arpa_amount', 'known_closing_mrr', 'n_accounts_closing', 'arpa_reason_code') }}
union all
{{ kpi_rows('win_backs', retention, 'n_accounts_won_back') }}
union all
{{ kpi_rows(
    'early_churn_90d', retention, 'early_churn_90d_rate', 'n_starts_lost_90d', 'n_starts_matured',
    'early_churn_90d_reason_code',
    "case when n_starts_immature > 0 and n_starts_matured > 0 then 'starts_partly_immature' end",
    'n_starts_immature'
) }}
union all
{{ kpi_rows(
    'cohort_retention', 'one_year', 'retention_rate', denominator='n_starts', reason_code='retention_reason_code',
    n_immature='n_starts - n_starts_matured'
) }}
