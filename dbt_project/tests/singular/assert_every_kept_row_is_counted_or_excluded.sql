-- A join that loses or doubles rows changes a KPI without any error: a lead whose person lost its golden id, a stage
-- change joined twice, an invoice line without its document. Kept rows = rows the fact counts + rows excluded.
with kept as (
    select
        'crm_lead' as contract,
        count(*) as n_rows
    from {{ ref('stg_crm__leads') }}
    union all
    select
        'crm_activity' as contract,
        count(*) as n_rows
    from {{ ref('stg_crm__activities') }}
    union all
    select
        'crm_opportunity' as contract,
        count(*) as n_rows
    from {{ ref('stg_crm__opportunities') }}
    union all
    select
        'crm_opportunity_event' as contract,
        count(*) as n_rows
    from {{ ref('stg_crm__opportunity_events') }}
    union all
    select
        'erp_invoice_line' as contract,
        count(*) as n_rows
    from {{ ref('stg_erp__invoice_lines') }}
    union all
    select
        'erp_order_line' as contract,
        count(*) as n_rows
    from {{ ref('stg_erp__order_lines') }}
    union all
    select
        'social_metric' as contract,
        count(*) as n_rows
    from {{ ref('stg_social__metrics') }}
    union all
    select
        'crm_account_event' as contract,
        count(*) as n_rows
    from {{ ref('stg_crm__account_events') }}
    union all
    select
        'crm_opportunity_contact_role' as contract,
        count(*) as n_rows
    from {{ ref('stg_crm__opportunity_contact_roles') }}
    union all
    select
        'erp_ledger_entry' as contract,
        count(*) as n_rows
    from {{ ref('stg_erp__ledger_entries') }}
    union all
    select
        'calendar_attendee' as contract,
        count(*) as n_rows
    from {{ ref('stg_calendar__attendees') }}
    union all
    select
        'telephony_call_leg' as contract,
        count(*) as n_rows
    from {{ ref('stg_telephony__call_legs') }}
    union all
    select
        'email_event' as contract,
        count(*) as n_rows
    from {{ ref('stg_emailing__events') }}
    union all
    select
        'erp_subscription' as contract,
        count(*) as n_rows
    from {{ ref('stg_erp__subscriptions') }}
    union all
    select
        'nps_response' as contract,
        count(*) as n_rows
    from {{ ref('stg_survey__responses') }}
    union all
    select
        'product_usage' as contract,
        count(*) as n_rows
    from {{ ref('stg_product__usages') }}
    union all
    select
        'marketing_cost' as contract,
        count(*) as n_rows
    from {{ ref('stg_finance__marketing_costs') }}
),

counted as (
    select
        'crm_lead' as contract,
        sum(n_source_rows) as n_rows
    from {{ ref('fct_leads') }}
    union all
    select
        'crm_activity' as contract,
        count(*) as n_rows
    from {{ ref('fct_touches') }}
    where source_stream_code = 'activity'
    union all
    select
        'crm_opportunity' as contract,
        count(*) as n_rows
    from {{ ref('fct_opportunities') }}
    union all
    select
        'crm_opportunity_event' as contract,
        count(*) as n_rows
    from {{ ref('fct_opportunity_changes') }}
    union all
    select
        'erp_invoice_line' as contract,
        count(*) as n_rows
    from {{ ref('fct_invoice_lines') }}
    union all
    select
        'erp_order_line' as contract,
        count(*) as n_rows
    from {{ ref('fct_order_lines') }}
    union all
    select
        'social_metric' as contract,
        count(*) as n_rows
    from {{ ref('fct_social_metrics') }}
    union all
    select
        'crm_account_event' as contract,
        count(*) as n_rows
    from {{ ref('fct_account_events') }}
    union all
    select
        'crm_opportunity_contact_role' as contract,
        count(*) as n_rows
    from {{ ref('fct_opportunity_contact_roles') }}
    union all
    select
        'erp_ledger_entry' as contract,
        count(*) as n_rows
    from {{ ref('fct_ledger_revenues') }}
    union all
    select
        'calendar_attendee' as contract,
        sum(n_source_rows) as n_rows
    from {{ ref('fct_meetings') }}
    union all
    select
        'telephony_call_leg' as contract,
        sum(n_source_rows) as n_rows
    from {{ ref('fct_calls') }}
    union all
    select
        'email_event' as contract,
        sum(n_source_rows) as n_rows
    from {{ ref('fct_email_sends') }}
    union all
    select
        'erp_subscription' as contract,
        count(distinct record_key) as n_rows
    from {{ ref('int_subscription_months') }}
    where reason_code is null
    union all
    select
        'nps_response' as contract,
        count(*) as n_rows
    from {{ ref('fct_nps_responses') }}
    union all
    select
        'product_usage' as contract,
        sum(n_source_rows) as n_rows
    from {{ ref('fct_product_usages') }}
    union all
    select
        'marketing_cost' as contract,
        count(distinct cost_id) as n_rows
    from {{ ref('fct_marketing_costs') }}
    where cost_source_code = 'cost'
),

excluded as (
    select
        contract,
        count(*) as n_rows
    from {{ ref('int_fact_exclusions') }}
    where stream <> 'subscription_month' -- counted in some of its months
    group by contract
)

select
    kept.contract,
    kept.n_rows as n_kept,
    coalesce(counted.n_rows, 0) as n_counted,
    coalesce(excluded.n_rows, 0) as n_excluded
from kept
left join counted on kept.contract = counted.contract
left join excluded on kept.contract = excluded.contract
where kept.n_rows <> coalesce(counted.n_rows, 0) + coalesce(excluded.n_rows, 0)
