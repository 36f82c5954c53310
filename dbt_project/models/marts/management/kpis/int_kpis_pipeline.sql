{{ config(materialized="ephemeral", contract={"enforced": false}) }}

-- The stage conversion of all stages adds the halves of the stages.
{%- set opportunities = ref('mart_sales_opportunities_month') %}
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
