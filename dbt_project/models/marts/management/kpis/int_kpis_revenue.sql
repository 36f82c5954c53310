{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set revenue = ref('mart_finance_revenue_month') %}
{%- set growth = ref('mart_finance_revenue_growth_month') %}

with company_growth as (
    select * from {{ growth }}
    where segment_kind_code = 'all'
),

product_growth as (
    select * from {{ growth }}
    where n_lines > 0 and segment_kind_code in ('all', 'product_family')
),

source_growth as (
    select * from {{ growth }}
    where n_lines > 0 and segment_kind_code in ('all', 'lead_source')
),

channel_growth as (
    select * from {{ growth }}
    where n_lines > 0 and segment_kind_code in ('all', 'channel')
),

value_cells as (
    select * from {{ ref('mart_finance_acquisition_month') }}
),

cost_cells as (
    select * from value_cells
    where segment_kind_code = 'all'
)

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
union all
{{ kpi_rows('margin_rate', revenue, 'margin_rate', 'margin_amount', 'costed_revenue_amount', 'margin_reason_code') }}
union all
{{ kpi_rows(
    'cost_shown_rate', revenue, 'cost_shown_rate', 'costed_revenue_amount', 'revenue_amount', 'cost_shown_reason_code'
) }}
union all
{{ kpi_rows(
    'yoy_growth', growth, 'yoy_growth_rate', 'growth_amount', 'base_amount', 'yoy_growth_reason_code'
) }}
union all
{{ kpi_rows(
    'like_for_like_growth', growth, 'like_for_like_growth_rate', 'like_for_like_growth_amount', 'base_amount',
    'like_for_like_growth_reason_code'
) }}
union all
{{ kpi_rows('revenue_ytd', 'company_growth', 'year_to_date_amount', reason_code='year_to_date_reason_code') }}
union all
{{ kpi_rows('revenue_by_product', 'product_growth', 'revenue_amount', reason_code='revenue_reason_code') }}
union all
{{ kpi_rows('source_attributed_revenue', 'source_growth', 'revenue_amount', reason_code='revenue_reason_code') }}
union all
{{ kpi_rows(
    'channel_revenue_share', 'channel_growth', 'revenue_share_rate', 'revenue_amount', 'company_amount',
    'revenue_share_reason_code'
) }}
union all
{{ kpi_rows(
    'cac', 'cost_cells', 'cac', 'cost_amount', 'n_new_customers', 'cac_reason_code', 'cac_caveat_code'
) }}
union all
{{ kpi_rows(
    'cac_media', 'cost_cells', 'media_cac', 'media_cost_amount', 'n_new_customers', 'cac_reason_code',
    'cac_caveat_code'
) }}
union all
{{ kpi_rows(
    'cltv_simple', 'value_cells', 'cltv_simple', denominator='n_accounts_opening', reason_code='cltv_reason_code',
    caveat_code='cltv_caveat_code'
) }}
union all
{{ kpi_rows(
    'cltv_cac', 'value_cells', 'cltv_cac', denominator='n_accounts_opening', reason_code='cltv_cac_reason_code',
    caveat_code='coalesce(cltv_caveat_code, cac_caveat_code)'
) }}
union all
{{ kpi_rows(
    'cac_payback', 'value_cells', 'cac_payback_months', denominator='n_accounts_closing',
    reason_code='cac_payback_reason_code', caveat_code='cac_caveat_code'
) }}
