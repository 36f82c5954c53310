{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set targets = ref('mart_revops_targets_month') %}
{%- set reps = ref('mart_sales_reps_month') %}
{%- set scores = ref('mart_sales_deal_scores_month') %}

{{ kpi_rows(
    'quota_attainment', targets, 'quota_attainment_rate', 'quota_actual_amount', 'quota_target_amount',
    'quota_reason_code'
) }}
union all
{{ kpi_rows(
    'quota_attained_share', targets, 'target_attained_rate', 'n_targets_attained', 'n_targets',
    'target_attained_reason_code'
) }}
union all
{{ kpi_rows(
    'activity_target_attainment', targets, 'activity_attainment_rate', 'activity_actual', 'activity_target',
    'activity_reason_code'
) }}
union all
{{ kpi_rows(
    'new_customer_target_attainment', targets, 'customer_attainment_rate', 'customer_actual', 'customer_target',
    'customer_reason_code'
) }}
union all
{{ kpi_rows(
    'meeting_target_attainment', targets, 'meeting_attainment_rate', 'meeting_actual', 'meeting_target',
    'meeting_reason_code'
) }}
union all
{{ kpi_rows(
    'sql_target_attainment', targets, 'sql_attainment_rate', 'sql_actual', 'sql_target', 'sql_reason_code'
) }}
union all
{{ kpi_rows(
    'revenue_per_rep', reps, 'revenue_per_rep', '12 * revenue_amount', 'n_active_rep_months',
    'revenue_per_rep_reason_code', n_immature='n_ramping_rep_months'
) }}
union all
{{ kpi_rows(
    'rep_attrition_rate', reps, 'rep_attrition_rate', '12 * n_left_12_months', 'n_employed_12_months',
    'rep_attrition_reason_code'
) }}
union all
{{ kpi_rows(
    'deal_score_brier', scores, 'brier_score', denominator='n_passages', reason_code='brier_reason_code'
) }}
