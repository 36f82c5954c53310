{{ config(materialized="ephemeral", contract={"enforced": false}) }}

{%- set leads = ref('mart_sales_leads_month') %}
{%- set followup = ref('mart_sales_followup_month') %}
{%- set cadences = ref('mart_sales_cadences_month') %}
{%- set handoffs = ref('mart_revops_handoffs_month') %}
{#- a month and segment in which deals were won and nothing was handed over has no figure of leads #}
{%- set of_leads = 'n_mql + n_sql > 0' %}
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
union all
{{ kpi_rows('leads_social', followup, 'n_social') }}
union all
{{ kpi_rows('followed_up_rate', followup, 'followed_up_rate', 'n_followed_up', 'n_leads') }}
union all
{{ kpi_rows(
    'same_day_contact_rate', followup, 'same_day_contact_rate', 'n_contacted_same_day', 'n_contact_due',
    'same_day_contact_reason_code', n_immature='n_contact_not_due'
) }}
union all
{{ kpi_rows(
    'ttf_business_hours', followup, 'ttf_business_hours_median', denominator='n_business_timed',
    reason_code='ttf_business_reason_code'
) }}
union all
{{ kpi_rows(
    'ttf_km_median', followup, 'ttf_km_hours_median', denominator='n_km_leads', reason_code='ttf_km_reason_code'
) }}
union all
{{ kpi_rows('crm_fields_rate', followup, 'crm_fields_rate', 'n_fields_filled', 'n_fields_expected') }}
union all
{{ kpi_rows('mql', handoffs, 'n_mql', where=of_leads) }}
union all
{{ kpi_rows('sql', handoffs, 'n_sql', where=of_leads) }}
union all
{{ kpi_rows(
    'handoff_loss_rate', handoffs, 'handoff_loss_rate', 'n_lost', 'n_sla_over', 'handoff_loss_reason_code',
    n_immature='n_sla_open', where=of_leads
) }}
union all
{{ kpi_rows(
    'handoff_acceptance_rate', handoffs, 'handoff_acceptance_rate', 'n_accepted', 'n_matured',
    'handoff_acceptance_reason_code', n_immature='n_immature', where=of_leads
) }}
union all
{{ kpi_rows(
    'handoff_lag_hours', handoffs, 'lag_hours_median', denominator='n_with_lag', reason_code='lag_reason_code',
    where='n_mql > 0'
) }}
union all
{{ kpi_rows(
    'sql_to_opp_rate', handoffs, 'sql_to_opp_rate', 'n_sql_with_opportunity', 'n_sql_matured',
    'sql_to_opp_reason_code', n_immature='n_sql_immature', where='n_sql > 0'
) }}
union all
{{ kpi_rows(
    'cs_handoff_loss_rate', handoffs, 'cs_handoff_loss_rate', 'n_cs_lost', 'n_cs_sla_over',
    'cs_handoff_loss_reason_code', n_immature='n_cs_sla_open', where='n_cs_handoffs > 0'
) }}
union all
{{ kpi_rows(
    'cs_handoff_lag_days', handoffs, 'cs_lag_days_median', denominator='n_cs_with_lag',
    reason_code='cs_lag_reason_code', where='n_cs_handoffs > 0'
) }}
union all
{{ kpi_rows(
    'cadence_adherence', cadences, 'cadence_adherence_rate', 'n_adherent', 'n_leads', 'adherence_reason_code'
) }}
union all
{{ kpi_rows('sequence_steps_rate', cadences, 'steps_kept_rate', 'n_steps_kept', 'n_steps', 'steps_reason_code') }}
union all
{{ kpi_rows(
    'routed_in_sla_rate', ref('mart_revops_routing_month'), 'routed_in_sla_rate', 'n_routed_in_sla', 'n_sla_over',
    'routed_in_sla_reason_code', n_immature='n_sla_open'
) }}
