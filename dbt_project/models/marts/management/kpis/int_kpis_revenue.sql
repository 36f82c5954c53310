{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set revenue = ref('mart_finance_revenue_month') %}

{{ kpi_rows('revenue_total', revenue, 'revenue_amount', reason_code='revenue_reason_code') }}
union all
{{ kpi_rows(
    'revenue_new_business', revenue, 'new_business_amount', reason_code='new_business_reason_code',
    caveat_code='new_business_caveat_code'
) }}
union all
{{ kpi_rows(
    'revenue_new_business_share', revenue, 'new_business_share_rate', 'new_business_amount', 'revenue_amount',
    'new_business_share_reason_code', 'new_business_caveat_code'
) }}
