{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set leads = ref('mart_sales_leads_month') %}
{%- set conversion_caveat -%}
    case
        when n_conversion_undated > 0 then 'conversion_undated'
        when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature'
    end
{%- endset %}
{%- set leads_caveat = "case when n_immature > 0 and n_matured > 0 then 'cohort_partly_immature' end" %}

{{ kpi_rows('leads_new', leads, 'n_leads') }}
union all
{{ kpi_rows(
    'cr', leads, 'conversion_rate', 'n_converted_in_window', 'n_matured',
    'conversion_reason_code', conversion_caveat, 'n_immature'
) }}
union all
{{ kpi_rows(
    'touches_per_lead', leads, 'touches_per_lead', 'n_touches', 'n_matured',
    'touches_reason_code', leads_caveat, 'n_immature'
) }}
union all
{{ kpi_rows(
    'ttf_hours', leads, 'ttf_hours_median', denominator='n_contacted', reason_code='ttf_reason_code'
) }}
union all
{{ kpi_rows(
    'contacted_24h_rate', leads, 'contacted_24h_rate', 'n_contacted_24h', 'n_older_24h',
    'contacted_24h_reason_code', n_immature='n_leads - n_older_24h'
) }}
