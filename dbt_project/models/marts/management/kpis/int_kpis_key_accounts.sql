{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set strategic = ref('mart_accounts_strategic_month') %}

with groups_as_they_are as (
    select * from {{ ref('mart_accounts_concentration_month') }}
    where segment_kind_code = 'all'
)

{% for metric, column in {
    'hhi': 'hhi', 'effective_n': 'effective_n', 'gini': 'gini', 'abc': 'n_a_groups',
    'n_accounts_for_40pct': 'n_accounts_for_40pct'
}.items() -%}
    {{ kpi_rows(
        metric, 'groups_as_they_are', column, denominator='n_groups', reason_code='concentration_reason_code',
        caveat_code='concentration_caveat_code'
    ) }}
    union all
{% endfor -%}
{{ kpi_rows(
    'top_n_share', 'groups_as_they_are', 'top_5_share_rate', 'top_5_amount', 'attributed_amount',
    'concentration_reason_code', 'concentration_caveat_code'
) }}
union all
{{ kpi_rows(
    'strategic_growth', strategic, 'strategic_growth_rate', 'strategic_growth_amount', 'strategic_base_amount',
    'strategic_growth_reason_code'
) }}
union all
{{ kpi_rows(
    'rest_growth', strategic, 'rest_growth_rate', 'rest_growth_amount', 'rest_base_amount',
    'rest_growth_reason_code'
) }}
union all
{{ kpi_rows(
    'strategic_growth_ratio', strategic, 'strategic_growth_ratio', denominator='n_strategic_groups',
    reason_code='strategic_growth_ratio_reason_code'
) }}
union all
{{ kpi_rows(
    'accounts_per_kam', strategic, 'accounts_per_kam', 'n_owned_accounts', 'n_owners', 'accounts_per_kam_reason_code'
) }}
union all
{{ kpi_rows(
    'clv_bgnbd', ref('mart_accounts_values_month'), 'clv_bgnbd', denominator='n_accounts',
    reason_code='clv_reason_code'
) }}
