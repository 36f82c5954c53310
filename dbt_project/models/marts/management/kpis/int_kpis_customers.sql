{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set customers = ref('mart_accounts_customers_month') %}

{{ kpi_rows('nps', customers, 'nps', 'promoter_points', 'n_responses', 'nps_reason_code') }}
union all
{{ kpi_rows('activation', customers, 'n_activated') }}
union all
{{ kpi_rows('pql', customers, 'n_pql') }}
union all
{{ kpi_rows(
    'health_score', customers, 'health_score_mean', 'health_points', 'n_scored_accounts', 'health_reason_code',
    "case when n_renormalised > 0 and n_scored_accounts > 0 then 'components_missing' end"
) }}
union all
{{ kpi_rows(
    'health_auc', customers, 'health_auc_rate', denominator='n_judged_lost', reason_code='health_auc_reason_code',
    caveat_code='health_auc_caveat_code'
) }}
