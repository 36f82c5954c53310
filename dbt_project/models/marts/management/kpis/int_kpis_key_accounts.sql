{{ config(materialized="ephemeral", contract={"enforced": false}) }}

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
