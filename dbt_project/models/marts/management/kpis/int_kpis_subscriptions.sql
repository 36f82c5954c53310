{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set mrr = ref('mart_finance_mrr_month') %}

{{ kpi_rows('mrr', mrr, 'closing_mrr') }}
union all
{{ kpi_rows('mrr_new', mrr, 'new_mrr') }}
union all
{{ kpi_rows('mrr_expansion', mrr, 'expansion_mrr') }}
union all
{{ kpi_rows('mrr_contraction', mrr, 'contraction_mrr') }}
union all
{{ kpi_rows('mrr_churn', mrr, 'churn_mrr') }}
union all
{{ kpi_rows('mrr_reactivation', mrr, 'reactivation_mrr') }}
