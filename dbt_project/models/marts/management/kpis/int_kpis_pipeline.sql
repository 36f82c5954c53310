{{ config(materialized="ephemeral", contract={"enforced": false}) }}

-- The stage conversion of all stages adds the halves of the stages; so does the share of gates.
{%- set opportunities = ref('mart_sales_opportunities_month') %}
{%- set pipeline = ref('mart_sales_pipeline_month') %}
{%- set forecast = ref('mart_sales_forecast_month') %}
{%- set effort = ref('mart_sales_pipeline_effort_month') %}
{%- set frozen_caveat -%}
    case
        when n_teams_unjudged > 0 and accuracy_reason_code is null then 'teams_without_forecast'
        when n_not_frozen > 0 then 'history_incomplete'
    end
{%- endset %}
{%- set stages_caveat = "case when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature' end" %}

with pooled_stages as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(n_matured) as n_matured,
        sum(n_immature) as n_immature,
        sum(n_reached_next) as n_reached_next
    from {{ ref('mart_sales_stages_month') }}
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        'stage' as segment_kind_code,
        stage_code as segment_code,
        n_matured,
        n_immature,
        n_reached_next
    from {{ ref('mart_sales_stages_month') }}
    where segment_kind_code = 'all'
),

pooled_gates as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        sum(n_judged) as n_judged,
        sum(n_without_evidence) as n_without_evidence
    from {{ ref('mart_sales_stage_gates_month') }}
    group by period_month, segment_kind_code, segment_code
    union all
    select
        period_month,
        'stage' as segment_kind_code,
        stage_code as segment_code,
        n_judged,
        n_without_evidence
    from {{ ref('mart_sales_stage_gates_month') }}
    where segment_kind_code = 'all'
),

rated_gates as (
    select
        *,
        {{ metric_ratio('n_without_evidence', 'n_judged') }} as gate_without_evidence_rate,
        case when n_judged = 0 then 'evidence_not_recorded' end as gate_reason_code
    from pooled_gates
),

rated_stages as (
    select
        *,
        {{ metric_ratio('n_reached_next', 'n_matured') }} as stage_conversion_rate,
        case when n_matured = 0 then 'cohort_immature' end as stage_conversion_reason_code
    from pooled_stages
)

{{ kpi_rows('win_rate_close', opportunities, 'win_rate', 'n_won', 'n_closed') }}
union all
{{ kpi_rows(
    'win_amount_rate_close', opportunities, 'win_amount_rate', 'won_amount', 'closed_amount',
    'win_amount_reason_code'
) }}
union all
{{ kpi_rows(
    'sales_cycle_days', opportunities, 'sales_cycle_days_median', denominator='n_won_with_cycle',
    reason_code='sales_cycle_reason_code'
) }}
union all
{{ kpi_rows(
    'stage_conversion', 'rated_stages', 'stage_conversion_rate', 'n_reached_next', 'n_matured',
    'stage_conversion_reason_code', stages_caveat, 'n_immature'
) }}
union all
{{ kpi_rows(
    'gate_without_evidence_rate', 'rated_gates', 'gate_without_evidence_rate', 'n_without_evidence', 'n_judged',
    'gate_reason_code'
) }}
union all
{{ kpi_rows('opps_won', opportunities, 'n_won') }}
union all
{{ kpi_rows(
    'avg_deal', opportunities, 'avg_deal_amount', 'won_amount', 'n_won', 'avg_deal_reason_code'
) }}
union all
{{ kpi_rows('opps_open', pipeline, 'n_open') }}
union all
{{ kpi_rows('pipeline_amount', pipeline, 'pipeline_amount', reason_code='pipeline_reason_code') }}
union all
{{ kpi_rows('weighted_pipeline', pipeline, 'weighted_amount', reason_code='weighted_reason_code') }}
union all
{{ kpi_rows(
    'win_rate_cohort', ref('mart_sales_pipeline_cohorts_month'), 'win_rate', 'n_won', 'n_opened',
    caveat_code="case when not is_comparable then 'cohort_under_80pct' end", n_immature='n_immature'
) }}
union all
{{ kpi_rows(
    'time_in_stage', ref('mart_sales_pipeline_stays_month'), 'stay_days_median', denominator='n_stays',
    reason_code='stay_reason_code', n_immature='n_censored'
) }}
union all
{{ kpi_rows(
    'pipeline_velocity', ref('mart_sales_pipeline_velocity_month'), 'velocity_amount_per_day',
    denominator='n_open', reason_code='velocity_reason_code'
) }}
union all
{{ kpi_rows(
    'forecast_accuracy', forecast, 'accuracy_rate', 'judged_won_amount - absolute_error_amount', 'judged_won_amount',
    'accuracy_reason_code', frozen_caveat
) }}
union all
{{ kpi_rows(
    'forecast_bias', forecast, 'bias_rate', 'error_amount', 'judged_won_amount', 'accuracy_reason_code',
    frozen_caveat
) }}
union all
{{ kpi_rows(
    'forecast_within_10pct', forecast, 'within_10pct_rate', 'n_within_10pct', 'n_tested', 'within_reason_code',
    frozen_caveat
) }}
union all
{{ kpi_rows(
    'effort_on_lost', effort, 'effort_on_lost_rate', 'lost_effort_s', 'closed_effort_s', 'effort_reason_code'
) }}
union all
{{ kpi_rows(
    'buying_group_size', effort, 'group_size_mean', 'n_group_persons', 'n_with_group', 'group_size_reason_code'
) }}
union all
{{ kpi_rows(
    'pipeline_coverage', ref('mart_sales_pipeline_coverage_month'), 'coverage_rate', 'open_amount',
    'remaining_amount', 'coverage_reason_code'
) }}
